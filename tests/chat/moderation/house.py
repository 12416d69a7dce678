"""A channel with its people, in a real PostgreSQL and Redis, and what moderates it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from redis.asyncio import Redis

from chat.entry import event, head_of_message
from chat.log import ChatLog, Held, Line, Place
from chat.moderation.actor import Actor
from chat.moderation.finding import Finder
from chat.moderation.moderation import Moderation
from chat.moderation.settings import ChannelSettings
from chat.people import Identity, Person
from chat.speech.composing import Composer
from chat.speech.emotes import Emotes
from chat.speech.names import Names
from chat.standings import Standings
from chat.store import cards, rooms
from config.postgres import Pool, open_pool
from config.redis import connect
from schemas.chat import Authored
from schemas.errors import ApiError, ErrorBody
from schemas.ids import ChannelId, UserId, make_id
from schemas.socket import LoggedEvent

HOME, OTHER = ChannelId("home"), ChannelId("other")
PEOPLE = ("owner", "mod", "mod2", "vip", "viewer", "viewer2", "admin", "rival")
"""Of `HOME`; `rival` owns `OTHER`."""


@dataclass
class House:
    pool: Pool
    redis: Redis
    log: ChatLog
    settings: ChannelSettings
    moderation: Moderation
    troubles: list[tuple[str, BaseException]] = field(default_factory=list)

    def actor(self, name: str, request: str = "") -> Actor:
        return Actor(UserId(name), name, name.title(), name == "admin", request)

    async def person(self, name: str) -> Person:
        found = await cards.named(self.pool, name)
        assert found is not None
        return found

    async def say(self, name: str, content: str, *, channel: ChannelId = HOME, held_id: str = "") -> str:
        """Say something past all filters, and return the id of the message."""
        message = self.message(name, content, channel=channel)
        answer = await self.log.say(
            Line(
                channel=channel,
                user=UserId(name),
                key=message.id,
                id=message.id,
                head=head_of_message(message),
                digest="",
                characters=len(content),
                is_privileged=True,
                interval_ms=0,
                burst=1,
                held_id=held_id,
            )
        )
        assert isinstance(answer, Held if held_id else Place)
        return message.id

    def message(self, name: str, content: str, *, channel: ChannelId = HOME) -> Authored:
        return Authored(make_id(), channel, UserId(name), name, name.title(), content, [], [], "#3E63DD")

    async def obey(self, name: str, command: str, key: str = "", scopes: frozenset[str] | None = None) -> str:
        person = await self.person(name)
        standing = await self.moderation.standings.of(person, HOME)
        return await self.moderation.obey(Identity(person, b"", scopes), standing, HOME, command, key or make_id())

    async def refusal(self, name: str, command: str) -> ErrorBody:
        try:
            answer = await self.obey(name, command)
        except ApiError as error:
            return error.body
        raise AssertionError(f"{name} was obeyed: {answer}")

    async def events(self, channel: ChannelId = HOME) -> list[LoggedEvent]:
        return [event(entry) for entry in await self.log.read(channel, 0, 10_000)]

    async def kinds(self, channel: ChannelId = HOME) -> list[str]:
        return [entry.kind for entry in await self.log.read(channel, 0, 10_000)]

    async def acts(self, channel: ChannelId = HOME) -> list[str]:
        """What was done, the oldest first."""
        found = await self.moderation.acts(channel, target=None, after=None, limit=100)
        return [act.action for act in reversed(found)]

    async def is_silenced(self, name: str, channel: ChannelId = HOME) -> bool:
        """Whether the log and the database agree that somebody may not chat."""
        in_log = await self.log.ban_of(channel, UserId(name)) is not None
        assert in_log == (UserId(name) in await rooms.bans(self.pool, channel))
        return in_log


@asynccontextmanager
async def house(database_url: str, redis_url: str) -> AsyncIterator[House]:
    pool, redis = await open_pool(database_url), connect(redis_url)
    await populate(pool)
    troubles: list[tuple[str, BaseException]] = []

    def trouble(what: str, error: BaseException) -> None:
        troubles.append((what, error))

    log = ChatLog(redis_url, lambda channel: rooms.recall(pool, channel), trouble)
    settings, standings = ChannelSettings(pool, trouble), Standings(pool, trouble)
    emotes, names = Emotes(pool, trouble), Names(pool, trouble)
    moderation = Moderation(
        pool=pool,
        redis=redis,
        log=log,
        settings=settings,
        standings=standings,
        find=Finder(pool, log).find,
        composer=Composer(emotes, names),
        trouble=trouble,
    )
    serving = asyncio.create_task(log.run(), name="log")
    try:
        yield House(pool, redis, log, settings, moderation, troubles)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        for part in (moderation, settings, standings, emotes, names):
            await part.close()
        await redis.aclose()
        await pool.close()


async def populate(pool: Pool) -> None:
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    async with pool.acquire() as connection:
        await connection.executemany(
            "INSERT INTO users (id, username, display_name, password_hash, is_admin) VALUES ($1, $1, $2, '', $3)",
            [(name, name.title(), name == "admin") for name in PEOPLE],
        )
        await connection.executemany(
            "INSERT INTO channels (id, user_id, name) VALUES ($1, $2, $1)", [(HOME, "owner"), (OTHER, "rival")]
        )
        await connection.executemany(
            "INSERT INTO chat_roles (channel_id, user_id, role) VALUES ($1, $2, $3)",
            [(HOME, "mod", "moderator"), (HOME, "mod2", "moderator"), (HOME, "vip", "vip")],
        )
