"""What moderators do to what was said: take it away, put it at the top; and what they announce."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from chat.believed import Believed, Trouble
from chat.entry import Entry
from chat.moderation import telling
from chat.moderation.actor import Actor, Done
from chat.moderation.desk import Case, Desk
from chat.people import Person, Standing
from chat.speech.composing import Composer
from chat.speech.text import Spoken, clean
from chat.store import acts, pins
from schemas.chat import AnnouncementColor, ChatMessage, Pinned
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId

FindMessage = Callable[[ChannelId, str], Awaitable[ChatMessage | None]]
"""Finds a message by its id, in the log or the database."""
BELIEVED_S: Final = 10.0
"""Rooms hear of pins at once; this is for channels that have no room here."""
KEPT_MAX: Final = 5_000
"""Channels in memory, some 1 KB each."""


class Messages:
    """Deletes, clears, announces, pins."""

    def __init__(self, desk: Desk, find: FindMessage, composer: Composer, trouble: Trouble) -> None:
        self._desk = desk
        self._find = find
        self._composer = composer
        self._pinned = Believed("pinned messages", self._read_pinned, trouble, believed_s=BELIEVED_S, kept_max=KEPT_MAX)

    async def delete(self, actor: Actor, channel: ChannelId, message_id: str) -> Done:
        """Take one message away; nothing when it was taken away before. Raises `ApiError` NOT_FOUND, FORBIDDEN."""
        await self._desk.look(actor, channel, "delete")  # before it is told whether there is such a message
        message = await self._found(channel, message_id)

        async def work(case: Case) -> Done:
            if await acts.is_deleted(case.connection, channel, message_id):
                return Done("This message was taken away already.")
            about = telling.event(
                "message_deleted",
                channel,
                messageId=message_id,
                userId=message.user_id,
                username=message.username,
                moderator=case.actor.username,
            )
            events = [about]
            if await pins.take_down(case.connection, channel, message=message_id):
                events.append(telling.pinned(channel, None))
            notice = f"A message of {message.username} is taken away."
            details = {"content": message.content}
            return await case.record("delete", notice, events, message=message_id, details=details)

        return await self._desk.do("delete", actor, channel, work, target=message.user_id)

    async def clear(self, actor: Actor, channel: ChannelId) -> Done:
        """Take away all that was said. Raises `ApiError`."""

        async def work(case: Case) -> Done:
            events = [telling.event("clear_chat", channel, moderator=case.actor.username)]
            if await pins.take_down(case.connection, channel):
                events.append(telling.pinned(channel, None))
            return await case.record("clear", "The chat is cleared.", events)

        return await self._desk.do("clear", actor, channel, work)

    async def announce(
        self,
        actor: Actor,
        channel: ChannelId,
        content: str,
        color: AnnouncementColor,
        *,
        person: Person,
        standing: Standing,
    ) -> Done:
        """Say something that is to be seen. Raises `ApiError`, also of what may not be said at all."""
        await self._desk.look(actor, channel, "announce")
        composed = await self._composer.compose(Spoken(clean(content)), person, standing, channel)
        message = composed.message

        async def work(case: Case) -> Done:
            events = [telling.announced(message, color)]
            details = {"content": message.content}
            return await case.record("announce", "It is announced.", events, message=message.id, details=details)

        return await self._desk.do("announce", actor, channel, work)

    # --- the message at the top ---

    async def pin(self, actor: Actor, channel: ChannelId, message_id: str, duration_s: int | None) -> Done:
        """Put a message at the top, for a time or until it is taken down. Raises `ApiError`."""
        await self._desk.look(actor, channel, "pin")
        message = await self._found(channel, message_id)
        at_ms = time.time_ns() // 1_000_000
        until_ms = None if duration_s is None else at_ms + duration_s * 1000

        async def work(case: Case) -> Done:
            pinned = Pinned(message, case.actor.display_name, at_ms, until_ms)
            await pins.write(case.connection, channel, pinned)
            details = {"content": message.content, "durationS": "" if duration_s is None else str(duration_s)}
            events = [telling.pinned(channel, pinned)]
            return await case.record(
                "pin", f"A message of {message.username} is pinned.", events, message=message_id, details=details
            )

        done = await self._desk.do("pin", actor, channel, work)
        self._pinned.forget(channel)
        return done

    async def unpin(self, actor: Actor, channel: ChannelId) -> Done:
        """Take down what is at the top. Raises `ApiError`."""

        async def work(case: Case) -> Done:
            if not await pins.take_down(case.connection, channel):
                return Done("Nothing is pinned.")
            return await case.record("unpin", "The pinned message is taken down.", [telling.pinned(channel, None)])

        done = await self._desk.do("unpin", actor, channel, work)
        self._pinned.forget(channel)
        return done

    async def pinned(self, channel: ChannelId) -> Pinned | None:
        """Return what is at the top right now; believed for some seconds where no room hears of it."""
        found = await self._pinned.of(channel)
        if found is None or (found.until is not None and found.until <= time.time_ns() // 1_000_000):
            return None
        return found

    def watch(self, channel: ChannelId, entry: Entry) -> None:
        """Take note of an entry of a log (`hub.watch`)."""
        if entry.kind == "message_pinned":
            self._pinned.forget(channel)

    async def close(self) -> None:
        """End what is under way."""
        await self._pinned.close()

    async def _read_pinned(self, channels: list[ChannelId]) -> dict[ChannelId, Pinned]:
        return await pins.read_many(self._desk.pool, channels)

    async def _found(self, channel: ChannelId, message_id: str) -> ChatMessage:
        message = await self._find(channel, message_id)
        if message is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such message, or it was taken away.")
        return message
