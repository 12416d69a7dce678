"""Chat of one process: everything that speaks, moderates and remembers, put together once.

A process that has sockets follows rooms as well (`follow`): what happens there is then believed at once, instead of
within the seconds that each cache states.
"""

import asyncio
from functools import partial

from redis.asyncio import Redis

from chat.keeping.history import History
from chat.log.calls import Trouble
from chat.log.log import ChatLog
from chat.moderation.finding import Finder
from chat.moderation.moderation import Moderation
from chat.moderation.settings import ChannelSettings
from chat.rooms.hub import Hub
from chat.speaking import Speaking
from chat.speech.composing import Composer
from chat.speech.emotes import Emotes
from chat.speech.names import Names
from chat.standings import Standings
from chat.store import rooms
from config.postgres import Pool
from schemas.chat import ChatMessage
from schemas.ids import ChannelId


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
        self._hub: Hub | None = None
        self.log = ChatLog(redis_url, partial(rooms.recall, pool), trouble, replicas=replicas)
        self.history = History(pool, self.log)
        self._finder = Finder(pool, self.log)
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
        return await self._finder.find(channel, message_id)
