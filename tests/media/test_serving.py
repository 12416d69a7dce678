"""What a stream answers beside its renditions: keyframes, captions, timed metadata, rungs."""

import asyncio
import io
import struct
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

import av
import m3u8
import msgspec
import pytest

from media.hls.segmenter import Gap, Init, Part, SegmentEnd
from media.hls.window import Window
from media.live import LiveStream
from media.packets import Cue, CueKind, Discontinuity, MediaEvent, Packet, TrackKind
from media.serving import Serving
from media.spool import Spool
from media.transcode.rungs import Rung
from schemas.ids import SessionId
from tests.media.listing import Listing, read
from tests.media.material import (
    AUDIO_CONFIG,
    VIDEO_CONFIG,
    WALL_CLOCK,
    aac,
    audio_packets,
    feed,
    h264,
    interleaved,
    make_stream,
    seconds,
    spools,
    usual,
    video_packets,
)

FOREVER = "public, max-age=31536000, immutable"


async def listing(stream: LiveStream | Serving, name: str, **directives: str) -> Listing:
    answer = await stream.get(f"{name}.m3u8", directives)
    assert answer.status is HTTPStatus.OK
    return read(answer.body)


async def status(stream: LiveStream | Serving, file: str, **directives: str) -> HTTPStatus:
    async with asyncio.timeout(0.5):
        return (await stream.get(file, directives)).status


def until(events: Sequence[MediaEvent], first_s: float, last_s: float) -> list[MediaEvent]:
    """Return what belongs to this stretch of media time, configurations with the first."""
    return [
        event for event in events if (first_s <= seconds(event) < last_s if isinstance(event, Packet) else first_s == 0)
    ]


def data(name: str, start_s: float, duration_s: float | None = None, **fields: str) -> Cue:
    return Cue(name, CueKind.DATA, start_s, duration_s, "com.example.score", fields)


def caption(text: str, start_s: float, duration_s: float | None = 1.0) -> Cue:
    return Cue(text, CueKind.CAPTION, start_s, duration_s, "", {"text": text, "language": "en"})


# --- I-frame playlists --------------------------------------------------------------------------------------


async def test_each_range_of_an_i_frame_playlist_is_one_picture(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    picture, sound = h264(), aac()
    feed(stream, [picture.config, sound.config, *interleaved(picture.fresh(), sound.fresh())])
    stills, whole = await listing(stream, "video-iframes"), await listing(stream, "video")
    assert "I-FRAMES-ONLY" in stills.header
    assert "PART-INF" not in stills.header
    assert stills.server_control == whole.server_control
    assert (stills.hints, stills.reports, stills.parts) == ([], [], [])
    # The same numbers, times and durations as in the playlist of the rendition.
    assert [(entry.msn, entry.uri, entry.time, entry.duration_s) for entry in stills.segments] == [
        (entry.msn, entry.uri, entry.time, entry.duration_s) for entry in whole.segments
    ]
    init = (await stream.get(stills.segments[0].map_uri or "", {})).body
    times = []
    for entry in stills.segments:
        assert entry.byte_range is not None
        length, offset = entry.byte_range
        segment = (await stream.get(entry.uri or "", {})).body
        assert length < len(segment) / 2
        with av.open(io.BytesIO(init + segment[offset : offset + length]), "r", format="mp4") as container:
            frames = list(container.decode(video=0))
        assert [frame.key_frame for frame in frames] == [True]
        assert frames[0].pts is not None
        times.append(frames[0].pts / 90_000 - 10)
    assert times == pytest.approx([0, 2, 4], abs=0.1)
    stream.close()


async def test_a_segment_that_begins_without_a_keyframe_has_no_picture_to_show(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    frames = video_packets(20, gop=150)
    frames[60].is_keyframe = True  # the first GOP has 2 s, later ones 5 s
    feed(stream, [VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(frames, audio_packets(20))])
    stills = await listing(stream, "video-iframes")
    keyframes = {round(frame.dts / 3000) for frame in frames if frame.is_keyframe}
    begins = [round(((entry.time or 0.0) - WALL_CLOCK) * 30) for entry in stills.segments]
    assert [entry.is_gap for entry in stills.segments] == [begin not in keyframes for begin in begins]
    assert {entry.is_gap for entry in stills.segments} == {False, True}
    assert all((entry.byte_range is None) == entry.is_gap for entry in stills.segments)
    stream.close()


async def test_an_i_frame_playlist_waits_for_a_segment(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(8)
    feed(stream, until(events, 0, 5))
    waiting = asyncio.create_task(stream.get("video-iframes.m3u8", {"_HLS_msn": "2", "_HLS_part": "1"}))
    await asyncio.sleep(0)
    assert stream.waiters == 1
    feed(stream, until(events, 5, 5.9))
    await asyncio.sleep(0)
    assert not waiting.done()
    feed(stream, until(events, 5.9, 6.1))
    answer = await waiting
    assert read(answer.body).segments[-1].msn == 2
    assert await status(stream, "video-iframes.m3u8", _HLS_msn="5") is HTTPStatus.BAD_REQUEST
    stream.close()


@pytest.mark.parametrize(
    "file",
    [
        "audio-iframes.m3u8",
        "captions-iframes.m3u8",
        "captions.m3u8",  # nothing has been said yet
        "captions-0.vtt",
        "video-0.vtt",
        "720p-iframes.m3u8",
        "captions-0.m4s",
        "captions-init-1.mp4",
    ],
)
async def test_what_goes_with_no_rendition_is_not_found(tmp_path: Path, file: str) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(5))
    assert await status(stream, file) is HTTPStatus.NOT_FOUND
    stream.close()


# --- captions -----------------------------------------------------------------------------------------------


async def test_captions_are_a_rendition_from_the_first_one_on(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(12)
    feed(stream, until(events, 0, 5))
    assert b"SUBTITLES" not in stream.multivariant().body
    stream.add_cue(caption("hello", 5.5))
    (media,) = [media for media in m3u8.loads(stream.multivariant().body.decode()).media if media.type == "SUBTITLES"]
    assert (media.uri, media.language) == ("session/captions.m3u8", "en")
    feed(stream, until(events, 5, 9))
    captions, video = await listing(stream, "captions"), await listing(stream, "video")
    assert [(entry.msn, entry.time, entry.duration_s) for entry in captions.segments] == [
        (entry.msn, entry.time, entry.duration_s) for entry in video.segments
    ]
    assert [entry.uri for entry in captions.segments] == [f"captions-{msn}.vtt" for msn in range(4)]
    assert captions.server_control == video.server_control
    assert captions.parts == []
    assert captions.hints == []
    assert not any(entry.map_uri for entry in captions.segments)
    texts = [(await stream.get(entry.uri or "", {})) for entry in captions.segments]
    assert [b"hello" in text.body for text in texts] == [False, False, True, True]
    assert {text.headers["Content-Type"] for text in texts} == {"text/vtt; charset=utf-8"}
    assert {text.headers["Cache-Control"] for text in texts} == {FOREVER}
    assert await status(stream, "captions-4.vtt") is HTTPStatus.NOT_FOUND  # its media is in progress
    assert await status(stream, "captions-99.vtt") is HTTPStatus.NOT_FOUND
    stream.close()


async def test_playlists_report_captions_and_captions_the_others(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(7)
    feed(stream, until(events, 0, 5))
    stream.add_cue(caption("hello", 5.5))
    feed(stream, until(events, 5, 7))
    playlists = {name: await listing(stream, name) for name in ("video", "audio", "captions")}
    assert [report["URI"] for report in playlists["video"].reports] == ["audio.m3u8", "captions.m3u8"]
    assert playlists["audio"].reports[1] == {"URI": "captions.m3u8", "LAST-MSN": "2"}
    assert [report["URI"] for report in playlists["captions"].reports] == ["video.m3u8", "audio.m3u8"]
    last = playlists["video"].entries[-1]
    assert playlists["captions"].reports[0]["LAST-MSN"] == str(last.msn)
    assert playlists["captions"].reports[0]["LAST-PART"] == str(len(last.parts) - 1)
    stream.close()


async def test_captions_wait_for_a_segment_and_end_with_the_stream(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(12)
    stream.add_cue(caption("early", 0.5))  # before there is a plan
    feed(stream, until(events, 0, 5))
    waiting = asyncio.create_task(stream.get("captions.m3u8", {"_HLS_msn": "2"}))
    await asyncio.sleep(0)
    feed(stream, until(events, 5, 6.1))
    assert read((await waiting).body).segments[-1].uri == "captions-2.vtt"
    assert b"early" in (await stream.get("captions-0.vtt", {})).body
    stream.add_cue(caption("the end", 6.05))
    stream.end()
    ended = await listing(stream, "captions")
    assert ended.is_ended
    assert b"the end" in (await stream.get(ended.segments[-1].uri or "", {})).body
    stream.close()


async def test_captions_break_where_the_media_does(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(5))
    stream.add_cue(caption("hello", 4.5))
    feed(stream, [Discontinuity("jump"), *interleaved(video_packets(4, start_s=6), audio_packets(4, start_s=6))])
    captions, video = await listing(stream, "captions"), await listing(stream, "video")
    assert [entry.is_discontinuous for entry in captions.segments] == [
        entry.is_discontinuous for entry in video.segments
    ]
    assert any(entry.is_discontinuous for entry in captions.segments)
    stream.close()


# --- timed metadata -----------------------------------------------------------------------------------------


async def test_metadata_is_in_every_playlist_at_its_date(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(9)
    stream.add_cue(data("early", 1.5))
    feed(stream, until(events, 0, 5))
    assert [entry["ID"] for entry in (await listing(stream, "video")).dates] == ["early"]
    stream.add_cue(caption("hello", 5.5))
    stream.add_cue(data("goal-1", 5.25, 2, SCORE="2:1"))  # seen at once, not with the next part
    stream.add_cue(data("goal-1", 6, 2, SCORE="3:1"))  # an id stands once
    for name in ("video", "audio", "video-iframes", "captions"):
        early, goal = (await listing(stream, name)).dates
        assert early["ID"] == "early"
        assert goal == {
            "ID": "goal-1",
            "CLASS": "com.example.score",
            "START-DATE": "2023-11-14T22:13:25.250Z",  # 5.25 s after media time 0
            "DURATION": "2.000",
            "X-SCORE": "2:1",
        }
    video = await listing(stream, "video")
    assert video.segments[0].time == pytest.approx(WALL_CLOCK, abs=0.001)
    stream.close()


async def test_metadata_leaves_with_its_media_and_deltas_say_so(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(80)
    feed(stream, until(events, 0, 5))
    stream.add_cue(data("old", 4.5))
    feed(stream, until(events, 5, 50))
    stream.add_cue(data("new", 50))
    feed(stream, until(events, 50, 56))
    whole, some, fewest = [
        await listing(stream, "video", **query) for query in ({}, {"_HLS_skip": "YES"}, {"_HLS_skip": "v2"})
    ]
    assert whole.server_control["CAN-SKIP-DATERANGES"] == "YES"
    assert [entry["ID"] for entry in whole.dates] == ["old", "new"]
    assert ([entry["ID"] for entry in some.dates], some.removed, some.header["VERSION"]) == (["old", "new"], None, "9")
    assert ([entry["ID"] for entry in fewest.dates], fewest.removed) == (["new"], [""])
    assert fewest.header["VERSION"] == "10"
    assert fewest.skipped == some.skipped > 0
    feed(stream, until(events, 56, 70))  # the playlist begins at 8 s
    gone = await listing(stream, "video", _HLS_skip="v2")
    assert (gone.dates, gone.removed) == ([], ["old"])
    feed(stream, until(events, 70, 80))
    assert (await listing(stream, "video", _HLS_skip="v2")).removed == [""]
    stream.close()


def boxes(fragment: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at < len(fragment):
        size = struct.unpack(">I", fragment[at : at + 4])[0]
        found.append((fragment[at + 4 : at + 8], fragment[at + 8 : at + size]))
        at += size
    return found


async def test_metadata_is_in_the_next_part_of_the_pictures(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(9)
    feed(stream, until(events, 0, 5))
    before = (await listing(stream, "video")).parts[-1].uri
    stream.add_cue(data("goal-1", 5.25, 2, SCORE="2:1"))
    feed(stream, until(events, 5, 6.1))
    parts = [part.uri for part in (await listing(stream, "video")).parts]
    after = parts[parts.index(before) + 1]
    names = {uri: [name for name, _ in boxes((await stream.get(uri, {})).body)] for uri in parts}
    assert names.pop(after) == [b"emsg", b"moof", b"mdat"]
    assert all(found == [b"moof", b"mdat"] for found in names.values())
    body = boxes((await stream.get(after, {})).body)[0][1]
    assert struct.unpack(">Q", body[8:16])[0] == round(15.25 * 90_000)
    assert b"SCORE\x002:1\x00" in body
    sound = [part.uri for part in (await listing(stream, "audio")).parts]
    assert not any([b"emsg" in (await stream.get(uri, {})).body for uri in sound])
    stream.close()


async def test_metadata_is_in_the_sound_where_there_are_no_pictures(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events: list[MediaEvent] = [AUDIO_CONFIG, *audio_packets(8)]
    feed(stream, until(events, 0, 5))
    stream.add_cue(data("x", 5))
    feed(stream, until(events, 5, 8))
    sound = [part.uri for part in (await listing(stream, "audio")).parts]
    assert sum([b"emsg" in (await stream.get(uri, {})).body for uri in sound]) == 1
    stream.close()


async def test_a_keyframe_behind_an_event_is_still_one_picture(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    picture, sound = h264(), aac()
    events: list[MediaEvent] = [picture.config, sound.config, *interleaved(picture.fresh(), sound.fresh())]
    feed(stream, until(events, 0, 4))
    stream.add_cue(data("x", 4.0))
    feed(stream, until(events, 4, 8))
    stream.end()
    stills = await listing(stream, "video-iframes")
    init = (await stream.get(stills.segments[0].map_uri or "", {})).body
    found = []
    for entry in stills.segments:
        length, offset = entry.byte_range or (0, 0)
        still = (await stream.get(entry.uri or "", {})).body[offset : offset + length]
        found.append(b"emsg" in still)
        with av.open(io.BytesIO(init + still), "r", format="mp4") as container:
            assert len(list(container.decode(video=0))) == 1
    assert sum(found) <= 1
    stream.close()


async def test_nothing_is_taken_after_the_end(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(5))
    stream.end()
    stream.add_cue(data("late", 5))
    assert (await listing(stream, "video")).dates == []
    stream.close()


SAID = bytes.fromhex("06 04 0e b5 0031 47413934 03 c1 ff fc 9420 ff 80")
"""An SEI message with a pair of CEA-608 characters."""


def captioned(packets: Sequence[Packet]) -> list[Packet]:
    sei = len(SAID).to_bytes(4, "big") + SAID
    return [msgspec.structs.replace(packet, data=sei + b"\0\0\0\x05\x65abcd") for packet in packets]


async def test_captions_inside_of_pictures_are_declared(tmp_path: Path) -> None:
    stream, plain = make_stream(tmp_path), make_stream(tmp_path / "plain")
    feed(stream, [VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(captioned(video_packets(5)), audio_packets(5))])
    assert b'INSTREAM-ID="CC1"' in stream.multivariant().body
    feed(plain, usual(5))
    assert b"CLOSED-CAPTIONS=NONE" in plain.multivariant().body
    stream.close()
    plain.close()


async def test_rungs_have_the_captions_that_their_encoder_passed_on(tmp_path: Path) -> None:
    rungs = [Rung("720p", 1280, 720, 30, 2_800_000), Rung("360p", 640, 360, 30, 800_000)]
    spools.append(Spool(tmp_path / "spool"))
    stream = LiveStream(
        SessionId("session"), part_s=0.333, segment_s=2.0, spool=spools[-1], choose_rungs=lambda _source: rungs
    )
    frames = captioned(video_packets(9))
    feed(stream, [VIDEO_CONFIG, AUDIO_CONFIG])
    for packet in interleaved(frames, audio_packets(9)):
        feed(stream, [packet])
        if packet.kind is TrackKind.VIDEO and packet.dts >= 90_000:
            for name in ("720p", "360p"):
                if packet.dts == 90_000:
                    stream.feed_rung(name, VIDEO_CONFIG)
                stream.feed_rung(name, packet if name == "720p" else msgspec.structs.replace(packet, data=b"\0" * 50))
    found = {
        playlist.uri: playlist.stream_info for playlist in m3u8.loads(stream.multivariant().body.decode()).playlists
    }
    declared = {uri.removeprefix("session/"): info.closed_captions for uri, info in found.items()}
    assert declared == {"video.m3u8": '"cc"', "720p.m3u8": '"cc"', "360p.m3u8": None, "audio.m3u8": None}
    stream.close()


# --- rungs --------------------------------------------------------------------------------------------------


def make_serving(directory: Path, names: Sequence[str]) -> Serving:
    spools.append(Spool(directory / "spool"))
    serving = Serving(SessionId("session"), spools[-1])
    serving.target_duration_s = 2
    for name in names:
        window = serving.windows[name] = Window(
            name, target_duration_s=2, part_target_s=0.5, part_hold_back_s=1.5, clock_offset_s=1000
        )
        window.apply(Init(name, 1, AUDIO_CONFIG if name == "audio" else VIDEO_CONFIG, b"init"))
    serving.is_open = True
    return serving


def play(serving: Serving, name: str, first: int, last: int, *, parts: int = 0) -> None:
    """Add whole segments, then parts of the next one."""
    window = serving.windows[name]
    for msn in range(first, last + 1):
        for index in range(4):
            window.apply(Part(name, msn, index, msn * 2 + index / 2, 0.5, not index, b"%d" % msn * 99, 50))
        window.apply(SegmentEnd(name, msn, 2.0))
    for index in range(parts):
        window.apply(Part(name, last + 1, index, (last + 1) * 2 + index / 2, 0.5, not index, b"x", 1))
    serving.changed()


async def test_every_playlist_reports_all_other_renditions(tmp_path: Path) -> None:
    names = ["video", "audio", "1080p", "720p60", "480p", "360p"]
    serving = make_serving(tmp_path, names)
    for number, name in enumerate(names):
        play(serving, name, 0, 3, parts=number % 4)
    for name in names:
        reports = (await listing(serving, name)).reports
        assert [report["URI"] for report in reports] == [f"{other}.m3u8" for other in names if other != name]
        for report in reports:
            last = (await listing(serving, report["URI"].removesuffix(".m3u8"))).entries[-1]
            assert (report["LAST-MSN"], report["LAST-PART"]) == (str(last.msn), str(len(last.parts) - 1))


async def test_a_rung_that_is_away_has_gaps_and_no_keyframes(tmp_path: Path) -> None:
    serving = make_serving(tmp_path, ["video", "720p"])
    play(serving, "video", 0, 5)
    play(serving, "720p", 0, 1)
    for msn in (2, 3):
        serving.windows["720p"].apply(Gap("720p", msn, msn * 2.0, 2.0))
    play(serving, "720p", 4, 5)
    rung, stills = await listing(serving, "720p"), await listing(serving, "720p-iframes")
    assert [entry.is_gap for entry in rung.segments] == [False, False, True, True, False, False]
    assert [entry.is_gap for entry in stills.segments] == [entry.is_gap for entry in rung.segments]
    assert [entry.msn for entry in rung.segments] == [entry.msn for entry in stills.segments]
    assert await status(serving, "720p-2.m4s") is HTTPStatus.NOT_FOUND
    assert await status(serving, "720p-4.m4s") is HTTPStatus.OK


async def test_a_stream_that_was_closed_answers_nothing(tmp_path: Path) -> None:
    serving = make_serving(tmp_path, ["video"])
    play(serving, "video", 0, 3)
    serving.annotate(caption("x", 9))
    serving.close()
    for file in ("video.m3u8", "video-iframes.m3u8", "captions.m3u8", "captions-0.vtt", "video-0.m4s"):
        assert await status(serving, file) is HTTPStatus.NOT_FOUND
