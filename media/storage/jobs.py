"""Work that web asks of the storage process: clips with exact edges, and objects that nothing needs any more.

The Redis stream `media.jobs` is read through a consumer group. A job is acknowledged, and its entry deleted, once its
answer is in `media.events`; so each is done at least once, and doing it again does no harm. What a dead process had
taken is claimed. One clip is made at a time, and deletions go on beside it.
"""

import asyncio
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from config.objects.keys import checked
from config.objects.store import NoSuchObject, ObjectStore, StoreError, StoreRefused, StoreUnavailable
from config.tasks import check_cancelled
from media.clips.making import SCRATCH_PREFIX, CannotMake, ChildFailed, make_clip
from schemas.storage import (
    CLIPS,
    JOBS_FIELD,
    JOBS_GROUP,
    JOBS_STREAM,
    LIVE,
    MAX_DELETIONS,
    RECORDINGS,
    ClipFailed,
    ClipMade,
    DeleteObjects,
    MakeClip,
    MediaEvent,
    MediaJob,
    ObjectsDeleted,
)

MAX_HELD = 64
"""Jobs taken and not done; more stay in the stream, for other storage processes too."""
WAIT_MS = 2_000
"""For the next entry; less than a Redis answer may take (`config.redis.ANSWER_S`)."""
CLAIM_EVERY_S = 15.0
IDLE_MS = 60_000
"""An entry that its process has not spoken of for this long is another's to take."""
REFRESH_S = 15.0
"""How often we say that we are still at what we hold."""
FULL_POLL_S = 0.2
MAX_ATTEMPTS = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""Between attempts; doubles."""
REDIS_PAUSE_S, LONGEST_REDIS_PAUSE_S = 0.2, 3.0
MAX_AGE_S = 24 * 3600.0
"""A clip that could not be made for so long because the store was away is given up."""
GAVE_UP = "It could not be made, though it was tried several times."
MISSING = "Parts of its media are missing in storage."
STORE_AWAY = "The storage could not be reached for a day."
_PREFIXES = (LIVE, RECORDINGS, CLIPS)

log = structlog.get_logger()

Fields = Mapping[bytes, bytes]
Raw = list[tuple[bytes, dict[bytes, bytes] | None]]
"""Entries as Redis gives them: ids and fields."""


class StoresLike(Protocol):
    """What is needed of `config.objects.opening.Stores`."""

    def of(self, key: str) -> ObjectStore:
        """Return the store of a key."""


class SinkLike(Protocol):
    """What is needed of `media.storage.events.EventSink`."""

    async def publish(self, events: Sequence[MediaEvent]) -> None:
        """Return when Redis has them all."""


async def run_jobs(redis: Redis, stores: StoresLike, sink: SinkLike, *, scratch: Path, consumer: str) -> None:
    """Do jobs until cancelled; nothing that is away ends it. For the main thread, which starts children.

    `scratch` is a directory for temporary files, of this process alone. `consumer` is this process's name, the same
    when it is started again: then it goes on at once with what it had taken.
    """
    await Jobs(redis, stores, sink, scratch=scratch, consumer=consumer).run()


class Jobs:
    """The consumer of one process."""

    def __init__(self, redis: Redis, stores: StoresLike, sink: SinkLike, *, scratch: Path, consumer: str) -> None:
        self._redis, self._stores, self._sink = redis, stores, sink
        self._scratch, self._consumer = scratch, consumer
        self._held: dict[bytes, asyncio.Task[None]] = {}
        self._clips, self._deletions = asyncio.Lock(), asyncio.Lock()
        self._is_new = True
        self._claim_at = -math.inf

    async def run(self) -> None:
        """Take jobs and do them until cancelled."""
        await asyncio.to_thread(_tidy, self._scratch)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._refresh(), name="hold jobs")
            await self._read(group)

    # --- reading ---------------------------------------------------------------------------------------------

    async def _read(self, group: asyncio.TaskGroup) -> None:
        pause_s = REDIS_PAUSE_S
        while True:
            check_cancelled()
            if len(self._held) >= MAX_HELD:
                await asyncio.sleep(FULL_POLL_S)
                continue
            try:
                for entry_id, fields, attempt in await self._next():
                    if entry_id not in self._held:
                        work = self._do(entry_id, fields, attempt)
                        self._held[entry_id] = group.create_task(work, name=f"job {entry_id.decode()}")
                if pause_s > REDIS_PAUSE_S:
                    log.info("jobs are read again")
                pause_s = REDIS_PAUSE_S
            except (RedisError, OSError) as error:
                if isinstance(error, ResponseError) and "NOGROUP" in str(error):
                    await self._make_group()
                    continue
                if pause_s == REDIS_PAUSE_S:
                    log.warning("jobs cannot be read", error=repr(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_REDIS_PAUSE_S)

    async def _next(self) -> list[tuple[bytes, Fields, int]]:
        """Return jobs with the number of the attempt; waits a little for them."""
        now, room = time.monotonic(), MAX_HELD - len(self._held)
        if self._is_new:
            found = await self._read_group("0", room)  # what a process of our name had taken
            self._is_new = len(found) == room
            return await self._with_attempts(found)
        if now >= self._claim_at:
            self._claim_at = now + CLAIM_EVERY_S
            claimed = await self._redis.xautoclaim(JOBS_STREAM, JOBS_GROUP, self._consumer, IDLE_MS, count=room)
            if found := msgspec.convert(claimed[1], Raw):
                return await self._with_attempts(found)
        return [(entry_id, fields or {}, 1) for entry_id, fields in await self._read_group(">", room)]

    async def _read_group(self, after: str, count: int) -> Raw:
        answer = await self._redis.xreadgroup(
            JOBS_GROUP, self._consumer, {JOBS_STREAM: after}, count=count, block=WAIT_MS
        )
        streams = msgspec.convert(answer or [], list[tuple[bytes, Raw]])
        return streams[0][1] if streams else []

    async def _with_attempts(self, found: Raw) -> list[tuple[bytes, Fields, int]]:
        """An entry that was deleted without being acknowledged comes without fields."""
        jobs: list[tuple[bytes, Fields, int]] = []
        for entry_id, fields in found:
            if fields is None:
                await self._redis.xack(JOBS_STREAM, JOBS_GROUP, entry_id)
                continue
            pending = await self._redis.xpending_range(JOBS_STREAM, JOBS_GROUP, entry_id, entry_id, 1)
            jobs.append((entry_id, fields, int(pending[0]["times_delivered"]) if pending else 1))
        return jobs

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(JOBS_STREAM, JOBS_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):  # another process was a moment faster
                log.warning("jobs have no group", error=str(error))
                await asyncio.sleep(LONGEST_REDIS_PAUSE_S)
        except (RedisError, OSError) as error:
            log.debug("jobs have no group", error=repr(error))  # the next look says it

    async def _refresh(self) -> None:
        """Keep others from claiming what we are at: it may wait for a clip before it, or for a store."""
        while True:
            await asyncio.sleep(REFRESH_S)
            check_cancelled()
            if self._held:
                try:
                    await self._redis.xclaim(JOBS_STREAM, JOBS_GROUP, self._consumer, 0, [*self._held], justid=True)
                except (RedisError, OSError) as error:
                    log.debug("jobs not held", error=repr(error))  # the reader says so louder

    # --- doing -----------------------------------------------------------------------------------------------

    async def _do(self, entry_id: bytes, fields: Fields, attempt: int) -> None:
        try:
            try:
                job = _decoder.decode(fields.get(JOBS_FIELD.encode(), b""))
            except msgspec.DecodeError as error:
                log.error("job is no job", entry=entry_id.decode(), reason=str(error))
            else:
                await self._sink.publish([await self._done(job, entry_id, attempt)])
            await self._acknowledge(entry_id)
        except Exception:  # a mistake of ours ends the job, not the process
            log.exception("job failed", entry=entry_id.decode(), attempt=attempt)
        finally:
            self._held.pop(entry_id, None)

    async def _done(self, job: MediaJob, entry_id: bytes, attempt: int) -> MediaEvent:
        match job:
            case DeleteObjects():
                async with self._deletions:
                    return await self._delete(job)
            case MakeClip():
                async with self._clips:
                    return await self._clip(job, int(entry_id.partition(b"-")[0]) / 1000, attempt)

    async def _acknowledge(self, entry_id: bytes) -> None:
        pause_s = REDIS_PAUSE_S
        while True:
            try:
                async with self._redis.pipeline(transaction=True) as pipeline:
                    pipeline.xack(JOBS_STREAM, JOBS_GROUP, entry_id)
                    pipeline.xdel(JOBS_STREAM, entry_id)
                    await pipeline.execute()
            except (RedisError, OSError) as error:
                log.debug("job not acknowledged", error=repr(error))  # the reader says so louder
            else:
                return
            check_cancelled()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_REDIS_PAUSE_S)

    async def _clip(self, job: MakeClip, asked_at: float, attempt: int) -> ClipMade | ClipFailed:
        """Make a clip, trying several times; that the store is away is no attempt."""
        pause_s = FIRST_PAUSE_S
        while attempt <= MAX_ATTEMPTS:
            try:
                made = await make_clip(job, self._stores, self._scratch)
            except CannotMake as error:
                return self._failed(job, str(error))
            except (StoreUnavailable, StoreRefused) as error:
                if time.time() - asked_at > MAX_AGE_S:
                    return self._failed(job, STORE_AWAY)
                log.warning("clip waits for the store", clip_id=job.clip_id, error=str(error))
            except (ChildFailed, StoreError, OSError) as error:
                log.warning("clip not made", clip_id=job.clip_id, attempt=attempt, error=str(error))
                if attempt == MAX_ATTEMPTS:
                    return self._failed(job, MISSING if isinstance(error, NoSuchObject) else GAVE_UP)
                attempt += 1
            else:
                log.info("clip made", clip_id=job.clip_id, duration_s=made.duration_s, waited_s=time.time() - asked_at)
                return made
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return self._failed(job, GAVE_UP)  # whoever tried it last has not survived it

    def _failed(self, job: MakeClip, reason: str) -> ClipFailed:
        log.warning("clip given up", clip_id=job.clip_id, reason=reason)
        return ClipFailed(job.clip_id, reason)

    async def _delete(self, job: DeleteObjects) -> ObjectsDeleted:
        """Delete until it is done: an object that is forgotten would stay for ever."""
        pause_s = FIRST_PAUSE_S
        for store, keys in self._by_store(job.keys):
            while True:
                try:
                    await store.delete(keys)
                except (StoreError, OSError) as error:
                    log.warning("objects not deleted", objects=len(keys), error=str(error))
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                else:
                    break
        return ObjectsDeleted(job.keys)

    def _by_store(self, keys: Sequence[str]) -> list[tuple[ObjectStore, list[str]]]:
        """Sort keys by their stores, a few hundred at a time; what is no key of ours is nowhere."""
        found: dict[int, tuple[ObjectStore, list[str]]] = {}
        for key in keys:
            if _is_ours(key):
                store = self._stores.of(key)
                found.setdefault(id(store), (store, []))[1].append(key)
            else:
                log.error("no key of an object", key=key)
        return [
            (store, own[begin : begin + MAX_DELETIONS])
            for store, own in found.values()
            for begin in range(0, len(own), MAX_DELETIONS)
        ]


def _tidy(scratch: Path) -> None:
    """Make the directory, and empty it of what a killed process has left; clips fail where that cannot be."""
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        for left in scratch.glob(f"{SCRATCH_PREFIX}*"):
            shutil.rmtree(left)
    except OSError as error:
        log.warning("no place for clips", directory=str(scratch), error=str(error))


def _is_ours(key: str) -> bool:
    try:
        return checked(key).partition("/")[0] in _PREFIXES
    except ValueError:
        return False


_decoder: msgspec.json.Decoder[MediaJob] = msgspec.json.Decoder(MediaJob)
