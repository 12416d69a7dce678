"""Events of the storage process become rows."""

import random

import pytest

from config.postgres import Pool
from schemas.ids import ChannelId, SessionId
from schemas.storage import CueStored, FileStored
from tests.web.store.events import init, segment, started, stored
from web.store import arrivals, media, vods
from web.store.arrivals import Finished, SessionEvent, Unknown

pytestmark = pytest.mark.services


async def _write(pool: Pool, *events: SessionEvent) -> list[Finished]:
    async with pool.acquire() as connection, connection.transaction():
        return await arrivals.write(connection, events)


async def _rows(pool: Pool) -> list[object]:
    tables = ("inits", "segments", "stream_files", "cues", "vods", "deletions")
    skipped = "- 'stored_at' - 'created_at' - 'ready_at' - 'id'"
    return [await pool.fetch(f"SELECT to_jsonb(t) {skipped} AS t FROM {table} t ORDER BY 1") for table in tables]


def _thumbnail(session: SessionId, number: int) -> FileStored:
    return FileStored(session, "thumbnail", 0, f"thumbnail-{number}.jpg", 30)


async def test_what_is_stored_is_read_as_it_was_told(pool: Pool, session: SessionId, channel: ChannelId) -> None:
    cue = CueStored(session, "q1", "com.example.score", 1.5, None, 5, {"HOME": "1", "AWAY": 'a "quote"'})
    events: list[SessionEvent] = [started(session, channel), init(session), init(session, "audio"), cue]
    events.append(_thumbnail(session, 1))
    events += [segment(session, 0), segment(session, 0, "audio"), segment(session, 1, is_gap=True)]
    await _write(pool, *events)
    stream = await media.stream_media(pool, session)
    assert stream is not None
    assert (stream.object_prefix, stream.channel_name, stream.target_duration_s) == ("recordings/c1/s1", "news", 2)
    assert [row.rendition for row in await media.inits(pool, session)] == ["audio", "video"]
    first, gap = await media.segments(pool, session, "video")
    assert (first.size, first.still_bytes, first.is_gap) == (1_000, 100, False)
    assert (gap.msn, gap.start_s, gap.is_gap) == (1, 2.0, True)
    assert [row.msn for row in await media.segments(pool, session, "video", first_msn=1)] == [1]
    assert [row.msn for row in await media.segments(pool, session, "video", last_msn=0)] == [0]
    rates = {row.rendition: row for row in await media.rates(pool, session)}
    assert rates["video"] == media.RateRow("video", 4_000, 4_000, 400, 400)
    assert [row.name for row in await media.files(pool, session)] == ["thumbnail-1.jpg"]
    assert [row.fields for row in await media.cues(pool, session, 1.0, 2.0)] == [cue.fields]
    assert await media.cues(pool, session, 2.0, 3.0) == []


async def test_nothing_is_known_of_a_session_before_its_first_object(pool: Pool, session: SessionId) -> None:
    assert await media.stream_media(pool, session) is None


async def test_a_recording_grows_and_becomes_ready(pool: Pool, session: SessionId, channel: ChannelId) -> None:
    await _write(pool, started(session, channel), init(session), segment(session, 0), segment(session, 1))
    (vod,) = await vods.page(pool, channel=channel, viewer=None, sees_all=False, after=None, limit=10)
    assert (vod.title, vod.duration_s, vod.size_bytes, vod.ready_at) == ("The news", 4.0, 2_001, None)
    (finished,) = await _write(pool, stored(session, {"video": 2}, total_bytes=7_777))
    assert finished == Finished(session, channel, vod.id, is_whole=True)
    ready = await vods.find(pool, vod.id)
    assert ready is not None
    assert ready.ready_at is not None
    assert ready.size_bytes == 7_777
    stream = await media.stream_media(pool, session)
    assert stream is not None
    assert stream.stored_at is not None


async def test_a_session_with_less_than_was_counted_is_ready_but_not_whole(
    pool: Pool, session: SessionId, channel: ChannelId
) -> None:
    events: list[SessionEvent] = [started(session, channel), init(session), segment(session, 0)]
    (finished,) = await _write(pool, *events, stored(session, {"video": 2}))
    assert not finished.is_whole
    (vod,) = await vods.page(pool, channel=channel, viewer=None, sees_all=False, after=None, limit=10)
    assert vod.ready_at is not None
    stream = await media.stream_media(pool, session)
    assert stream is not None
    assert stream.stored_at is None


async def test_a_session_without_media_leaves_no_recording(pool: Pool, session: SessionId, channel: ChannelId) -> None:
    (finished,) = await _write(pool, started(session, channel), init(session), stored(session, {}))
    assert finished == Finished(session, channel, None, is_whole=True)
    assert await vods.page(pool, channel=channel, viewer=None, sees_all=True, after=None, limit=10) == []
    assert await pool.fetchval("SELECT released_at IS NOT NULL AND sweep_at <= now() FROM streams") is True


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_any_repetition_give_the_same_rows(
    pool: Pool, session: SessionId, channel: ChannelId, seed: int
) -> None:
    events: list[SessionEvent] = [started(session, channel), init(session), init(session, "audio")]
    events += [segment(session, msn, rendition) for msn in range(6) for rendition in ("video", "audio")]
    events += [_thumbnail(session, number) for number in range(5)]
    events += [FileStored(session, "sheet", 0, f"storyboard-0-{tiles}.jpg", tiles) for tiles in (4, 9, 25)]
    last = stored(session, {"video": 6, "audio": 6}, total_bytes=9_999)
    await _write(pool, *events, last)
    expected = await _rows(pool)
    await pool.execute("TRUNCATE inits, segments, stream_files, cues, vods, deletions")
    await pool.execute("UPDATE streams SET object_prefix = NULL, index_name = NULL, stored_at = NULL")
    chance = random.Random(seed)
    told = [*events[1:], *chance.sample(events, 9)]
    chance.shuffle(told)
    # only the first event of all and the last keep their places
    told = [events[0], *told]
    while told:
        size = chance.randint(1, 7)
        await _write(pool, *told[:size])
        told = told[size:]
    await _write(pool, last)
    await _write(pool, last)
    assert await _rows(pool) == expected


async def test_replaced_pictures_are_nobodys(pool: Pool, session: SessionId, channel: ChannelId) -> None:
    await _write(pool, started(session, channel), _thumbnail(session, 9))
    await _write(pool, _thumbnail(session, 10))
    await _write(pool, _thumbnail(session, 9), _thumbnail(session, 8))
    assert [row.name for row in await media.files(pool, session)] == ["thumbnail-10.jpg"]
    keys = [row["key"] for row in await pool.fetch("SELECT key FROM deletions ORDER BY key")]
    assert keys == ["recordings/c1/s1/thumbnail-8.jpg", "recordings/c1/s1/thumbnail-9.jpg"]


async def test_a_deleted_recording_is_not_made_again(pool: Pool, session: SessionId, channel: ChannelId) -> None:
    events = (started(session, channel), init(session), segment(session, 0), stored(session, {"video": 1}))
    (finished,) = await _write(pool, *events)
    assert finished.vod_id is not None
    async with pool.acquire() as connection, connection.transaction():
        assert await vods.delete(connection, finished.vod_id) == "deleted"
    await pool.execute("DELETE FROM vods")
    await _write(pool, *events)
    assert await pool.fetchval("SELECT count(*) FROM vods") == 0
    assert await pool.fetchval("SELECT sweep_at <= now() FROM streams") is True


async def test_events_of_unknown_sessions_write_nothing(pool: Pool, session: SessionId) -> None:
    with pytest.raises(Unknown) as caught:
        await _write(pool, init(session), init(SessionId("nowhere")))
    assert caught.value.sessions == {"nowhere"}
    assert await media.inits(pool, session) == []
