"""People who talk in a channel, with the real log, the real database and the real moderation; no sockets."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chat.entry import event
from chat.log import ChatLog, Recalled
from chat.moderation.moderation import Moderation
from chat.moderation.settings import ChannelSettings
from chat.people import Identity, Person
from chat.speaking import Said, Speaking
from chat.speech.composing import Composer
from chat.speech.emotes import Emotes
from chat.speech.names import Names
from chat.standings import Standings
from chat.store import rooms
from config.postgres import Pool, open_pool
from config.redis import connect
from schemas.chat import ChatMessage
from schemas.errors import ApiError, ErrorBody
from schemas.ids import ChannelId, UserId
from schemas.socket import Ack, Held, Message
from web.failures import AWAY

NEWS, GAMES = ChannelId("c_news"), ChannelId("c_games")
LONG_AGO_MS = 1_600_000_000_000


def user_of(name: str) -> UserId:
    return UserId(f"u_{name}")


def identity(name: str, *scopes: str, is_bot: bool = False) -> Identity:
    """Somebody; with scopes, over a token that opens those."""
    person = Person(user_of(name), name, name.title(), "", LONG_AGO_MS, is_bot=is_bot)
    return Identity(person, b"", frozenset(scopes) if scopes else None)


@dataclass
class Clock:
    """Seconds, monotonic; and the time of day of then."""

    at: float = 1000.0

    def now(self) -> float:
        return self.at


@dataclass
class Talk:
    """What one process has for chat. alice owns `news`, gina owns `games`."""

    pool: Pool
    log: ChatLog
    standings: Standings
    emotes: Emotes
    moderation: Moderation
    speaking: Speaking
    clock: Clock
    troubles: list[str]
    _keys: list[str] = field(default_factory=list)

    async def answer(
        self,
        who: Identity | None,
        content: str,
        *,
        key: str = "",
        channel: ChannelId = NEWS,
        reply_to: str | None = None,
    ) -> Ack | Held:
        self._keys.append(key or f"key{len(self._keys)}")
        return await self.speaking.say(who, Said(channel, content, self._keys[-1], reply_to))

    async def ack(self, who: Identity | None, content: str, **more: str) -> Ack:
        answer = await self.answer(who, content, **more)  # type: ignore[arg-type]
        assert isinstance(answer, Ack)
        return answer

    async def say(self, who: Identity | None, content: str, **more: str) -> ChatMessage:
        """Say something, and return it as everybody gets it."""
        ack = await self.ack(who, content, **more)
        message = await self.find(ChannelId(ack.channel_id), ack.message_id)
        assert message is not None
        assert (message.seq, message.epoch) == (ack.seq, ack.epoch)
        return message

    async def refusal(self, who: Identity | None, content: str, **more: str) -> ErrorBody:
        try:
            answer = await self.answer(who, content, **more)  # type: ignore[arg-type]
        except ApiError as error:
            return error.body
        raise AssertionError(f"it was answered {answer}")

    async def find(self, channel: ChannelId, message_id: str) -> ChatMessage | None:
        for entry in await self.log.read(channel, 0, 10_000):
            told = event(entry)
            if isinstance(told, Message) and told.message.id == message_id:
                return told.message
        return None

    async def follow(self, name: str, channel: ChannelId = NEWS, *, minutes: int = 0) -> None:
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        await self.pool.execute("INSERT INTO follows VALUES ($1, $2, $3)", user_of(name), channel, at)

    async def subscribe(self, name: str, channel: ChannelId = NEWS, *, tier: int = 1, days: float = 0.0) -> None:
        """Subscribe, since so many days and for another ten."""
        now = datetime.now(UTC)
        await self.pool.execute(
            "INSERT INTO subscriptions (id, user_id, channel_id, tier, started_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            f"s_{name}_{channel}_{tier}_{days}",
            user_of(name),
            channel,
            tier,
            now - timedelta(days=days),
            now + timedelta(days=10),
        )

    async def add_emote(self, name: str, channel: ChannelId | None = None, *, tier: int = 0) -> None:
        statement = "INSERT INTO emotes (id, channel_id, name, tier) VALUES ($1, $2, $3, $4)"
        await self.pool.execute(statement, f"e_{name}".lower(), channel, name, tier)


async def _people(pool: Pool) -> None:
    await pool.executemany(
        "INSERT INTO users (id, username, display_name, password_hash, created_at) VALUES ($1, $2, $3, '', $4)",
        [
            (user_of(name), name, name.title(), datetime.fromtimestamp(LONG_AGO_MS / 1000, UTC))
            for name in ("alice", "bob", "carol", "dave", "gina", "robot")
        ],
    )
    await pool.execute("UPDATE users SET bot_owner_id = $1 WHERE id = $2", user_of("bob"), user_of("robot"))
    await pool.executemany(
        "INSERT INTO channels (id, user_id, name) VALUES ($1, $2, $3)",
        [(NEWS, user_of("alice"), "news"), (GAMES, user_of("gina"), "games")],
    )


@asynccontextmanager
async def talking(database_url: str, redis_url: str) -> AsyncIterator[Talk]:
    """Run what a process has for chat, on a fresh database and an empty Redis."""
    pool = await open_pool(database_url)
    redis = connect(redis_url)
    await _people(pool)
    troubles: list[str] = []
    clock = Clock()

    def trouble(name: str, error: BaseException) -> None:
        troubles.append(f"{name}: {error!r}")

    async def recall(channel: ChannelId) -> Recalled:
        return await rooms.recall(pool, channel)

    async def find(channel: ChannelId, message_id: str) -> ChatMessage | None:
        return await talk.find(channel, message_id)

    log = ChatLog(redis_url, recall, trouble)
    standings = Standings(pool, trouble, clock.now)
    emotes, names = Emotes(pool, trouble, clock.now), Names(pool, trouble, clock.now)
    composer = Composer(emotes, names)
    settings = ChannelSettings(pool, trouble)
    moderation = Moderation(
        pool=pool,
        redis=redis,
        log=log,
        settings=settings,
        standings=standings,
        find=find,
        composer=composer,
        trouble=trouble,
    )
    speaking = Speaking(
        log=log,
        standings=standings,
        composer=composer,
        rules=settings,
        moderators=moderation,
        find=find,
        trouble=trouble,
        failures=AWAY,
        now=clock.now,
        now_ms=lambda: time.time_ns() // 1_000_000,
    )
    talk = Talk(pool, log, standings, emotes, moderation, speaking, clock, troubles)
    task = asyncio.create_task(log.run())
    try:
        yield talk
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for one in (standings, emotes, names, settings, moderation):
            await one.close()
        await redis.aclose()
        await pool.close()
