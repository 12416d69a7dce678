"""What one web process does for all: end streams that nobody reports any more, count who watches (`web/audience.py`),
forget old sign-ins, and look after what is stored (`web/retention.py`).

The leader is whoever holds a lock in Redis that expires by itself. Redis or PostgreSQL away: the round is skipped,
counted, and tried again; nothing is ended on the strength of an outage of ours.
"""

import asyncio
import secrets
import time
from typing import Final

import structlog

from config.tasks import check_cancelled
from web.api.callbacks import note_ended
from web.audience import Audience
from web.failures import AWAY, subject_of
from web.retention import Retention
from web.services import Services
from web.store import sessions, streams
from web.store.streams import SEEN_WITHIN

LOCK = "lock:housekeeper"
LOCK_S: Final = 15
ROUND_S: Final = 5.0
ROUND_DEADLINE_S: Final = 10.0
RETENTION_DEADLINE_S: Final = 180.0
"""For a round of what is stored; it may read an index or two of a day's stream."""
SWEEP_EVERY_ROUNDS: Final = 720
"""An hour of rounds between two deletions of expired sign-ins."""
# Redis answers 1 when the lock is (still or newly) ours. EVAL, so that no other process comes between.
TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder == false or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
"""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
log = structlog.get_logger()


class Housekeeper:
    """Runs in every web process; works in one."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._name = secrets.token_hex(8)
        self._healthy_since: float | None = None
        self._rounds = 0
        self._retention = Retention(services)
        self._audience = Audience(services)

    async def run(self) -> None:
        """Do a round every `ROUND_S` until cancelled; the rounds of stored media take their own time beside them."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_rounds(), name="housekeeper's rounds")
            group.create_task(self._run_retention(), name="retention")

    async def _run_retention(self) -> None:
        while True:
            await asyncio.sleep(ROUND_S)
            check_cancelled()
            if self._healthy_since is None:
                continue  # another process leads
            try:
                async with asyncio.timeout(RETENTION_DEADLINE_S):
                    await self._retention.round()
            except AWAY as error:
                self._services.troubles.note(f"retention: {subject_of(error)}", error)

    async def _run_rounds(self) -> None:
        try:
            while True:
                await self._guarded_round()
                check_cancelled()
                await asyncio.sleep(ROUND_S)
        finally:
            await self._release()

    async def _guarded_round(self) -> None:
        try:
            async with asyncio.timeout(ROUND_DEADLINE_S):
                await self.round(now=time.monotonic(), wall_s=time.time())
        except AWAY as error:
            self._healthy_since = None
            self._services.troubles.note(f"housekeeping: {subject_of(error)}", error)

    async def round(self, *, now: float, wall_s: float) -> bool:
        """Do what is due, if this process leads; return whether it does.

        Streams are ended only after a leader has seen both databases well for as long as a stream may go
        unreported: before that, the silence may have been ours.
        """
        redis = self._services.redis
        if not await redis.eval(TAKE, 1, LOCK, self._name, LOCK_S * 1000):
            self._healthy_since = None
            return False
        if self._healthy_since is None:
            self._healthy_since = now
            self._audience = Audience(self._services)
            log.info("housekeeping begun")
        if now - self._healthy_since >= SEEN_WITHIN.total_seconds():
            await note_ended(self._services, await streams.end_lost(self._services.pool), "lost")
        await self._audience.round(await streams.live(self._services.pool), now=now, wall_s=wall_s)
        if self._rounds % SWEEP_EVERY_ROUNDS == 0:
            await sessions.delete_expired(self._services.pool)
        self._rounds += 1
        return True

    async def _release(self) -> None:
        """Let another process lead at once."""
        try:
            async with asyncio.timeout(1.0):
                await self._services.redis.eval(RELEASE, 1, LOCK, self._name)
        except AWAY as error:
            self._services.troubles.note(f"housekeeping: {subject_of(error)}", error)
