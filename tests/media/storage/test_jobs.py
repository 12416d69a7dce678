"""Jobs out of a real Redis stream, done with a real store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from config.embedded import EmbeddedValkey
from config.objects.files import FileStore
from config.objects.store import StoreUnavailable
from config.redis import connect
from media.clips.making import ChildFailed
from media.storage import jobs
from media.storage.jobs import run_jobs
from schemas.ids import ChannelId, ClipId
from schemas.storage import (
    JOBS_FIELD,
    JOBS_GROUP,
    JOBS_STREAM,
    ClipFailed,
    ClipMade,
    DeleteObjects,
    MakeClip,
    MediaEvent,
    MediaJob,
    ObjectsDeleted,
)
from tests.media.material import aac, h264
from tests.media.mp4.stored import play, store

pytestmark = pytest.mark.services

WAIT_S = 40.0
STORED = store(play(h264(3), aac(3)))
CLIP = MakeClip(ClipId("clip1"), ChannelId("channel"), 0.5, 2.5, "A clip", STORED.tracks)


class Sink:
    """Keeps the answers, and can be told to wait."""

    def __init__(self) -> None:
        self.events: list[MediaEvent] = []
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def publish(self, events: Sequence[MediaEvent]) -> None:
        await self.is_open.wait()
        self.events += events


class Stores:
    """A directory for all keys, that may be away."""

    def __init__(self, kept: FileStore) -> None:
        self.kept = kept
        self.failures = 0

    def of(self, key: str) -> FileStore:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        return self.kept


class Office:
    """A Redis with jobs, a store, and who does them."""

    def __init__(self, redis: Redis, stores: Stores, scratch: Path) -> None:
        self.redis, self.stores, self.scratch = redis, stores, scratch
        self.sink = Sink()

    async def ask(self, job: MediaJob | bytes) -> None:
        entry = job if isinstance(job, bytes) else msgspec.json.encode(job)
        await self.redis.xadd(JOBS_STREAM, {JOBS_FIELD: entry})

    @asynccontextmanager
    async def open(self, consumer: str = "one") -> AsyncIterator[None]:
        work = run_jobs(self.redis, self.stores, self.sink, scratch=self.scratch, consumer=consumer)
        task = asyncio.create_task(work)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def answers(self, count: int = 1) -> list[MediaEvent]:
        await until(lambda: _true(len(self.sink.events) >= count))
        return self.sink.events

    async def pending(self) -> int:
        return int((await self.redis.xpending(JOBS_STREAM, JOBS_GROUP))["pending"])

    async def is_empty(self) -> bool:
        return await self.pending() == 0 and await self.redis.xlen(JOBS_STREAM) == 0


async def _true(value: bool) -> bool:
    return value


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await is_so():
            await asyncio.sleep(0.02)


@pytest.fixture
async def office(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(jobs, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(jobs, "WAIT_MS", 100)
    redis, kept = connect(redis_url), FileStore(tmp_path / "objects")
    for key, data in STORED.objects.items():
        await kept.put(key, data)
    yield Office(redis, Stores(kept), tmp_path / "scratch")
    await redis.aclose()
    await kept.close()


async def test_a_clip_is_made_told_of_and_acknowledged(office: Office) -> None:
    await office.ask(CLIP)
    async with office.open():
        (made,) = await office.answers()
        assert isinstance(made, ClipMade)
        assert await office.stores.kept.head(f"clips/channel/clip1/{made.mp4_name}") is not None
        await until(office.is_empty)


async def test_what_a_killed_process_left_is_removed(office: Office) -> None:
    left = office.scratch / "clip-abc"
    left.mkdir(parents=True)
    (left / "0.m4s").write_bytes(b"half")
    async with office.open():
        await until(lambda: _true(not left.exists()))
    assert office.scratch.exists()


async def test_objects_are_deleted_and_told_of(office: Office) -> None:
    keys = [*list(STORED.objects)[:2], "recordings/not/there", "../outside", "else/where"]
    await office.ask(DeleteObjects(keys))
    async with office.open():
        assert await office.answers() == [ObjectsDeleted(keys)]
        assert await office.stores.kept.head(keys[0]) is None
        assert await office.stores.kept.head(list(STORED.objects)[2]) is not None
        await until(office.is_empty)


async def test_deletions_go_on_beside_a_clip(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(*_: object, **__: object) -> ClipMade:
        await asyncio.sleep(3600)
        raise AssertionError

    monkeypatch.setattr(jobs, "make_clip", endless)
    await office.ask(CLIP)
    await office.ask(DeleteObjects(["live/a/b/c"]))
    async with office.open():
        assert await office.answers() == [ObjectsDeleted(["live/a/b/c"])]
        assert await office.redis.xlen(JOBS_STREAM) >= 1


async def test_nothing_is_acknowledged_before_its_answer_is_told(office: Office) -> None:
    office.sink.is_open.clear()
    await office.ask(DeleteObjects(["live/a/b/c"]))
    async with office.open():
        await until(lambda: _held(office))
        await asyncio.sleep(0.2)
        assert await office.pending() == 1
    async with office.open():  # the process died before: the next of its name goes on at once
        office.sink.is_open.set()
        await office.answers()
        await until(office.is_empty)


async def _held(office: Office) -> bool:
    return (
        await office.redis.exists(JOBS_STREAM) == 1
        and bool(await office.redis.xinfo_groups(JOBS_STREAM))
        and await office.pending() == 1
    )


async def test_what_a_dead_process_had_taken_is_claimed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.sink.is_open.clear()
    await office.ask(DeleteObjects(["live/a/b/c"]))
    async with office.open("one"):
        await until(lambda: _held(office))
    office.sink.is_open.set()
    monkeypatch.setattr(jobs, "IDLE_MS", 1)
    async with office.open("two"):
        assert await office.answers() == [ObjectsDeleted(["live/a/b/c"])]
        await until(office.is_empty)


async def test_poison_is_thrown_away(office: Office) -> None:
    for poison in (b"", b"{}", b'{"type": "format_disk"}', b"\xff\xfe"):
        await office.ask(poison)
    await office.redis.xadd(JOBS_STREAM, {"else": "what"})
    await office.ask(DeleteObjects(["live/a/b/c"]))
    async with office.open():
        assert await office.answers() == [ObjectsDeleted(["live/a/b/c"])]
        await until(office.is_empty)


async def test_a_clip_that_fails_five_times_is_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0

    async def failing(*_: object, **__: object) -> ClipMade:
        nonlocal attempts
        attempts += 1
        raise ChildFailed("was ended by signal 9")

    monkeypatch.setattr(jobs, "make_clip", failing)
    await office.ask(CLIP)
    async with office.open():
        assert await office.answers() == [ClipFailed(CLIP.clip_id, jobs.GAVE_UP)]
        await until(office.is_empty)
    assert attempts == jobs.MAX_ATTEMPTS


async def test_a_clip_that_kills_its_process_is_given_up_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def endless(*_: object, **__: object) -> ClipMade:
        begun.set()
        await asyncio.sleep(3600)
        raise AssertionError

    monkeypatch.setattr(jobs, "make_clip", endless)
    await office.ask(CLIP)
    for _ in range(jobs.MAX_ATTEMPTS):
        begun.clear()
        async with office.open():
            async with asyncio.timeout(WAIT_S):
                await begun.wait()
    async with office.open():
        assert await office.answers() == [ClipFailed(CLIP.clip_id, jobs.GAVE_UP)]


async def test_a_clip_of_missing_media_says_so_to_its_owner(office: Office) -> None:
    await office.stores.kept.delete(list(STORED.objects))
    await office.ask(CLIP)
    async with office.open():
        assert await office.answers() == [ClipFailed(CLIP.clip_id, jobs.MISSING)]


async def test_a_store_that_is_away_costs_no_attempt(office: Office) -> None:
    office.stores.failures = 8
    await office.ask(CLIP)
    async with office.open():
        (made,) = await office.answers()
        assert isinstance(made, ClipMade)


async def test_a_flushed_redis_is_read_again(office: Office) -> None:
    async with office.open():
        await office.ask(DeleteObjects(["live/a/b/c"]))
        await office.answers()
        await office.redis.flushall()
        await office.ask(DeleteObjects(["live/d/e/f"]))
        assert (await office.answers(2))[1] == ObjectsDeleted(["live/d/e/f"])


async def test_a_redis_that_was_away_is_read_again(
    office: Office, server_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LONGEST_REDIS_PAUSE_S", 0.2)
    sockets = server_directory / "j"  # apart from those of the session's server
    sockets.mkdir()
    server = EmbeddedValkey(server_directory / "jobs", sockets, durable=True)
    await asyncio.to_thread(server.start)
    lost = connect(server.url)
    try:
        other = Office(lost, office.stores, office.scratch)
        async with other.open():
            await until(lambda: _has_group(other))
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.start)
            await other.ask(DeleteObjects(["live/a/b/c"]))
            assert await other.answers() == [ObjectsDeleted(["live/a/b/c"])]
    finally:
        await lost.aclose()
        await asyncio.to_thread(server.stop)


async def _has_group(office: Office) -> bool:
    return await office.redis.exists(JOBS_STREAM) == 1


async def test_a_mistake_of_ours_ends_the_job_and_not_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mistaken(*_: object, **__: object) -> ClipMade:
        raise ZeroDivisionError

    monkeypatch.setattr(jobs, "make_clip", mistaken)
    await office.ask(CLIP)
    async with office.open():
        await until(lambda: _held(office))
        await office.ask(DeleteObjects(["live/a/b/c"]))
        assert await office.answers() == [ObjectsDeleted(["live/a/b/c"])]
    assert await office.pending() == 1  # it is tried again, and given up in the end
