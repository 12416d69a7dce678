"""Hands events to web: a list of them is one entry of a Redis stream."""

import asyncio
import random
from collections.abc import Sequence

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.tasks import check_cancelled
from schemas.storage import EVENTS_FIELD, EVENTS_STREAM, MAX_EVENTS_WAITING, MediaEvent

log = structlog.get_logger()

BATCH = 200
"""Events of one entry."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 3.0
FULL_PAUSE_S = 1.0
"""Before looking again whether web has read something."""
LOOK_EVERY = 100
"""Entries between two looks at how many are unread."""

_encoder = msgspec.json.Encoder()


class EventSink:
    """May be used by several tasks at once."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._until_look = 0
        self.trouble: str | None = None
        """Why events cannot be handed over now."""

    async def publish(self, events: Sequence[MediaEvent]) -> None:
        """Return when Redis has them all; waits for as long as that takes."""
        for begin in range(0, len(events), BATCH):
            await self._publish(_encoder.encode(list(events[begin : begin + BATCH])))

    async def _publish(self, entry: bytes) -> None:
        pause_s, failures = FIRST_PAUSE_S, 0
        while True:
            try:
                await self._room()
                await self._redis.xadd(EVENTS_STREAM, {EVENTS_FIELD: entry})
            except (RedisError, OSError) as error:
                failures += 1
                if self.trouble is None:
                    log.warning("events wait for redis", error=repr(error))
                self.trouble = repr(error)
            else:
                if self.trouble is not None:
                    log.info("events are taken again", failures=failures)
                self.trouble = None
                return
            check_cancelled()
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _room(self) -> None:
        """Wait while web has more to read than `MAX_EVENTS_WAITING`; ours lie in notes, on a disk, meanwhile."""
        self._until_look -= 1
        if self._until_look > 0:
            return
        while (unread := await self._redis.xlen(EVENTS_STREAM)) > MAX_EVENTS_WAITING:
            if self.trouble is None:
                log.warning("events wait for web to read", unread=unread)
                self.trouble = f"{unread} entries are unread"
            check_cancelled()
            await asyncio.sleep(FULL_PAUSE_S)
        self._until_look = LOOK_EVERY
