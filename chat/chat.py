"""Chat of one process: everything that speaks, moderates and remembers, put together once.

A process that has sockets follows rooms as well (`follow`): what happens there is then believed at once, instead of
within the seconds that each cache states.
"""

import asyncio
from functools import partial
from typing import Final

from redis.asyncio import Redis

from chat.entry import SPOKEN, Entry, event
from chat.hub import Hub
from chat.keeping.history import History
from chat.log.calls import Trouble
from chat.log.log import ChatLog
from chat.moderation.moderation import Moderation
from chat.moderation.settings import ChannelSettings
from chat.speaking import Speaking
from chat.speech.composing import Composer
from chat.speech.emotes import Emotes
from chat.speech.names import Names
from chat.standings import Standings
from chat.store import messages, rooms
from config.postgres import Pool
from schemas.chat import ChatMessage
from schemas.ids import ChannelId
from schemas.socket import Announcement, Message, MessageDeleted

RECENT: Final = 200
"""Entries of a log that are looked through for a message that no room here has and the database not yet."""


class Chat:
    """One per process. `failures`: what is raised while PostgreSQL or Redis is away."""

    def __init__(
        self,
        *,
        pool: Pool,
        redis: Redis,
        redis_url: str,
        replicas: int,
        trouble: Trouble,
        failures: tuple[type[Exception], ...],
    ) -> None:
        self._pool = pool
        self._hub: Hub | None = None
        self.log = ChatLog(redis_url, partial(rooms.recall, pool), trouble, replicas=replicas)
        self.history = History(pool, self.log)
        self.standings = Standings(pool, trouble)
        self.settings = ChannelSettings(pool, trouble)
        self.emotes = Emotes(pool, trouble)
        self._names = Names(pool, trouble)
        composer = Composer(self.emotes, self._names)
        self.moderation = Moderation(
            pool=pool,
            redis=redis,
            log=self.log,
            settings=self.settings,
            standings=self.standings,
            find=self.find,
            composer=composer,
            trouble=trouble,
        )
        self.speaking = Speaking(
            log=self.log,
            standings=self.standings,
            composer=composer,
            rules=self.settings,
            moderators=self.moderation,
            find=self.find,
            trouble=trouble,
            failures=failures,
        )

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.log.run(), name="chat log")
            tasks.create_task(self.moderation.run(), name="acts that are to be told")

    async def close(self) -> None:
        """End what is under way."""
        for part in (self.history, self.moderation, self.settings, self.standings, self.emotes, self._names):
            await part.close()

    def follow(self, hub: Hub) -> None:
        """Believe what the rooms of this process hear."""
        self._hub = hub
        hub.watch(self.standings.observe)
        hub.watch(self.moderation.watch)
        hub.watch(self.emotes.observe)
        hub.watch_states(self.emotes.heard)

    async def find(self, channel: ChannelId, message_id: str) -> ChatMessage | None:
        """Return a message that was said and not taken away: from a room here, the database, or the end of the log."""
        if self._hub is not None and (found := self._hub.find_message(channel, message_id)) is not None:
            return found
        kept = await messages.find(self._pool, channel, message_id)
        return kept or _last(await self.log.before(channel, None, RECENT), message_id)


def _last(entries: list[Entry], message_id: str) -> ChatMessage | None:
    mark = message_id.encode()
    found: ChatMessage | None = None
    for entry in entries:
        if mark not in entry.head:
            continue
        match event(entry) if entry.kind in SPOKEN or entry.kind == "message_deleted" else None:
            case Message(message=message) | Announcement(message=message) if message.id == message_id:
                found = message
            case MessageDeleted(message_id=deleted) if deleted == message_id:
                found = None
    return found
