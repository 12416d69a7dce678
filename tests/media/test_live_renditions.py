"""A live stream with a ladder: when it can be played, what is shown while its source is away, what date-times say."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from pathlib import Path

import msgspec
import pytest

from media.journal.writer import Journal
from media.live import LiveStream
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind
from media.publication import Description
from media.silence import SILENT_CONFIG, SILENT_UNITS
from media.spool import Spool
from media.transcode.rungs import Rung, Source
from tests.media.listing import Listing, read
from tests.media.material import (
    AUDIO_CONFIG,
    SESSION,
    VIDEO_CONFIG,
    WALL_CLOCK,
    audio_packets,
    interleaved,
    seconds,
    spools,
    usual,
    video_packets,
)

HIGH = Rung("720p", 1280, 720, 30.0, 3_000_000)
LOW = Rung("360p", 640, 360, 30.0, 800_000)
RUNG_CONFIG = msgspec.structs.replace(VIDEO_CONFIG, record=VIDEO_CONFIG.record + b"r")
SLATE_CONFIG = msgspec.structs.replace(VIDEO_CONFIG, record=VIDEO_CONFIG.record + b"s")
SAID = Description(frame_rate=30, video_bitrate_bps=6_000_000)
OPUS = CodecConfig(TrackKind.AUDIO, "Opus", b"\0\2\0\0\0\0\xbb\x80\0\0\0", sample_rate=48_000, channels=2)


class Stage:
    """A stream whose rungs come `lag_s` after the source, as far as they are alive."""

    def __init__(
        self,
        directory: Path,
        rungs: Sequence[Rung] = (HIGH, LOW),
        *,
        lag_s: float = 0.2,
        journal: Callable[[Spool], Journal] | None = None,
    ) -> None:
        self.sources: list[Source] = []
        self.playable_at: list[float] = []
        self.now_s = 0.0
        self.lag_s = lag_s
        self.alive = {rung.name for rung in rungs}
        self.boundaries: list[float] = []
        self._rungs = rungs
        self._queue: list[Packet] = []
        self._owes_keyframe = True
        spools.append(Spool(directory / "spool"))
        self.live = LiveStream(
            SESSION,
            part_s=0.333,
            segment_s=2,
            spool=spools[-1],
            journal=None if journal is None else journal(spools[-1]),
            on_playable=lambda: self.playable_at.append(self.now_s),
            choose_rungs=self._choose,
        )

    def _choose(self, source: Source) -> Sequence[Rung]:
        self.sources.append(source)
        return self._rungs

    def configure_rungs(self) -> None:
        for name in sorted(self.alive):
            self.live.feed_rung(name, RUNG_CONFIG)

    def feed(self, events: Iterable[MediaEvent], *, late_s: float = 0.0) -> None:
        for event in events:
            if isinstance(event, Packet):
                self.now_s = seconds(event)
            begins = self.live.feed(event, WALL_CLOCK + self.now_s + late_s)
            if begins:
                self.boundaries.append(self.now_s)
            if self.sources and isinstance(event, Packet) and event.kind is TrackKind.VIDEO:
                self.encode(event, is_boundary=begins)
            if isinstance(event, Discontinuity):
                self._owes_keyframe = True

    def encode(self, packet: Packet, *, is_boundary: bool) -> None:
        keyframe = is_boundary or self._owes_keyframe
        self._owes_keyframe = False
        self._queue.append(Packet(TrackKind.VIDEO, packet.pts, packet.pts, keyframe, packet.data))
        while self._queue and seconds(self._queue[0]) <= self.now_s - self.lag_s:
            coded = self._queue.pop(0)
            for name in sorted(self.alive):
                self.live.feed_rung(name, msgspec.structs.replace(coded))

    async def listing(self, name: str) -> Listing:
        async with asyncio.timeout(4):
            answer = await self.live.get(f"{name}.m3u8", {})
        assert answer.status is HTTPStatus.OK
        return read(answer.body)

    def multivariant(self) -> str:
        return self.live.multivariant().body.decode()


async def listings(stage: Stage) -> dict[str, Listing]:
    return {name: await stage.listing(name) for name in stage.live.windows}


def slate(stage: Stage, start_s: float, length_s: float) -> None:
    for packet in video_packets(length_s, fps=10, gop=20, start_s=start_s):
        for name in ("video", "720p", "360p"):
            stage.live.feed_track(name, msgspec.structs.replace(packet))


def assert_in_step(found: dict[str, Listing]) -> None:
    """Equal numbers mean equal times, and discontinuities are everywhere alike."""
    video = found["video"]
    for listing in found.values():
        assert listing.media_sequence == video.media_sequence
        assert listing.discontinuity_sequence == video.discontinuity_sequence
        assert [entry.is_discontinuous for entry in listing.segments] == [
            entry.is_discontinuous for entry in video.segments[: len(listing.segments)]
        ]
        for entry, reference in zip(listing.segments, video.segments, strict=False):
            assert entry.time is not None
            assert reference.time is not None
            if not entry.is_gap and not reference.is_gap:
                assert entry.time == pytest.approx(reference.time, abs=0.034)


# --- the choice of rungs ------------------------------------------------------------------------------------


async def test_rungs_are_chosen_at_once_when_the_publisher_has_said_enough(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.live.describe(SAID)
    assert stage.sources == []
    stage.feed([VIDEO_CONFIG])
    assert stage.sources == [Source("avc1", 1280, 720, 30, 6_000_000, False)]
    stage.live.describe(msgspec.structs.replace(SAID, video_bitrate_bps=1))
    stage.feed([AUDIO_CONFIG, *interleaved(video_packets(5), audio_packets(5))])
    assert len(stage.sources) == 1


async def test_rungs_are_chosen_by_half_a_second_of_video_otherwise(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    frames = video_packets(5, size=1000)
    frames[0].data = bytes(200_000)
    stage.feed([VIDEO_CONFIG])
    for frame in frames:
        if stage.sources:
            break
        stage.feed([frame])
    assert stage.now_s == pytest.approx(0.5, abs=0.04)
    (source,) = stage.sources
    assert source.frame_rate == pytest.approx(30)
    assert source.bitrate_bps == pytest.approx(30 * 1008 * 8)


async def test_rungs_are_chosen_by_the_plan_at_the_latest(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    huge = bytes(33 << 20)  # two of them are all that is buffered
    frames = video_packets(0.2)
    frames[0].data = frames[1].data = huge
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG, *frames])
    assert len(stage.sources) == 1
    assert set(stage.live.windows) == {"video", "720p", "360p"}


async def test_sound_alone_is_asked_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.feed([AUDIO_CONFIG, *audio_packets(5)])
    assert stage.sources == []
    assert stage.playable_at


# --- playable -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag_s", [0.1, 1.0, 2.0])
async def test_a_stream_with_rungs_is_playable_when_all_have_something(tmp_path: Path, lag_s: float) -> None:
    stage = Stage(tmp_path, lag_s=lag_s)
    stage.live.describe(SAID)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.configure_rungs()
    stage.feed(interleaved(video_packets(6), audio_packets(6)))
    assert stage.playable_at == [pytest.approx(max(2.0, lag_s + 0.34), abs=0.04)]
    assert {name for name in ("720p", "360p", "audio") if f"session/{name}.m3u8" in stage.multivariant()} == {
        "720p",
        "360p",
        "audio",
    }
    assert_in_step(await listings(stage))


async def test_rungs_that_do_not_come_hold_the_stream_up_for_three_seconds(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.alive = {"360p"}
    stage.live.describe(SAID)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.configure_rungs()
    stage.feed(interleaved(video_packets(9), audio_packets(9)))
    (at_s,) = stage.playable_at
    assert at_s == pytest.approx(5, abs=0.4)
    assert "720p.m3u8" not in stage.multivariant()
    assert "360p.m3u8" in stage.multivariant()
    stage.alive = {"720p", "360p"}
    stage.live.feed_rung("720p", RUNG_CONFIG)
    stage.feed(interleaved(video_packets(6, start_s=9), audio_packets(6, start_s=9)))
    assert "720p.m3u8" in stage.multivariant()
    found = await listings(stage)
    assert_in_step(found)
    assert [entry.is_gap for entry in found["720p"].segments[:4]] == [True] * 4
    assert {entry.map_uri for entry in found["720p"].entries if entry.map_uri} == {"720p-init-1.mp4"}


async def test_a_rung_that_is_lost_for_ever_is_not_waited_for_and_not_listed(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.alive = {"360p"}
    stage.live.describe(SAID)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.live.lose("720p", for_ever=True)
    stage.configure_rungs()
    stage.feed(interleaved(video_packets(5), audio_packets(5)))
    assert stage.playable_at == [pytest.approx(2, abs=0.04)]
    stage.live.lose("360p", for_ever=True)
    assert "360p" not in stage.multivariant()
    assert (await stage.listing("360p")).segments


async def test_boundaries_are_told_where_segments_begin(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ())
    stage.feed(usual(12))
    assert stage.boundaries == [0, 2, 4, 6, 8, 10]
    stage.feed(
        [Discontinuity("jump"), *interleaved(video_packets(5, start_s=13, gop=1000), audio_packets(5, start_s=13))]
    )
    assert stage.boundaries[6:] == pytest.approx([13, 15.27, 17.53], abs=0.05)


# --- losing and regaining -----------------------------------------------------------------------------------


async def test_a_rung_that_dies_has_gaps_and_comes_back_without_a_discontinuity(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.live.describe(SAID)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.configure_rungs()
    stage.feed(interleaved(video_packets(5), audio_packets(5)))
    stage.alive = set()
    for name in ("720p", "360p"):
        stage.live.lose(name, for_ever=False)
    stage.feed(interleaved(video_packets(6, start_s=5, gop=30), audio_packets(6, start_s=5)))
    stage.alive = {"720p", "360p"}
    stage.configure_rungs()
    stage.feed(interleaved(video_packets(6, start_s=11, gop=30), audio_packets(6, start_s=11)))
    found = await listings(stage)
    assert_in_step(found)
    assert not any(entry.is_discontinuous for listing in found.values() for entry in listing.entries)
    assert [entry.msn for entry in found["720p"].segments if entry.is_gap] in ([3, 4], [3, 4, 5])
    assert not any(entry.is_gap for entry in found["video"].segments)
    assert "720p.m3u8" in stage.multivariant()


async def test_a_slate_is_one_discontinuity_with_silence_and_the_return_another(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.live.describe(SAID)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.configure_rungs()
    stage.feed(interleaved(video_packets(7), audio_packets(7)))
    live = stage.live
    live.splice({"video": SLATE_CONFIG, "720p": SLATE_CONFIG, "360p": SLATE_CONFIG}, "the publisher is away")
    live.feed_rung("720p", video_packets(1, start_s=6.9)[0])  # of before
    slate(stage, 7.1, 5)
    live.feed_rung("720p", RUNG_CONFIG)  # the child begins again while nobody looks
    stage.feed(
        [
            Discontinuity("the publisher is back"),
            VIDEO_CONFIG,
            AUDIO_CONFIG,
            *interleaved(video_packets(5, start_s=12.5), audio_packets(5, start_s=12.5)),
        ]
    )
    found = await listings(stage)
    assert_in_step(found)
    for name, listing in found.items():
        assert [entry.msn for entry in listing.entries if entry.is_discontinuous] == [4, 7]
        assert not any(entry.is_gap for entry in listing.segments), name
        if name != "audio":
            maps = [entry.map_uri for entry in listing.entries if entry.map_uri]
            assert maps == [f"{name}-init-{number}.mp4" for number in (1, 2, 3)]
    assert {window.config for name, window in live.windows.items() if name in {"720p", "360p"}} == {RUNG_CONFIG}
    assert live.windows["video"].config == VIDEO_CONFIG
    quiet = (await live.get("audio-5.m4s", {})).body
    assert quiet.count(SILENT_UNITS[2]) > 80


async def test_without_a_slate_there_are_gaps_and_one_discontinuity(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.live.describe(SAID)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.configure_rungs()
    stage.feed(interleaved(video_packets(7), audio_packets(7)))
    for until_s in range(8, 16):
        stage.live.leave_gap(float(until_s))
    stage.feed([Discontinuity("the publisher is back"), VIDEO_CONFIG, AUDIO_CONFIG])
    stage.feed(interleaved(video_packets(5, start_s=15.5), audio_packets(5, start_s=15.5)))
    found = await listings(stage)
    assert_in_step(found)
    for listing in found.values():
        assert [entry.msn for entry in listing.segments if entry.is_gap] == [4, 5, 6, 7]
        assert [entry.msn for entry in listing.entries if entry.is_discontinuous] == [8]


async def test_nothing_is_spliced_before_anything_is_published(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.live.splice({"video": SLATE_CONFIG}, "away")
    stage.live.leave_gap(10.0)
    slate(stage, 0, 3)
    assert not stage.live.windows


# --- sound that the child makes -----------------------------------------------------------------------------


async def test_sound_from_the_child_may_be_two_seconds_late(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ())
    live = stage.live
    stage.feed([VIDEO_CONFIG])
    live.observe(OPUS, WALL_CLOCK)
    units = audio_packets(12)
    late = [msgspec.structs.replace(unit, dts=unit.dts + 96_000) for unit in units]
    live.feed_rung("audio", AUDIO_CONFIG)
    for packet in interleaved(video_packets(12), late):
        if packet.kind is TrackKind.VIDEO:
            stage.feed([packet])
        else:
            live.observe(packet, WALL_CLOCK + seconds(packet))
            live.feed_rung("audio", msgspec.structs.replace(packet, dts=packet.dts - 96_000))
    found = await listings(stage)
    assert not any(entry.is_gap for entry in found["audio"].segments)
    assert len(found["audio"].segments) == 5
    assert live.measure(WALL_CLOCK + 12).dropped_packets == 0
    health = live.measure(WALL_CLOCK + 12).audio
    assert health is not None
    assert health.codec == "opus"


async def test_sound_that_the_child_never_makes_is_silence(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ())
    stage.feed([VIDEO_CONFIG])
    stage.live.observe(OPUS, WALL_CLOCK)
    stage.feed(video_packets(8))
    assert stage.playable_at == [pytest.approx(3, abs=0.1)]
    assert stage.live.windows["audio"].config == SILENT_CONFIG


# --- date-times ---------------------------------------------------------------------------------------------


async def test_date_times_follow_a_clock_that_drifts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ())
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    drift = 200e-6
    for packet in interleaved(video_packets(1200, fps=5, gop=10), audio_packets(1200, frame=4096)):
        stage.live.feed(packet, WALL_CLOCK + seconds(packet) * (1 + drift))
        if stage.live.spool.waiting_writes > 50:
            await asyncio.sleep(0.001)
    found = await listings(stage)
    for listing in found.values():
        entry = listing.segments[-1]
        assert entry.time is not None
        media_s = entry.msn * 2.0
        assert entry.time == pytest.approx(WALL_CLOCK + media_s * (1 + drift), abs=0.04)
    by_msn = {entry.msn: entry.time for entry in found["video"].segments}
    for entry in found["audio"].segments:
        assert entry.time == pytest.approx(by_msn[entry.msn], abs=0.09)
