"""A live stream beyond the checklist: when it can be played, what is on disk, what the owner is told."""

import asyncio
from http import HTTPStatus
from pathlib import Path

import msgspec
import pytest
import structlog.testing

from media.hls.boxes import UnsupportedCodec
from media.journal import writer
from media.live import LiveStream
from media.packets import CodecConfig, Discontinuity, Packet, TrackKind
from media.spool import Spool
from tests.media.listing import read
from tests.media.material import (
    AUDIO_CONFIG,
    SESSION,
    VIDEO_CONFIG,
    WALL_CLOCK,
    audio_packets,
    feed,
    interleaved,
    make_stream,
    play,
    seconds,
    spools,
    usual,
    video_packets,
)


async def status(stream: LiveStream, file: str) -> HTTPStatus:
    async with asyncio.timeout(4):
        return (await stream.get(file, {})).status


async def body(stream: LiveStream, file: str) -> bytes:
    async with asyncio.timeout(4):
        answer = await stream.get(file, {})
    assert answer.status is HTTPStatus.OK
    return answer.body


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


# --- playable -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gop", "gop_s"), [(15, 0.5), (30, 1), (60, 2), (120, 4)])
async def test_a_stream_can_be_played_one_gop_after_its_start(tmp_path: Path, gop: int, gop_s: float) -> None:
    called: list[float] = []
    now = 0.0
    spools.append(Spool(tmp_path / "spool"))
    stream = LiveStream(SESSION, part_s=0.333, segment_s=2, spool=spools[-1], on_playable=lambda: called.append(now))
    for event in usual(8, gop=gop):
        now = seconds(event) if isinstance(event, Packet) else 0
        assert stream.is_playable == bool(called)
        stream.feed(event, WALL_CLOCK + now)
    assert len(called) == 1
    assert called[0] <= gop_s + 0.05
    assert stream.multivariant().status is HTTPStatus.OK


async def test_nothing_is_served_before_that(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    for event in usual(1.9):
        feed(stream, [event])
        assert not stream.is_playable
    assert stream.multivariant().status is HTTPStatus.NOT_FOUND
    for file in ("video.m3u8", "audio.m3u8", "video-init-1.mp4", "video-0-0.m4s"):
        assert await status(stream, file) is HTTPStatus.NOT_FOUND


async def test_a_stream_that_ends_before_its_plan_serves_nothing(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(1))
    stream.end()
    stream.end()
    feed(stream, usual(10))
    assert not stream.is_playable
    assert await status(stream, "video.m3u8") is HTTPStatus.NOT_FOUND


async def test_a_codec_that_hls_cannot_carry_is_raised_before_and_after_the_plan(tmp_path: Path) -> None:
    mp3 = CodecConfig(TrackKind.AUDIO, ".mp3", b"", sample_rate=48_000, channels=2)
    stream = make_stream(tmp_path)
    with pytest.raises(UnsupportedCodec):
        feed(stream, [VIDEO_CONFIG, mp3])
    stream = make_stream(tmp_path / "other")
    feed(stream, usual(5))
    with pytest.raises(UnsupportedCodec):
        feed(stream, [mp3])
    assert await status(stream, "video.m3u8") is HTTPStatus.OK


async def test_video_that_comes_too_late_is_named_once_in_the_log(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, [AUDIO_CONFIG, *audio_packets(3)])
    with structlog.testing.capture_logs() as logs:
        feed(stream, [VIDEO_CONFIG, *interleaved(video_packets(3, start_s=3), audio_packets(3, start_s=3.2))])
    assert [(entry["event"], entry["tracks"]) for entry in logs] == [("track came too late, dropped", ["video"])]
    assert stream.measure(WALL_CLOCK + 6).dropped_packets == 90
    assert await status(stream, "video.m3u8") is HTTPStatus.NOT_FOUND
    assert "session/video.m3u8" not in stream.multivariant().body.decode()


async def test_sound_that_comes_late_is_one_discontinuity_at_a_keyframe(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    mono = msgspec.structs.replace(AUDIO_CONFIG, record=b"\x11\x88", channels=1)
    feed(stream, [VIDEO_CONFIG, *video_packets(5)])
    feed(stream, [mono, *interleaved(video_packets(7, start_s=5, gop=60), audio_packets(7, start_s=5))])
    for name in ("video", "audio"):
        listing = read(await body(stream, f"{name}.m3u8"))
        assert [entry.msn for entry in listing.entries if entry.is_discontinuous] == [3]
    (group,) = (line for line in stream.multivariant().body.decode().splitlines() if "TYPE=AUDIO" in line)
    assert 'CHANNELS="1"' in group
    last = stream.windows["audio"].segments[-1]
    assert last.parts_s > 0.3


# --- disk ---------------------------------------------------------------------------------------------------


async def test_old_segments_and_their_parts_come_from_disk_and_are_the_same(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(24)
    early = [event for event in events if not isinstance(event, Packet) or seconds(event) < 4.1]
    await play(stream, early)
    fresh = {
        name: await body(stream, name) for name in ("video-0.m4s", "video-0-3.m4s", "audio-0.m4s", "audio-0-6.m4s")
    }
    await play(stream, events[len(early) :])
    file = tmp_path / "spool" / SESSION / "video-0.m4s"
    assert file.read_bytes() == fresh["video-0.m4s"]
    assert {name: await body(stream, name) for name in fresh} == fresh
    file.unlink()
    with structlog.testing.capture_logs() as logs:  # it did come from there
        assert await status(stream, "video-0-3.m4s") is HTTPStatus.NOT_FOUND
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("segment unreadable", "debug")]


async def test_memory_holds_the_last_seconds_only(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    await play(stream, usual(60))
    held = [
        segment.msn
        for window in stream.windows.values()
        for segment in window.segments
        if any(entry.data is not None for entry in segment.parts)
    ]
    assert min(held) == 26  # 3 target durations and the segment in progress


async def test_what_nobody_may_fetch_any_more_stays_for_storage_to_remove(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    await play(stream, usual(130))
    assert await status(stream, "video-0.m4s") is HTTPStatus.NOT_FOUND
    assert await status(stream, "video-10.m4s") is HTTPStatus.OK
    stream.end()
    stream.close()
    files = {path.name for path in (tmp_path / "spool" / SESSION).iterdir()}
    assert {f"{name}-{msn}.m4s" for name in ("video", "audio") for msn in range(65)} <= files


async def test_a_closed_stream_answers_nothing(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    await play(stream, usual(8))
    hint = read(await body(stream, "video.m3u8")).hints[0]["URI"]
    waiting = [asyncio.create_task(stream.get(*ask)) for ask in (("video.m3u8", {"_HLS_msn": "4"}), (hint, {}))]
    await settle()
    assert stream.waiters == 2
    stream.close()
    assert [(await request).status for request in waiting] == [HTTPStatus.NOT_FOUND] * 2
    assert await status(stream, "video-0.m4s") is HTTPStatus.NOT_FOUND
    assert stream.multivariant().status is HTTPStatus.NOT_FOUND


async def test_without_a_disk_the_window_stays_in_memory_and_is_stored_when_it_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    stream = make_stream(tmp_path)
    directory = tmp_path / "spool" / SESSION
    directory.rename(tmp_path / "away")
    events = usual(40)
    half = len(events) // 2
    with structlog.testing.capture_logs() as logs:
        feed(stream, events[:half])
        await asyncio.sleep(0.05)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
        "disk does not keep up, streams go on from memory"
    ]
    assert stream.spool.disk.trouble == "No such file or directory"
    assert len(await body(stream, "video-0.m4s")) > 6000
    (tmp_path / "away").rename(directory)
    async with asyncio.timeout(20):
        while stream.spool.disk.trouble:
            await asyncio.sleep(0.01)
    feed(stream, events[half:])
    stored = {path.name for path in directory.iterdir()}
    assert {f"{name}-{msn}.m4s" for name in ("video", "audio") for msn in range(19)} <= stored
    assert not stream.windows["video"].segments[0].is_in_memory
    assert len(await body(stream, "video-0.m4s")) > 6000


async def test_without_a_journal_everything_is_in_memory(tmp_path: Path) -> None:
    spools.append(Spool(tmp_path / "spool"))
    stream = LiveStream(SESSION, part_s=0.333, segment_s=2, spool=spools[-1])
    feed(stream, usual(20))
    assert len(await body(stream, "video-0.m4s")) > 6000
    stream.close()
    assert not (tmp_path / "spool" / SESSION).exists()


# --- waiting ------------------------------------------------------------------------------------------------


async def test_many_who_wait_are_woken_by_one_part_with_one_text(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(6)
    early = [event for event in events if not isinstance(event, Packet) or seconds(event) < 5]
    feed(stream, early)
    waiting = [asyncio.create_task(stream.get("video.m3u8", {"_HLS_msn": "2", "_HLS_part": "2"})) for _ in range(500)]
    await settle()
    feed(stream, [event for event in events[len(early) :] if isinstance(event, Packet) and seconds(event) < 5.02])
    await settle()
    assert all(task.done() for task in waiting)
    first = waiting[0].result().body
    assert read(first).parts[-1].uri == "video-2-2.m4s"
    assert all(task.result().body is first for task in waiting)


async def test_playlists_are_written_once_per_change(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(5))
    one = await body(stream, "video.m3u8")
    assert await body(stream, "video.m3u8") is one
    feed(stream, video_packets(0.5, start_s=5))
    assert await body(stream, "video.m3u8") is not one


# --- what the owner is told ---------------------------------------------------------------------------------


async def test_stats_are_those_of_both_tracks(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, [*usual(6), Discontinuity("jump"), *video_packets(1, start_s=6, gop=1000)])
    stats = stream.measure(WALL_CLOCK + 7)
    assert stats.video is not None
    assert stats.audio is not None
    assert (stats.video.codec, stats.audio.codec) == ("avc1.64001e", "mp4a.40.2")
    assert stats.video.frame_rate == pytest.approx(30, abs=0.5)
    assert stats.video.keyframe_interval_s == 2
    assert stats.dropped_packets == 0
    assert make_stream(tmp_path / "other").stats.video is None


async def test_a_frozen_stream_falls_to_zero(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(6))
    stats = stream.stats  # by the clock on the wall, years later
    assert stats.video is not None
    assert stats.video.bitrate_bps == 0


async def test_a_new_size_is_in_the_multivariant_playlist(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(5))
    assert b"RESOLUTION=1280x720" in stream.multivariant().body
    feed(stream, [CodecConfig(TrackKind.VIDEO, "avc1", VIDEO_CONFIG.record + b"\0", 1920, 1080)])
    assert b"RESOLUTION=1920x1080" in stream.multivariant().body
