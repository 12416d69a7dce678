"""Reads the logs: commands of Redis that change nothing, over the library's connections."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat.entry import Entry
from chat.log import keys
from chat.log.calls import CALL_S, Trouble, unavailable
from chat.log.entries import entry_of
from chat.log.places import Position
from config.redis import connect
from schemas.ids import ChannelId, UserId

READS_AT_ONCE: Final = 16
"""Of one process; more wait."""
HEADS_AT_ONCE: Final = 500
"""Channels in one pipeline."""


class Reads:
    """All raise `ApiError` UNAVAILABLE. A log that Redis does not have looks empty here."""

    def __init__(self, url: str, trouble: Trouble) -> None:
        self._redis: Redis = connect(url)
        self._trouble = trouble
        self._turns = asyncio.Semaphore(READS_AT_ONCE)

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.aclose()

    async def where(self, channel: ChannelId) -> Position | None:
        """Return the end of a log, None if Redis does not have it."""
        return (await self.heads([channel])).get(channel)

    async def heads(self, channels: Sequence[ChannelId]) -> dict[ChannelId, Position]:
        """Return the ends of the logs that Redis has."""
        found: dict[ChannelId, Position] = {}
        async with self._turn():
            for start in range(0, len(channels), HEADS_AT_ONCE):
                some = channels[start : start + HEADS_AT_ONCE]
                pipeline = self._redis.pipeline(transaction=False)
                for channel in some:
                    pipeline.hmget(keys.state(channel), ["epoch", "seq"])
                for channel, (epoch, seq) in zip(some, await pipeline.execute(), strict=True):
                    if epoch is not None:
                        found[channel] = Position(epoch.decode("ascii"), int(seq))
        return found

    async def after(self, channel: ChannelId, after: int, limit: int) -> list[Entry]:
        """Return entries behind a number, ascending."""
        async with self._turn():
            rows: Any = await self._redis.xrange(keys.log(channel), f"({after}-0", "+", count=limit)
        return [entry_of(*row) for row in rows]

    async def before(self, channel: ChannelId, before: int | None, limit: int) -> list[Entry]:
        """Return the last entries before a number, ascending."""
        end = "+" if before is None else f"({before}-0"
        async with self._turn():
            rows: Any = await self._redis.xrevrange(keys.log(channel), end, "-", count=limit)
        return [entry_of(*row) for row in reversed(rows)]

    async def has(self, channel: ChannelId, seq: int, epoch: str) -> bool:
        """See `ChatLog.has`."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.xrange(keys.log(channel), f"{seq}-0", f"{seq}-0")
        pipeline.xrange(keys.log(channel), f"({seq}-0", "+", count=1)
        pipeline.hmget(keys.state(channel), ["base", "origin", "seq"])
        async with self._turn():
            exact, behind, (base, origin, last) = await pipeline.execute()
        if exact:
            return entry_of(*exact[0]).epoch == epoch
        if base is None or int(base) != seq or origin != epoch.encode():
            return False
        # the log begins behind it, if the first entries were not trimmed since
        return (entry_of(*behind[0]).prev if behind else int(last)) == seq

    async def ban_of(self, channel: ChannelId, user: UserId) -> int | None:
        """See `ChatLog.ban_of`."""
        async with self._turn():
            score = await self._redis.zscore(keys.bans(channel), user)
        if score is None:
            return None
        until_ms = int(score)
        if until_ms >= keys.FOR_EVER:
            return 0
        return until_ms if until_ms > time.time() * 1000 else None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(CALL_S), self._turns:
                yield
        except (RedisError, OSError, TimeoutError) as error:
            self._trouble("redis", error)
            raise unavailable() from error
