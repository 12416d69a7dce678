"""From the timeline to renditions: how sound is routed, what the ladder does, what is shown while nobody publishes."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import m3u8
import pytest

from config.rungs import ConfiguredRung
from media import pipeline as module
from media.journal.reader import Contents, read_journal
from media.links.messages import Break, Configure, FromFeed, Media, Tracks
from media.links.messages import Ended as FeedEnded
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind
from media.pictures.link import Pictures
from media.pipeline import Pipeline, Workshop
from media.resume import Past
from media.spool import Spool
from media.transcode.admission import Admission
from media.transcode.messages import AUDIO
from schemas.ids import ChannelId
from schemas.ingest import PublishGrant
from schemas.journal import Ended, Interrupted, Record, Resumed
from tests.media.material import (
    AUDIO_CONFIG,
    SESSION,
    VIDEO_CONFIG,
    WALL_CLOCK,
    audio_packets,
    begin,
    interleaved,
    seconds,
    spools,
    usual,
    video_packets,
)

OPUS = CodecConfig(TrackKind.AUDIO, "Opus", bytes.fromhex("00020138000bb800000000"), sample_rate=48_000, channels=2)
RUNGS = {"360p": ConfiguredRung(height=360, frame_rate=30, bitrate_kbps=700)}


def make(folder: Path, *, cores: float = 4.0, ladder: str = "off", contents: Contents | None = None) -> Pipeline:
    """Return a pipeline with a journal, which goes on from these contents."""
    spools.append(Spool(folder / "spool"))
    workshop = Workshop(
        part_s=0.333,
        segment_s=2.0,
        spool=spools[-1],
        rungs=RUNGS,
        admission=Admission(cores),
        encoder="libx264",
        preset="ultrafast",
        pictures=Pictures(spools[-1]),
    )
    journal = begin(spools[-1]) if contents is None else spools[-1].resume(SESSION, contents)
    return Pipeline(workshop, PublishGrant(ChannelId("c1"), "channel", SESSION, ladder=ladder), journal)


def feed(pipeline: Pipeline, events: Iterable[MediaEvent]) -> None:
    for event in events:
        now = WALL_CLOCK + (seconds(event) if isinstance(event, Packet) else 0)
        pipeline.feed(event, now)


async def listed(pipeline: Pipeline, name: str) -> m3u8.M3U8:
    async with asyncio.timeout(1):
        return m3u8.loads((await pipeline.live.get(f"{name}.m3u8", {})).body.decode())


def variants(pipeline: Pipeline) -> dict[str, str]:
    found = m3u8.loads(pipeline.live.multivariant().body.decode()).playlists
    return {each.uri.rpartition("/")[2].removesuffix(".m3u8"): each.stream_info.codecs for each in found}


async def test_aac_passes_through_without_a_child(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    feed(pipeline, usual(5))
    assert variants(pipeline) == {"video": "avc1.64001e,mp4a.40.2", "audio": "mp4a.40.2"}
    assert pipeline.rungs() == []
    assert pipeline.transcoder() is None
    audio = (await pipeline.live.get("audio-0.m4s", {})).body
    assert audio_packets(1)[20].data in audio


async def test_other_sound_is_listed_as_what_the_child_makes_of_it(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    made = audio_packets(5)
    feed(pipeline, [VIDEO_CONFIG, OPUS])
    pipeline.rung_config(AUDIO, AUDIO_CONFIG)
    opus = [Packet(TrackKind.AUDIO, n * 960, n * 960, True, b"opus") for n in range(250)]
    for event in interleaved(video_packets(5), opus):
        feed(pipeline, [event])
        while made and event.kind is TrackKind.VIDEO and seconds(made[0]) < seconds(event):
            pipeline.rung_packets(AUDIO, [made.pop(0)])
    assert variants(pipeline)["video"].endswith("mp4a.40.2")
    assert b"opus" not in (await pipeline.live.get("audio-0.m4s", {})).body
    stats = pipeline.live.measure(WALL_CLOCK + 5)
    assert stats.audio is not None
    assert stats.audio.codec == "opus"
    pipeline.end("over")


async def test_what_a_child_made_is_left_out_once_the_sound_passes_through(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    feed(pipeline, [VIDEO_CONFIG, OPUS, AUDIO_CONFIG])
    pipeline.rung_config(AUDIO, OPUS)
    pipeline.rung_packets(AUDIO, [Packet(TrackKind.AUDIO, 0, 0, True, b"late")])
    feed(pipeline, interleaved(video_packets(5), audio_packets(5)))
    assert variants(pipeline)["audio"] == "mp4a.40.2"
    assert b"late" not in (await pipeline.live.get("audio-0.m4s", {})).body
    pipeline.end("over")


async def test_a_full_node_refuses_rungs_in_words_and_never_the_source(tmp_path: Path) -> None:
    pipeline = make(tmp_path, cores=0.01, ladder="360p")
    feed(pipeline, usual(5))
    assert list(variants(pipeline)) == ["video", "audio"]
    [rung] = pipeline.rungs()
    assert (rung.name, rung.state) == ("360p", "refused")
    assert "TALLY_TRANSCODE_CORES" in rung.reason
    assert pipeline.transcoder() is None


async def test_a_granted_rung_is_waited_for_and_given_back_at_the_end(tmp_path: Path) -> None:
    pipeline = make(tmp_path, ladder="360p")
    admission = pipeline._workshop.admission
    feed(pipeline, usual(2.5))
    assert pipeline.live.multivariant().status is HTTPStatus.NOT_FOUND
    assert admission.used > 0
    assert [rung.state for rung in pipeline.rungs()] == ["starting"]
    feed(pipeline, interleaved(video_packets(6, start_s=2.5, gop=15), audio_packets(6, start_s=2.5)))
    assert "360p" not in variants(pipeline)
    pipeline.end("over")
    async with asyncio.timeout(10):
        await pipeline.run()
    assert admission.used == 0


@asynccontextmanager
async def running(pipeline: Pipeline) -> AsyncIterator[None]:
    pictures = asyncio.create_task(pipeline._workshop.pictures.run())
    life = asyncio.create_task(pipeline.run())
    try:
        yield
    finally:
        pipeline.end("over")
        async with asyncio.timeout(10):
            await life
        pictures.cancel()
        await asyncio.wait({pictures})


# --- feeds --------------------------------------------------------------------------------------------------


def listen(pipeline: Pipeline, *tracks: str) -> list[FromFeed]:
    """Return what a feed of these tracks says, as it says it."""
    said: list[FromFeed] = []
    pipeline.feeds.subscribe(tracks, said.append)
    return said


def media(said: list[FromFeed], track: str) -> list[Packet]:
    return [each.packet for each in said if isinstance(each, Media) and each.track == track]


async def test_sound_that_passes_through_is_one_and_the_same_for_feeds(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    feed(pipeline, usual(3))
    said = listen(pipeline, "video", "sound", "audio")
    feed(pipeline, interleaved(video_packets(1, start_s=3), audio_packets(1, start_s=3)))
    assert isinstance(tracks := said[0], Tracks)
    assert {track.name: track.config for track in tracks.tracks} == {
        "video": VIDEO_CONFIG,
        "sound": AUDIO_CONFIG,
        "audio": AUDIO_CONFIG,
    }
    assert len(media(said, "sound")) > 47
    assert media(said, "sound") == media(said, "audio")
    assert media(said, "video")[0].dts == 2 * 90_000


async def test_sound_is_fed_as_it_came_and_as_it_was_made(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    feed(pipeline, [VIDEO_CONFIG, OPUS])
    said = listen(pipeline, "sound", "audio")
    feed(pipeline, [Packet(TrackKind.AUDIO, 0, 0, True, b"opus")])
    pipeline.rung_config(AUDIO, AUDIO_CONFIG)
    pipeline.rung_packets(AUDIO, [Packet(TrackKind.AUDIO, 0, 0, True, b"made")])
    assert [packet.data for packet in media(said, "sound")] == [b"opus"]
    assert [packet.data for packet in media(said, "audio")] == [b"made"]
    assert Configure("audio", AUDIO_CONFIG) in said
    pipeline.end("over")
    assert said[-1] == FeedEnded("over")


async def test_rungs_are_fed_under_their_names(tmp_path: Path) -> None:
    pipeline = make(tmp_path, ladder="360p")
    feed(pipeline, usual(2.5))
    said = listen(pipeline, "360p")
    rung = CodecConfig(TrackKind.VIDEO, "avc1", VIDEO_CONFIG.record, width=640, height=360)
    pipeline.rung_config("360p", rung)
    pipeline.rung_packets("360p", video_packets(1))
    assert isinstance(tracks := [each for each in said if isinstance(each, Tracks)][-1], Tracks)
    assert {track.name: track.frame_rate for track in tracks.tracks if track.config.kind is TrackKind.VIDEO} == {
        "video": 30,
        "360p": 30,
    }
    assert len(media(said, "360p")) == 30
    pipeline.rung_lost("360p", "too slow", for_ever=True)
    assert isinstance(told := said[-1], Tracks)
    assert "360p" not in {track.name for track in told.tracks}
    pipeline.end("over")


@pytest.mark.services
async def test_a_slate_is_shown_until_the_publisher_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLATE_AFTER_S", 0)
    pipeline = make(tmp_path)
    async with running(pipeline):
        feed(pipeline, usual(6))
        async with asyncio.timeout(15):
            while not pipeline.has_slates:
                await asyncio.sleep(0.05)
        before = await listed(pipeline, "video")
        said = listen(pipeline, "video", "sound")
        lively = len(media(said, "video"))
        pipeline.interrupt(6.0)
        for tick in range(30):
            pipeline.tick(6.0 + tick / 3)
        away = await listed(pipeline, "video")
        start_s = 16.5
        feed(pipeline, [Discontinuity("back"), VIDEO_CONFIG])
        feed(pipeline, interleaved(video_packets(5, start_s=start_s), audio_packets(5, start_s=start_s)))
        after = {name: await listed(pipeline, name) for name in ("video", "audio")}
    assert [type(each) for each in said if isinstance(each, Break)] == [Break, Break]
    shown = [each.config for each in said if isinstance(each, Configure) and each.track == "video"]
    assert [config == VIDEO_CONFIG for config in shown] == [True, False, True]
    slate = [packet for packet in media(said, "video")[lively:] if packet.dts < start_s * 90_000]
    assert slate[0].is_keyframe
    assert slate[0].dts == 6 * 90_000
    assert len(slate) == pytest.approx(290, abs=5)
    assert len(media(said, "video")) == lively + len(slate) + 150
    assert len(away.segments) >= len(before.segments) + 4
    assert not any(segment.gap_tag for segment in away.segments)
    for playlist in after.values():
        assert playlist.media_sequence == 0
        assert sum(bool(segment.discontinuity) for segment in playlist.segments) == 2, "into the slate and out of it"
    maps = [segment.init_section.uri for segment in after["video"].segments if segment.init_section]
    assert list(dict.fromkeys(maps)) == ["video-init-1.mp4", "video-init-2.mp4", "video-init-3.mp4"]


async def test_without_a_slate_there_are_gaps_and_one_discontinuity(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    feed(pipeline, usual(6))
    pipeline.interrupt(6.0)
    for tick in range(30):
        pipeline.tick(6.0 + tick / 3)
    away = await listed(pipeline, "video")
    assert sum(bool(segment.gap_tag) for segment in away.segments) >= 4
    feed(pipeline, [Discontinuity("back"), VIDEO_CONFIG])
    feed(pipeline, interleaved(video_packets(5, start_s=16.5), audio_packets(5, start_s=16.5)))
    for name in ("video", "audio"):
        playlist = await listed(pipeline, name)
        assert sum(bool(segment.discontinuity) for segment in playlist.segments) == 1


# --- from another process -----------------------------------------------------------------------------------


def again(folder: Path, **settings: float) -> Pipeline:
    """Return the pipeline of the next process."""
    spools.pop().close()
    contents = read_journal(folder / "spool" / SESSION / "journal")
    pipeline = make(folder, ladder="360p", contents=contents, **settings)
    pipeline.resume(Past(contents.records, lambda file: (folder / "spool" / SESSION / file).read_bytes()))
    return pipeline


def interruptions(folder: Path) -> list[type[Record]]:
    records = read_journal(folder / "spool" / SESSION / "journal").records
    return [type(record) for record in records if isinstance(record, Interrupted | Resumed)]


async def test_the_next_process_makes_the_same_rungs_however_full_it_is(tmp_path: Path) -> None:
    first = make(tmp_path, ladder="360p")
    feed(first, usual(7))
    second = again(tmp_path, cores=0.01)
    [rung] = second.rungs()
    assert (rung.name, rung.state, rung.target_bps) == ("360p", "starting", first.rungs()[0].target_bps)
    assert second._workshop.admission.used == first._workshop.admission.used
    second.end("over")
    async with asyncio.timeout(10):
        await second.run()
    assert second._workshop.admission.used == 0


async def test_the_next_process_shows_gaps_and_breaks_once_when_the_publisher_is_back(tmp_path: Path) -> None:
    first = make(tmp_path)
    feed(first, usual(7))
    second = again(tmp_path)
    for tick in range(20):
        second.tick(7.0 + tick / 3)
    third = again(tmp_path)
    assert interruptions(tmp_path) == [Interrupted]
    for tick in range(20, 30):
        third.tick(7.0 + tick / 3)
    third.rejoin(17.0)
    feed(third, [Discontinuity("back"), VIDEO_CONFIG, AUDIO_CONFIG])
    feed(third, interleaved(video_packets(5, start_s=17.0), audio_packets(5, start_s=17.0)))
    assert interruptions(tmp_path) == [Interrupted, Resumed]
    for name in ("video", "audio"):
        playlist = await listed(third, name)
        assert sum(bool(segment.gap_tag) for segment in playlist.segments) == 4
        assert sum(bool(segment.discontinuity) for segment in playlist.segments) == 1


async def test_a_suspended_pipeline_publishes_nothing_more(tmp_path: Path) -> None:
    first = make(tmp_path)
    feed(first, usual(7))
    before = (await first.live.get("video.m3u8", {})).body
    first.suspend()
    first.tick(20.0)
    feed(first, interleaved(video_packets(3, start_s=7), audio_packets(3, start_s=7)))
    assert (await first.live.get("video.m3u8", {})).body == before
    records = read_journal(tmp_path / "spool" / SESSION / "journal").records
    assert not isinstance(records[-1], Ended)
