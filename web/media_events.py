"""Takes what the storage process tells out of the Redis stream `media.events` into PostgreSQL.

Every web process may run this: they share a consumer group. An entry is acknowledged and deleted after its rows are
committed, so it comes at least once and every write bears repetition (`web/store/arrivals.py`); the stream holds what
is not taken in yet. What a dead process had read is claimed by the others. Redis flushed or gone: the group is made
again, and what was lost with it is found by `web/mending.py`.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import Final, get_args

import asyncpg
import msgspec
import structlog
from redis.exceptions import ResponseError

from config.tasks import check_cancelled
from schemas.ids import SessionId
from schemas.storage import EVENTS_FIELD, EVENTS_GROUP, EVENTS_STREAM, ClipFailed, ClipMade, MediaEvent, ObjectsDeleted
from web import mending
from web.failures import AWAY, subject_of
from web.services import Services
from web.store import Connection, arrivals, clips, deletions
from web.store.arrivals import Finished, SessionEvent, Unknown

READ: Final = 64
"""Entries of one transaction at most; storage puts up to some hundred events into one."""
WAIT_MS: Final = 500
"""For the next entry. Short, because the wait may outlive a cancellation: up to Python 3.11 `asyncio.wait_for`, which
the client library sends with, swallows one that comes as it returns."""
CLAIM_EVERY_S: Final = 15.0
IDLE_MS: Final = 60_000
"""Entries that their reader has not acknowledged for this long are another's to take."""
FORGET_IDLE_MS: Final = 3_600_000
"""A consumer without entries that did not read for this long belongs to a process that is gone."""
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
SESSION_EVENTS: Final = get_args(SessionEvent)
NOT_A_MATTER_OF_TIME: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)
"""What makes an entry fail however often it is tried."""
_LIST: Final = msgspec.json.Decoder(list[MediaEvent])
Raw = list[tuple[bytes, dict[bytes, bytes] | None]]
"""Entries as Redis gives them: ids and fields."""
log = structlog.get_logger()


class Entry(msgspec.Struct, frozen=True):
    """An entry of the stream; one that could not be read has no events."""

    entry_id: bytes
    events: list[MediaEvent]


class MediaEvents:
    """The consumer of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._redis = services.redis
        self._name = f"web-{secrets.token_hex(6)}"
        self._claim_at = float("-inf")
        self._incomplete: asyncio.Queue[SessionId] = asyncio.Queue(maxsize=1_000)

    async def run(self) -> None:
        """Take events in until cancelled. Nothing that does not answer ends it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(), name="media events")
                group.create_task(self._mend(), name="mending recordings")
        finally:
            with contextlib.suppress(*AWAY):
                async with asyncio.timeout(1.0):
                    await self._leave()

    async def _read(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            check_cancelled()
            try:
                await self.round(time.monotonic())
                pause_s = FIRST_PAUSE_S
            except AWAY as error:
                self._services.troubles.note(f"media events: {subject_of(error)}", error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def round(self, now: float) -> int:
        """Take in what is there, waiting a little for it; return how many entries that were.

        Entries whose rows could not be written because something was away stay this process's, and are claimed again.
        """
        try:
            found = await self._next(now)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            await self._make_group()
            return 0
        if found:
            try:
                await self._take([self._decode(entry_id, fields) for entry_id, fields in found])
            except AWAY:
                self._claim_at = float("-inf")
                raise
        return len(found)

    async def _next(self, now: float) -> Raw:
        if now >= self._claim_at:
            if found := await self._own():
                return found
            self._claim_at = now + CLAIM_EVERY_S
        answer = await self._redis.xreadgroup(EVENTS_GROUP, self._name, {EVENTS_STREAM: ">"}, count=READ, block=WAIT_MS)
        return _of_stream(answer)

    async def _own(self) -> Raw:
        """Return entries that this process failed to take in, else claim those of processes that are gone."""
        answer = await self._redis.xreadgroup(EVENTS_GROUP, self._name, {EVENTS_STREAM: "0"}, count=READ)
        found = _of_stream(answer)
        if not found:
            claimed = await self._redis.xautoclaim(
                EVENTS_STREAM, EVENTS_GROUP, self._name, min_idle_time=IDLE_MS, count=READ
            )
            found = msgspec.convert(claimed[1], Raw)
        # An entry that was deleted without being acknowledged comes without fields.
        gone = [entry_id for entry_id, fields in found if not fields]
        if gone:
            await self._redis.xack(EVENTS_STREAM, EVENTS_GROUP, *gone)
        return [(entry_id, fields) for entry_id, fields in found if fields]

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(EVENTS_STREAM, EVENTS_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):  # another process was a moment faster
                raise

    async def _leave(self) -> None:
        """Take this consumer, and those of processes long gone, out of the group, where they hold no entries."""
        consumers = await self._redis.xinfo_consumers(EVENTS_STREAM, EVENTS_GROUP)
        for consumer in consumers:
            is_gone = consumer["idle"] > FORGET_IDLE_MS or consumer["name"] == self._name.encode()
            if is_gone and consumer["pending"] == 0:
                await self._redis.xgroup_delconsumer(EVENTS_STREAM, EVENTS_GROUP, consumer["name"])

    def _decode(self, entry_id: bytes, fields: dict[bytes, bytes] | None) -> Entry:
        try:
            return Entry(entry_id, _LIST.decode((fields or {}).get(EVENTS_FIELD.encode(), b"")))
        except msgspec.DecodeError as error:
            log.error("media entry not readable", entry=entry_id.decode(), error=str(error)[:200])
            return Entry(entry_id, [])

    async def _take(self, entries: Sequence[Entry]) -> None:
        """Write the entries' events and acknowledge them; together, or one by one when some cannot be written."""
        try:
            finished = await self._write([event for entry in entries for event in entry.events])
        except (*NOT_A_MATTER_OF_TIME, Unknown) as error:
            if len(entries) > 1:
                for entry in entries:
                    await self._take([entry])
                return
            finished = await self._write_what_can_be(entries[0], error)
        await self._acknowledge([entry.entry_id for entry in entries])
        for done in finished:
            log.info("session stored", session=done.session_id, vod=done.vod_id, whole=done.is_whole)
            if not done.is_whole and not self._incomplete.full():  # the housekeeper finds those that do not fit
                self._incomplete.put_nowait(done.session_id)

    async def _write_what_can_be(self, entry: Entry, error: Exception) -> list[Finished]:
        """Write those events of an entry that can be; what cannot is logged and given up."""
        finished: list[Finished] = []
        lost: list[MediaEvent] = []
        for event in entry.events:
            try:
                finished += await self._write([event])
            except (*NOT_A_MATTER_OF_TIME, Unknown) as reason:
                error = reason
                lost.append(event)
        kinds = sorted({type(event).__name__ for event in lost})
        log.error("media events given up", entry=entry.entry_id.decode(), events=len(lost), kinds=kinds, why=str(error))
        return finished

    async def _write(self, events: Sequence[MediaEvent]) -> list[Finished]:
        async with self._services.pool.acquire() as connection, connection.transaction():
            finished = await arrivals.write(connection, [e for e in events if isinstance(e, SESSION_EVENTS)])
            for event in events:
                await _write_answer(connection, event)
        return finished

    async def _acknowledge(self, ids: Sequence[bytes]) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xack(EVENTS_STREAM, EVENTS_GROUP, *ids)
            pipeline.xdel(EVENTS_STREAM, *ids)
            await pipeline.execute()

    async def _mend(self) -> None:
        while True:
            session = await self._incomplete.get()
            # The other web processes may just be writing what is missing.
            await asyncio.sleep(FIRST_PAUSE_S)
            await mending.mend_guarded(self._services, session)
            check_cancelled()


def _of_stream(answer: object) -> Raw:
    """Return the entries in an answer to XREADGROUP, which asks for one stream and gives nothing when it has none."""
    streams = msgspec.convert(answer or [], list[tuple[bytes, Raw]])
    return streams[0][1] if streams else []


async def _write_answer(connection: Connection, event: MediaEvent) -> None:
    """Write what storage answers to a job."""
    match event:
        case ObjectsDeleted():
            await deletions.forget(connection, event.keys)
        case ClipMade():
            if await clips.note_made(connection, event):
                log.info("clip made", clip=event.clip_id)
        case ClipFailed():
            await clips.note_failed(connection, event.clip_id, event.reason)
            log.warning("clip not made", clip=event.clip_id, reason=event.reason)
        case _:
            pass
