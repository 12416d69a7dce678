"""Who is in the chats right now: every process says every 5 s how many sockets it has and who is signed in to them.

What a process said is believed for `BELIEVED_S`, so that one that dies is forgotten by itself.
"""

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat.log.calls import Trouble
from chat.rooms.room import Room
from config.tasks import check_cancelled
from schemas.ids import ChannelId, UserId

EVERY_S: Final = 5.0
BELIEVED_S: Final = 15.0
END_S: Final = 1.0
FORGET_S: Final = 60.0
"""How often what dead processes said is looked for."""
KEPT_S: Final = 120
"""Keys of channels that nobody is in any more."""
NAMED_MAX: Final = 1_000
"""Accounts of a channel that are known by name; the others only count."""
AT_ONCE: Final = 200
"""Channels in one pipeline: Redis answers others in between."""
OPEN: Final = "chat:open"
"""A sorted set: channels with somebody in their chat, and until when (ms) that is believed."""


def counts_key(channel: ChannelId) -> str:
    """A hash: process to `sockets users until_ms`."""
    return f"chat:{{{channel}}}:present"


def chatters_key(channel: ChannelId) -> str:
    """A sorted set: accounts, and until when (ms) they are believed to be there."""
    return f"chat:{{{channel}}}:chatters"


class Count(msgspec.Struct, frozen=True):
    """How many sockets and IRC connections are in a chat, and how many accounts."""

    sockets: int = 0
    users: int = 0


class Rooms(Protocol):
    """What has rooms: `chat.rooms.hub.Hub`."""

    @property
    def rooms(self) -> Mapping[ChannelId, Room]:
        """The open ones."""


class Presence:
    """Says who is here; one per process."""

    def __init__(self, redis: Redis, hub: Rooms, trouble: Trouble) -> None:
        self._redis = redis
        self._hub = hub
        self._trouble = trouble
        self._process = secrets.token_hex(8)
        self._said: set[ChannelId] = set()
        self._forgot_at_ms = 0

    async def run(self) -> None:
        """Say it until cancelled, and at the end that nobody is here any more."""
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                await self._try(time.time_ns() // 1_000_000)
                check_cancelled()
        finally:
            await self._end()

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(END_S):
                await self._retract(self._said)
        except (RedisError, OSError, TimeoutError) as error:
            self._trouble("presence", error)  # it is believed no more soon

    async def _try(self, now_ms: int) -> None:
        try:
            await self.say(now_ms)
        except RedisError as error:
            self._trouble("presence", error)

    async def say(self, now_ms: int) -> None:
        """Tell Redis who is here. Raises `RedisError`."""
        rooms = {channel: room for channel, room in self._hub.rooms.items() if room.count}
        await self._retract(self._said - rooms.keys())
        self._said = set(rooms)
        channels = list(rooms)
        is_due = now_ms - self._forgot_at_ms >= FORGET_S * 1000
        for start in range(0, len(channels), AT_ONCE):
            some = channels[start : start + AT_ONCE]
            await self._say(some, rooms, now_ms)
            if is_due:
                self._forgot_at_ms = now_ms
                await self._forget_dead(some, now_ms)

    async def _say(self, channels: Sequence[ChannelId], rooms: Mapping[ChannelId, Room], now_ms: int) -> None:
        until = now_ms + round(BELIEVED_S * 1000)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel in channels:
                room = rooms[channel]
                users = room.users()
                pipeline.hset(counts_key(channel), self._process, f"{room.count} {len(users)} {until}")
                pipeline.expire(counts_key(channel), KEPT_S)
                key = chatters_key(channel)
                if users:
                    pipeline.zadd(key, dict.fromkeys(sorted(users)[:NAMED_MAX], until))
                pipeline.zremrangebyscore(key, 0, now_ms)
                pipeline.zremrangebyrank(key, 0, -NAMED_MAX - 1)
                pipeline.expire(key, KEPT_S)
            pipeline.zadd(OPEN, dict.fromkeys(channels, until))
            pipeline.zremrangebyscore(OPEN, 0, now_ms)
            await pipeline.execute()

    async def _forget_dead(self, channels: Sequence[ChannelId], now_ms: int) -> None:
        """Take out what processes said that are gone: a busy channel's hash would never expire."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel in channels:
                pipeline.hgetall(counts_key(channel))
            answers = await pipeline.execute()
            for channel, said in zip(channels, answers, strict=True):
                dead = [process for process, words in said.items() if int(words.split()[2]) <= now_ms]
                if dead:
                    pipeline.hdel(counts_key(channel), *dead)
            await pipeline.execute()

    async def _retract(self, channels: Iterable[ChannelId]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel in channels:
                pipeline.hdel(counts_key(channel), self._process)
            await pipeline.execute()


async def counts(redis: Redis, channels: Sequence[ChannelId], now_ms: int) -> dict[ChannelId, Count]:
    """Return how many are in each chat, of all processes together. Raises `RedisError`.

    Accounts are counted exactly as long as all are known by name; beyond that one in two processes counts twice.
    """
    found: dict[ChannelId, Count] = {}
    for start in range(0, len(channels), AT_ONCE):
        some = channels[start : start + AT_ONCE]
        async with redis.pipeline(transaction=False) as pipeline:
            for channel in some:
                pipeline.hgetall(counts_key(channel))
                pipeline.zcount(chatters_key(channel), now_ms, "+inf")
            answers = await pipeline.execute()
        for channel, said, named in zip(some, answers[::2], answers[1::2], strict=True):
            found[channel] = _sum(said, named, now_ms)
    return found


def _sum(said: Mapping[bytes, bytes], named: int, now_ms: int) -> Count:
    sockets = users = 0
    for words in said.values():
        there, signed_in, until = map(int, words.split())
        if until > now_ms:
            sockets += there
            users += signed_in
    return Count(sockets, min(users, named) if named < NAMED_MAX else users)


async def chatters(redis: Redis, channel: ChannelId, now_ms: int) -> list[UserId]:
    """Return the accounts that are known by name, `NAMED_MAX` at most. Raises `RedisError`."""
    return [UserId(user) for user in await _valid(redis, chatters_key(channel), now_ms)]


async def open_channels(redis: Redis, now_ms: int) -> list[ChannelId]:
    """Return the channels with somebody in their chat. Raises `RedisError`."""
    return [ChannelId(channel) for channel in await _valid(redis, OPEN, now_ms)]


async def _valid(redis: Redis, key: str, now_ms: int) -> list[str]:
    found = await redis.zrangebyscore(key, now_ms, "+inf")
    return [name.decode() for name in found if isinstance(name, bytes)]
