"""The log of every channel: appends and reads.

An append is one script in Redis, so that what decides (bans, modes, rates, repeats) and the place that is given are one
step. Redis is the truth of the order; PostgreSQL of everything else (chat/keeping writes it down).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from redis.typing import EncodableT

from chat.entry import Entry
from chat.log import keys
from chat.log.acts import ACT_BANS_MAX, ACT_EVENTS_MAX, Act, ActEvent
from chat.log.answers import first_answer, spoken, told
from chat.log.calls import Calls, Trouble, unavailable
from chat.log.lines import Line
from chat.log.places import Held, Place, Position
from chat.log.reads import Reads
from chat.log.recall import Recall
from chat.log.scripts import ANSWERED, SAY, TELL, Script
from chat.log.warming import Warming
from schemas.ids import ChannelId, UserId

COLD_TRIES: Final = 3
"""A log that was begun may be lost again before it is used; more often than this is no accident."""


class ChatLog:
    """The logs in one Redis. `replicas`: how many must have an append before it is answered (WAIT).

    All methods raise `ApiError` UNAVAILABLE when Redis (or, for a channel that is cold, the database) does not answer
    within `CALL_S`. What was sent may then have taken effect or not: the same key or act id again is safe.
    """

    def __init__(self, redis_url: str, recall: Recall, trouble: Trouble, *, replicas: int = 0) -> None:
        self._calls = Calls(redis_url, trouble, replicas=replicas)
        self._warming = Warming(self._calls, recall, trouble)
        self._reads = Reads(redis_url, trouble)

    async def run(self) -> None:
        """Serve the calls of the other methods until cancelled; calls made before wait."""
        try:
            await self._calls.run()
        finally:
            await self._warming.close()
            await self._reads.close()

    async def say(self, line: Line) -> Place | Held:
        """Append a message, or hold it.

        Raises `ApiError`: BANNED, TIMED_OUT, SUBSCRIBERS_ONLY, FOLLOWERS_ONLY, ACCOUNT_TOO_NEW, EMOTE_ONLY,
        RATE_LIMITED, SLOW_MODE, DUPLICATE_MESSAGE, with `retry_after_ms` where time helps. A refused message has not
        used its key.
        """
        channel, user = line.channel, line.user
        names = (
            keys.state(channel),
            keys.log(channel),
            keys.bans(channel),
            keys.answered(channel, user, line.key),
            keys.rate(channel, user),
            keys.slow(channel, user),
            keys.said(channel, f"{user}:{line.digest}"),
            keys.said(channel, line.digest),
            keys.DIRTY,
        )
        return spoken(line, await self._append(channel, SAY, names, self._arguments(line)))

    def _arguments(self, line: Line) -> tuple[EncodableT, ...]:
        return (
            line.channel,
            keys.events_channel(line.channel),
            line.user,
            line.id,
            line.kind,
            line.head,
            line.interval_ms,
            line.burst,
            int(line.is_privileged),
            int(line.is_subscriber),
            int(line.only_emotes),
            line.follows_minutes,
            line.account_minutes,
            int(line.digest != ""),
            line.characters,
            line.held_id,
            int(self._calls.replicas > 0),
        )

    async def tell(self, act: Act) -> list[Place]:
        """Do an act: all its effects and events in one step, once. Returns the places of its events, `id` the act's."""
        assert len(act.events) <= ACT_EVENTS_MAX
        assert sum(len(event.bans) + len(event.unbans) for event in act.events) <= ACT_BANS_MAX
        channel = act.channel
        names = (
            keys.state(channel),
            keys.log(channel),
            keys.bans(channel),
            keys.told(channel, act.id),
            keys.DIRTY,
        )
        arguments: list[EncodableT] = [channel, keys.events_channel(channel), int(self._calls.replicas > 0)]
        for event in act.events:
            arguments += _effects(event)
        return told(act, await self._append(channel, TELL, names, arguments))

    async def _append(
        self, channel: ChannelId, script: Script, names: Sequence[str], arguments: Sequence[EncodableT]
    ) -> list[Any]:
        for _ in range(COLD_TRIES):
            answer = await self._calls.call(script, names, arguments)
            if answer[0] != b"cold":
                return answer
            await self._warming.warm(channel)
        raise unavailable()

    async def where(self, channel: ChannelId) -> Position:
        """Return the end of a log."""
        for _ in range(COLD_TRIES):
            if (found := await self._reads.where(channel)) is not None:
                return found
            await self._warming.warm(channel)
        raise unavailable()

    async def heads(self, channels: Sequence[ChannelId]) -> dict[ChannelId, Position]:
        """Return the ends of many logs in one question; those that Redis has lost are begun again and told too.

        One that the database can't tell now is left out.
        """
        found = await self._reads.heads(channels)
        cold = [channel for channel in channels if channel not in found]
        if cold:
            await asyncio.gather(*(self._warming.try_to_warm(channel) for channel in cold))
            found |= await self._reads.heads(cold)
        return found

    async def read(self, channel: ChannelId, after: int, limit: int) -> list[Entry]:
        """Return the first entries behind a number, ascending."""
        return await self._reads.after(channel, after, limit)

    async def before(self, channel: ChannelId, before: int | None, limit: int) -> list[Entry]:
        """Return the last entries before a number (None: the last of all), ascending."""
        return await self._reads.before(channel, before, limit)

    async def has(self, channel: ChannelId, seq: int, epoch: str) -> bool:
        """Return whether a log can be continued from there: it holds that entry, or begins behind it."""
        await self.where(channel)
        return await self._reads.has(channel, seq, epoch)

    async def answered(self, channel: ChannelId, user: UserId, key: str) -> Place | Held | None:
        """Return what a message with this key was answered within the last 5 minutes, None if there was none."""
        names = (keys.answered(channel, user, key),)
        answer = await self._calls.call(ANSWERED, names, (int(self._calls.replicas > 0),))
        return first_answer(answer[1]) if answer[0] == b"again" else None

    async def ban_of(self, channel: ChannelId, user: UserId) -> int | None:
        """Return until when (ms) somebody may not chat, 0 for ever, None if they may."""
        await self.where(channel)
        return await self._reads.ban_of(channel, user)


def _effects(event: ActEvent) -> list[EncodableT]:
    """Return an event as tell.lua takes it."""
    flat: list[EncodableT] = [event.kind, event.head, len(event.bans)]
    for user, until_ms in event.bans.items():
        flat += (user, until_ms or keys.FOR_EVER)
    flat += (len(event.unbans), *event.unbans)
    settings = event.settings or {}
    flat.append(len(settings))
    for name, value in settings.items():
        flat += (name, value)
    return flat
