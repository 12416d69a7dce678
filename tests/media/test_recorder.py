"""What a stream writes into its journal: the same as its playlists say, and before they say it."""

from pathlib import Path

import msgspec
import pytest

from media.codecs import rfc6381
from media.hls.window import LiveSegment
from media.journal.reader import JournalTail, read_journal
from media.live import LiveStream
from media.packets import CodecConfig, Cue, CueKind, Discontinuity, MediaEvent, TrackKind
from media.pictures.messages import Sheet, Still
from media.pictures.stream import StreamPictures
from media.transcode.rungs import Rung
from schemas import journal
from schemas.journal import Record
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
    spools,
    usual,
    video_packets,
)

RUNG = Rung("360p", 640, 360, 30.0, 800_000)


def records(directory: Path) -> list[Record]:
    return read_journal(directory / "spool" / SESSION / "journal").records


def told(directory: Path, rendition: str) -> list[LiveSegment]:
    """Return the segments that the journal tells of, as a window has them."""
    segments: list[LiveSegment] = []
    for record in records(directory):
        match record:
            case journal.SegmentBegun(rendition=name) | journal.GapMade(rendition=name) if name == rendition:
                begun = LiveSegment(record.msn, record.map_number, record.start_s, record.is_discontinuous)
                begun.clock_offset_s = record.clock_offset_s
                segments.append(begun)
                if isinstance(record, journal.GapMade):
                    begun.duration_s, begun.is_gap = record.duration_s, True
            case journal.PartAdded(rendition=name) if name == rendition:
                assert (record.msn, record.index) == (segments[-1].msn, len(segments[-1].parts))
                assert record.offset == segments[-1].size
                segments[-1].size += record.size
                segments[-1].parts.append(record)  # type: ignore[arg-type] # it has what is compared
            case journal.SegmentClosed(rendition=name) if name == rendition:
                assert (record.msn, record.size) == (segments[-1].msn, segments[-1].size)
                segments[-1].duration_s = record.duration_s
    return segments


def broken() -> list[MediaEvent]:
    """Return a stream that breaks twice, once with another configuration."""
    other = msgspec.structs.replace(VIDEO_CONFIG, record=VIDEO_CONFIG.record + b"\0", width=1920)
    return [
        *usual(7),
        Discontinuity("jump"),
        *interleaved(video_packets(5, start_s=20), audio_packets(3, start_s=20)),
        other,
        *video_packets(9, start_s=25),
    ]


async def test_the_journal_says_what_the_playlists_say(tmp_path: Path) -> None:
    stream = make_stream(tmp_path, rungs=[RUNG])
    await play(stream, broken())
    for name, window in stream.windows.items():
        segments = told(tmp_path, name)
        assert len(segments) == len(window.segments) > 5
        for ours, shown in zip(segments, window.segments, strict=True):
            for field in ("msn", "map_number", "start_s", "is_discontinuous", "clock_offset_s", "duration_s", "is_gap"):
                assert getattr(ours, field) == getattr(shown, field), (name, shown.msn, field)
            for part, listed in zip(ours.parts, shown.parts, strict=True):
                for field in ("duration_s", "is_independent", "offset", "size", "still_bytes"):
                    assert getattr(part, field) == getattr(listed, field)
    assert any(segment.is_gap for segment in told(tmp_path, "360p"))
    assert sum(segment.is_discontinuous for segment in told(tmp_path, "video")) == 2


async def test_what_is_served_lies_in_the_files(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    await play(stream, broken())
    directory = tmp_path / "spool" / SESSION
    files = {f"{window.name}-init-{number}.mp4" for window in stream.windows.values() for number in window.inits}
    assert files == {"video-init-1.mp4", "video-init-2.mp4", "audio-init-1.mp4"}
    files |= {f"{name}-{each.msn}.m4s" for name in ("video", "audio") for each in told(tmp_path, name) if each.parts}
    stream.end()
    for file in files:
        assert (await stream.get(file, {})).body == (directory / file).read_bytes()


async def test_it_is_written_before_it_can_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = make_stream(tmp_path)
    tail = JournalTail(tmp_path / "spool" / SESSION / "journal")
    written: set[tuple[str, int, int]] = set()
    changed = stream.serving.changed

    def watched() -> None:
        written.update(
            (record.rendition, record.msn, record.index)
            for record in tail.read()
            if isinstance(record, journal.PartAdded)
        )
        shown = {
            (window.name, segment.msn, index)
            for window in stream.windows.values()
            for segment in window.segments
            for index in range(len(segment.parts))
        }
        assert shown == written
        changed()

    monkeypatch.setattr(stream.serving, "changed", watched)
    feed(stream, usual(10))
    assert len(written) > 50


async def test_the_plan_comes_first_and_says_what_was_promised(tmp_path: Path) -> None:
    stream = make_stream(tmp_path, rungs=[RUNG])
    feed(stream, usual(5))
    begun, planned, *others = records(tmp_path)
    assert isinstance(begun, journal.Begun)
    assert isinstance(planned, journal.Planned)
    assert not any(isinstance(record, journal.Begun | journal.Planned) for record in others)
    video, audio, made = planned.renditions
    assert (planned.target_duration_s, planned.segment_s) == (2, 2.0)
    assert planned.part_hold_back_s == stream.windows["video"].server_control.part_hold_back_s
    assert (video.name, video.kind, video.is_rung) == ("video", "video", False)
    assert (audio.name, audio.kind) == ("audio", "audio")
    assert (made.name, made.width, made.height, made.frame_rate, made.bitrate_bps) == ("360p", 640, 360, 30, 800_000)
    assert made.is_rung
    for each in planned.renditions:
        assert each.part_target_s == stream.windows[each.name].part_target_s


async def test_initialization_sections_say_how_to_make_them_again(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(5))
    inits = {record.rendition: record for record in records(tmp_path) if isinstance(record, journal.InitMade)}
    for name, config in (("video", VIDEO_CONFIG), ("audio", AUDIO_CONFIG)):
        init = inits[name]
        again = CodecConfig(
            TrackKind(init.kind), init.fourcc, init.record, init.width, init.height, init.sample_rate, init.channels
        )
        assert again == config
        assert init.codec == rfc6381(config)
        assert init.size == len(stream.windows[name].inits[1].data)


def cue(cue_id: str, start_s: float, kind: CueKind = CueKind.DATA, **fields: str) -> Cue:
    return Cue(cue_id, kind, start_s, 1.0, "org.example", fields)


async def test_cues_are_written_once_with_their_numbers(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    stream.add_cue(cue("early", 0.5, score="1"))
    feed(stream, usual(6))
    stream.add_cue(cue("late", 5.5))
    stream.add_cue(cue("late", 5.5))
    cues = [record for record in records(tmp_path) if isinstance(record, journal.CueAdded)]
    assert [(each.cue_id, each.number, each.fields) for each in cues] == [("early", 1, {"score": "1"}), ("late", 2, {})]
    assert cues[1].clock_offset_s == pytest.approx(WALL_CLOCK, abs=0.1)


async def test_captions_are_written_when_they_are_settled(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(9)
    feed(stream, events[: len(events) // 2])
    stream.add_cue(cue("said", 6.5, CueKind.CAPTION, text="hello", language="en"))
    feed(stream, events[len(events) // 2 :])
    [captions] = [record for record in records(tmp_path) if isinstance(record, journal.CaptionsWritten)]
    data = (tmp_path / "spool" / SESSION / "captions-3.vtt").read_bytes()
    assert captions == journal.CaptionsWritten(3, len(data), "en")
    assert data == (await stream.get("captions-3.vtt", {})).body
    assert b"hello" in data


class Nobody:
    def offer(self, *_: object) -> None: ...

    def forget(self, *_: object) -> None: ...


async def test_pictures_are_written_once_they_are_on_disk(tmp_path: Path) -> None:
    first = make_stream(tmp_path)
    spool, target = first.spool, first._recorder._journal
    pictures = StreamPictures(SESSION, spool, Nobody())
    stream = LiveStream(SESSION, part_s=0.333, segment_s=2, spool=spool, journal=target, pictures=pictures)
    pictures.add(Still(b"thumbnail", Sheet(b"sheet", 1, 160, 90)), 10.0)
    assert len(records(tmp_path)) == 1
    await play(stream, usual(0.5))
    assert [record for record in records(tmp_path) if isinstance(record, journal.PictureStored)] == [
        journal.PictureStored("thumbnail", "thumbnail-1.jpg", 9, 10.0),
        journal.PictureStored("sheet", "storyboard-0-1.jpg", 5, 10.0, 0, 1, 160, 90),
    ]


async def test_absence_and_end_are_written_and_nothing_follows(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    stream.note_interruption(0.0)  # nothing has been published
    feed(stream, usual(5))
    stream.note_interruption(5.0)
    stream.note_return(17.25)
    stream.end("unpublished")
    stream.note_return(18.0)
    stream.end("again")
    spools[-1].close()
    written = records(tmp_path)
    first = written.index(journal.Interrupted(5.0))
    resumed, *closing, ended = written[first + 1 :]
    assert resumed == journal.Resumed(17.25)
    assert journal.Interrupted(0.0) not in written
    assert {type(record) for record in closing} == {journal.PartAdded, journal.SegmentClosed}
    assert isinstance(ended, journal.Ended)
    assert ended.reason == "unpublished"
