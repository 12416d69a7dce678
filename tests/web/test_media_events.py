"""The stream of events of the storage process, read by one web process and by several."""

import asyncio

import asyncpg
import msgspec
import pytest

from config.settings import Settings
from schemas.ids import ChannelId, SessionId
from schemas.storage import (
    EVENTS_FIELD,
    EVENTS_GROUP,
    EVENTS_STREAM,
    DeleteObjects,
    FileStored,
    MediaEvent,
    ObjectsDeleted,
    session_prefix,
)
from tests.web.site import Site
from tests.web.store.events import init, segment, started, stored
from web.media_events import CLAIM_EVERY_S, IDLE_MS, MediaEvents
from web.server import open_services
from web.services import Services
from web.store import vods

pytestmark = pytest.mark.services
SEGMENTS = 40
DEADLINE_S = 20


@pytest.fixture
def services(site: Site) -> Services:
    return site.running.services


@pytest.fixture
async def stream(site: Site) -> tuple[ChannelId, SessionId]:
    alice = await site.person("alice")
    await site.channel("news", alice, title="The news")
    channel, session = await site.go_live(await site.key("news", alice))
    return ChannelId(channel), session


def _whole(channel: ChannelId, session: SessionId) -> list[MediaEvent]:
    return [started(session, channel), init(session), *(segment(session, msn) for msn in range(SEGMENTS))]


async def _add(services: Services, *events: MediaEvent) -> None:
    await services.redis.xadd(EVENTS_STREAM, {EVENTS_FIELD: msgspec.json.encode(list(events))})


async def _settled(services: Services) -> None:
    """Wait until the process's own consumer has taken everything in."""
    async with asyncio.timeout(DEADLINE_S):
        while await services.redis.xlen(EVENTS_STREAM):
            await asyncio.sleep(0.02)


async def test_events_become_a_recording_and_leave_the_stream(
    services: Services, stream: tuple[ChannelId, SessionId]
) -> None:
    for event in _whole(*stream):
        await _add(services, event)
    await _add(services, stored(stream[1], {"video": SEGMENTS}))
    await _settled(services)
    (vod,) = await vods.page(services.pool, channel=stream[0], viewer=None, sees_all=False, after=None, limit=9)
    assert (vod.title, vod.duration_s) == ("The news", SEGMENTS * 2.0)
    assert vod.ready_at is not None
    assert await services.redis.xpending(EVENTS_STREAM, EVENTS_GROUP) == {
        "pending": 0,
        "min": None,
        "max": None,
        "consumers": [],
    }


async def test_a_flushed_redis_is_gone_on_with(services: Services, stream: tuple[ChannelId, SessionId]) -> None:
    await _add(services, *_whole(*stream)[:2])
    await _settled(services)
    await services.redis.flushall()
    await _add(services, *_whole(*stream)[2:])
    await _settled(services)
    assert await services.pool.fetchval("SELECT count(*) FROM segments") == SEGMENTS


async def test_what_cannot_be_taken_in_does_not_stop_the_rest(
    services: Services, stream: tuple[ChannelId, SessionId]
) -> None:
    _, session = stream
    await services.redis.xadd(EVENTS_STREAM, {EVENTS_FIELD: b'[{"type":"nonsense"}]'})
    await services.redis.xadd(EVENTS_STREAM, {"other": b"?"})
    unstorable = FileStored(session, "captions", 0, "captions-0.vtt", 1, language="\0")
    await _add(services, *_whole(*stream), unstorable, segment(SessionId("nowhere"), 0))
    await _settled(services)
    assert await services.pool.fetchval("SELECT count(*) FROM segments") == SEGMENTS
    assert await services.pool.fetchval("SELECT count(*) FROM stream_files") == 0


async def test_entries_of_a_process_that_died_are_taken_by_another(settings: Settings) -> None:
    async with open_services(settings) as services:
        redis = services.redis
        await services.pool.execute("INSERT INTO deletions (key) VALUES ('live/a/b/1')")
        consumer = MediaEvents(services)
        await consumer.round(0.0)  # makes the group
        await _add(services, ObjectsDeleted(["live/a/b/1"]))
        await redis.xreadgroup(EVENTS_GROUP, "dead", {EVENTS_STREAM: ">"}, count=10)
        await consumer.round(0.0)
        assert await redis.xlen(EVENTS_STREAM) == 1  # it may just be slow
        (entry,) = await redis.xpending_range(EVENTS_STREAM, EVENTS_GROUP, "-", "+", 10)
        await redis.xclaim(EVENTS_STREAM, EVENTS_GROUP, "dead", 0, [entry["message_id"]], idle=IDLE_MS + 1)
        await consumer.round(CLAIM_EVERY_S)
        assert await redis.xlen(EVENTS_STREAM) == 0
        assert await services.pool.fetchval("SELECT count(*) FROM deletions") == 0


async def test_entries_stay_while_the_database_is_away(settings: Settings) -> None:
    async with open_services(settings) as services:
        consumer = MediaEvents(services)
        await consumer.round(0.0)
        await services.pool.execute("INSERT INTO deletions (key) VALUES ('live/a/b/1')")
        await services.pool.execute("ALTER TABLE deletions RENAME TO away")
        await _add(services, ObjectsDeleted(["live/a/b/1"]))
        with pytest.raises(asyncpg.UndefinedTableError):
            await consumer.round(0.0)
        await services.pool.execute("ALTER TABLE away RENAME TO deletions")
        await consumer.round(CLAIM_EVERY_S)
        assert await services.redis.xlen(EVENTS_STREAM) == 0
        assert await services.pool.fetchval("SELECT count(*) FROM deletions") == 0


async def test_several_processes_share_the_work(services: Services, stream: tuple[ChannelId, SessionId]) -> None:
    others = [asyncio.create_task(MediaEvents(services).run()) for _ in range(2)]
    try:
        for event in _whole(*stream):
            await _add(services, event, event)
        await _settled(services)
    finally:
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    assert await services.pool.fetchval("SELECT count(*) FROM segments") == SEGMENTS
    assert await services.pool.fetchval("SELECT size_bytes FROM vods") == sum(1_000 + msn for msn in range(SEGMENTS))


async def test_lost_events_are_read_from_the_index(services: Services, stream: tuple[ChannelId, SessionId]) -> None:
    channel, session = stream
    events, last = _whole(*stream), stored(session, {"video": SEGMENTS})
    key = f"{session_prefix(channel, session, is_recorded=True)}/{last.index_name}"
    body = msgspec.json.encode([*events, last])
    await services.stores.of(key).put(key, body, content_type="application/json")
    await _add(services, *events[:20], last)
    async with asyncio.timeout(DEADLINE_S):
        while await services.pool.fetchval("SELECT stored_at FROM streams") is None:
            await asyncio.sleep(0.05)
    assert await services.pool.fetchval("SELECT count(*) FROM segments") == SEGMENTS
    row = await services.pool.fetchrow("SELECT ready_at IS NOT NULL AS is_ready, duration_s FROM vods")
    assert dict(row or {}) == {"is_ready": True, "duration_s": SEGMENTS * 2.0}


async def test_a_recording_whose_first_event_was_lost_too_is_found(
    services: Services, stream: tuple[ChannelId, SessionId]
) -> None:
    channel, session = stream
    events, last = _whole(*stream), stored(session, {"video": SEGMENTS})
    key = f"{session_prefix(channel, session, is_recorded=True)}/{last.index_name}"
    await services.stores.of(key).put(key, msgspec.json.encode(events), content_type="application/json")
    await _add(services, last)
    async with asyncio.timeout(DEADLINE_S):
        while await services.pool.fetchval("SELECT ready_at FROM vods") is None:
            await asyncio.sleep(0.05)
    assert await services.pool.fetchval("SELECT count(*) FROM segments") == SEGMENTS


async def test_deleted_objects_leave_the_list(services: Services) -> None:
    await services.pool.execute("INSERT INTO deletions (key) VALUES ('live/a/b/1'), ('live/a/b/2')")
    job = DeleteObjects(["live/a/b/1"])
    await _add(services, ObjectsDeleted(job.keys))
    await _settled(services)
    assert [row["key"] for row in await services.pool.fetch("SELECT key FROM deletions")] == ["live/a/b/2"]
