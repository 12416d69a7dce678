"""A channel's log, filled as chat/log/append.lua does it, and the people who talk in it."""

import time
from dataclasses import dataclass, field

import msgspec
from redis.asyncio import Redis

from chat.entry import Entry, head, head_of_announcement, head_of_message
from chat.keeping.keeper import Keeper
from chat.log import keys
from chat.log.entries import fields_of
from chat.log.recall import Recalled
from config.postgres import Pool
from schemas.chat import Authored, ReplyTo
from schemas.ids import ChannelId, UserId
from web.failures import AWAY

NEWS = ChannelId("c_news")
ALICE, BOB, CAROL = UserId("u_alice"), UserId("u_bob"), UserId("u_carol")
HOUR_MS = 3_600_000


def authored(message_id: str, user: UserId, content: str, **more: object) -> Authored:
    name = user.removeprefix("u_")
    message = Authored(message_id, NEWS, user, name, name.title(), content, [], [], "#FF0000")
    return msgspec.structs.replace(message, **more)


@dataclass
class Log:
    """The log of one channel; `at_ms` is the time of the next entry."""

    redis: Redis
    channel: ChannelId = NEWS
    seq: int = 0
    epoch: str = "e1"
    at_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    async def append(self, kind: str, head_: bytes, *, at_ms: int | None = None) -> int:
        prev, self.seq = self.seq, self.seq + 1
        self.at_ms += 1
        at = self.at_ms if at_ms is None else at_ms
        fields = fields_of(Entry(self.seq, prev, self.epoch, at, kind, head_))
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.xadd(keys.log(self.channel), fields, id=f"{self.seq}-0")  # type: ignore[arg-type]
            pipeline.sadd(keys.DIRTY, self.channel)
            await pipeline.execute()
        return self.seq

    async def say(
        self, user: UserId, content: str, *, at_ms: int | None = None, reply_to: ReplyTo | None = None, **more: object
    ) -> str:
        """Append a message and return its id."""
        message_id = f"m{self.seq + 1}"
        message = authored(message_id, user, content, reply_to=reply_to, channel_id=self.channel, **more)
        await self.append("message", head_of_message(message), at_ms=at_ms)
        return message_id

    async def announce(self, user: UserId, content: str, color: str) -> str:
        message_id = f"m{self.seq + 1}"
        await self.append("announcement", head_of_announcement(authored(message_id, user, content), color))
        return message_id

    async def delete(self, message_id: str, user: UserId) -> None:
        deleted = head("message_deleted", self.channel, messageId=message_id, userId=user, username="x")
        await self.append("message_deleted", deleted)

    async def ban(self, user: UserId) -> None:
        await self.append("user_banned", head("user_banned", self.channel, userId=user, username="x"))

    async def time_out(self, user: UserId) -> None:
        out = head("user_timed_out", self.channel, userId=user, username="x", durationS=60, until=1)
        await self.append("user_timed_out", out)

    async def clear(self) -> None:
        await self.append("clear_chat", head("clear_chat", self.channel))


async def people(pool: Pool) -> None:
    """Make alice, bob and carol, and alice's channel."""
    for user in (ALICE, BOB, CAROL):
        name = user.removeprefix("u_")
        await pool.execute(
            "INSERT INTO users (id, username, display_name, password_hash) VALUES ($1, $2, $2, '')", user, name
        )
    await pool.execute("INSERT INTO channels (id, user_id, name) VALUES ($1, $2, 'news')", NEWS, ALICE)


def keeper_of(redis: Redis, pool: Pool) -> tuple[Keeper, list[str]]:
    """Return a keeper and the list of the troubles that it will have noted."""
    troubles: list[str] = []
    return Keeper(redis, pool, lambda subject, _: troubles.append(subject), failures=AWAY), troubles


async def until_kept(keeper: Keeper, redis: Redis, rounds: int = 100) -> None:
    """Let a keeper work until nothing is dirty."""
    for _ in range(rounds):
        await keeper.round()
        if not await redis.exists(keys.DIRTY):
            return
    raise AssertionError("the log is never written down")


async def recall_nothing(_channel: ChannelId) -> Recalled:
    raise AssertionError("reading what was said begins no log")
