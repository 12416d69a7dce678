"""The child as a process, with real media through its pipes."""

import json
import os
import time
from itertools import pairwise
from typing import Any

import av
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.packets import CodecConfig, Packet, TrackKind
from media.transcode.messages import AUDIO, AudioJob, Break, Coded, Configure, Media, Progress, Ready
from media.transcode.rungs import Rung
from media.wire import pack
from tests.media.material import Material
from tests.media.transcode import captions
from tests.media.transcode.child import Child, begin, messages_of
from tests.media.transcode.clips import CLICK_S, decoded_sound, onset_s, pictures, sound, video

pytestmark = pytest.mark.services

RUNGS = [Rung("180p", 320, 180, 30.0, 400_000), Rung("90p", 160, 90, 15.0, 120_000)]
JOB = AudioJob(48_000, 2, 96_000)
SOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "h264": ("libx264", {}),
    "h264 with B-frames and open GOPs": (
        "libx264",
        {"options": {"preset": "veryfast", "x264-params": "bframes=3:open-gop=1"}},
    ),
    "h264 in 10 bits": ("libx264", {"pixels": "yuv420p10le", "options": {"profile": "high10"}}),
    "hevc": ("libx265", {}),
    "av1": ("libsvtav1", {}),
    "vp9": ("libvpx-vp9", {}),
    "60 pictures per second": ("libx264", {"rate": 60, "frames": 120, "gop": 60}),
}


def decoded(config: CodecConfig, packets: list[Packet]) -> list[int]:
    """Decode a rung and return the stamps of its pictures."""
    decoder = av.CodecContext.create("h264" if config.fourcc == "avc1" else "libdav1d", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata, decoder.thread_count = config.record, 1
    frames = []
    for packet in packets:
        coded = av.Packet(packet.data)
        coded.pts = packet.pts
        frames += decoder.decode(coded)
    frames += decoder.decode(None)
    assert {(frame.width, frame.height, frame.format.name) for frame in frames} == {
        (config.width, config.height, "yuv420p")
    }
    return [frame.pts for frame in frames if frame.pts is not None]


def run(material: Material, rungs: list[Rung] = RUNGS, **options: Any) -> Child:
    child = Child()
    child.send(begin(rungs, **options))
    child.feed(messages_of(material))
    assert child.finish() == 0, child.log.decode()
    return child


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_becomes_rungs_with_the_same_keyframes(name: str) -> None:
    encoder, options = SOURCES[name]
    material = video(encoder, size="640x360", **options)
    child = run(material)
    source = sorted(packet.pts for packet in material.packets)
    keys = [packet.pts for packet in material.packets if packet.is_keyframe]
    full, half = child.packets("180p"), child.packets("90p")
    assert [packet.pts for packet in full if packet.is_keyframe] == keys
    assert [packet.pts for packet in half if packet.is_keyframe] == keys
    assert decoded(child.config("180p"), full) == (source if len(source) == 60 else source[::2])
    assert set(decoded(child.config("90p"), half)) <= set(source)
    assert abs(len(half) - 30) <= 1
    assert child.progress().corrupt_packets == 0
    assert child.troubles() == []


def test_av1_rungs_are_made_when_they_are_asked_for() -> None:
    child = run(video(size="640x360"), encoder="libsvtav1")
    assert [message for _, message in child.messages if isinstance(message, Ready)] == [Ready("libsvtav1")]
    assert child.config("180p").fourcc == "av01"
    assert len(decoded(child.config("180p"), child.packets("180p"))) == 60
    assert [packet.pts for packet in child.packets("90p") if packet.is_keyframe] == [0, 90_000]


@pytest.mark.parametrize("encoder", ["h264_videotoolbox", "no such encoder"])
def test_an_encoder_that_is_not_able_is_replaced_and_that_is_said(encoder: str) -> None:
    child = run(video(frames=10), encoder=encoder)
    assert [message for _, message in child.messages if isinstance(message, Ready)] == [Ready("libx264")]
    assert "libx264 is used instead" in child.troubles()[0].reason
    assert len(child.packets("180p")) == 10


def test_a_boundary_begins_with_a_keyframe_in_every_rung() -> None:
    material = video(size="640x360")
    boundary = material.packets[41].pts
    child = Child()
    child.send(begin(RUNGS))
    child.feed(messages_of(material, boundaries=[boundary]))
    assert child.finish() == 0
    for rung in RUNGS:
        keys = [packet.pts for packet in child.packets(rung.name) if packet.is_keyframe]
        assert keys == [0, 90_000, boundary]


def test_irregular_pictures_keep_their_stamps() -> None:
    stamps = [0, 2_000, 9_000, 12_500, 20_000, 23_000, 25_000, 30_000, 37_000, 38_700]
    child = run(video(frames=10, gop=5, stamps=stamps), [Rung("180p", 320, 180, 60.0, 400_000)])
    assert decoded(child.config("180p"), child.packets("180p")) == stamps


def test_another_size_in_the_middle_leaves_the_rungs_as_they_are() -> None:
    first, second = video(size="640x360"), video(size="360x640", frames=30)
    child = Child()
    child.send(begin(RUNGS))
    child.feed(messages_of(first))
    child.feed(messages_of(second, start=180_000))
    assert child.finish() == 0
    assert len(decoded(child.config("180p"), child.packets("180p"))) == 90
    assert [packet.pts for packet in child.packets("180p") if packet.is_keyframe] == [0, 90_000, 180_000]


def test_a_break_brings_out_everything_before_it_and_a_keyframe_after_it() -> None:
    material = video(options={"preset": "veryfast", "x264-params": "bframes=2"}, frames=20, gop=100)
    child = Child()
    child.send(begin(RUNGS))
    child.feed(messages_of(material))
    child.feed([Break(), *messages_of(material, start=900_000)])
    assert child.finish() == 0
    packets = child.packets("180p")
    assert len(packets) == 40
    assert [packet.pts >= 900_000 for packet in packets] == [False] * 20 + [True] * 20
    assert packets[20].is_keyframe


def test_captions_reach_the_rungs() -> None:
    material = video(size="640x360", options={"preset": "veryfast", "x264-params": "bframes=2"})
    child = run(Material(material.config, captions.captioned(material.packets)))
    assert captions.found(child.packets("180p")) == [captions.pair(number) for number in range(60)]
    assert all(captions.found(child.packets("90p")))


def test_damage_is_counted_and_the_rest_is_shown() -> None:
    material = video(size="640x360")
    damaged = [
        msgspec.structs.replace(packet, data=packet.data[: len(packet.data) // 2] if number == 10 else packet.data)
        for number, packet in enumerate(material.packets)
    ]
    damaged[12].data = b"\xff" * 50
    child = Child()
    child.send(begin(RUNGS))
    child.feed(messages_of(Material(material.config, damaged)))
    assert child.finish() == 0
    assert child.progress().corrupt_packets > 0
    shown = decoded(child.config("180p"), child.packets("180p"))
    assert shown[-30:] == [packet.pts for packet in material.packets[30:]]
    assert child.progress().taken == 60


def test_sound_goes_beside_the_pictures_and_in_step_with_them() -> None:
    """A white flash and a click at the same time: what comes out shows and plays them at the same time."""
    dark = pictures("320x180", 60, picture="color=black:size=320x180:rate=30")
    [white] = pictures("320x180", 1, picture="color=white:size=320x180:rate=30")
    frames = [white if number == 30 else frame for number, frame in enumerate(dark)]
    material, click = video(source=iter(frames), gop=30), sound("libopus")
    events = [*messages_of(material), *messages_of(click)]
    events.sort(key=_when)
    child = Child()
    child.send(begin([RUNGS[0]], audio=JOB))
    child.feed(events)
    assert child.finish() == 0
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = child.config("180p").record
    flash = []
    for packet in child.packets("180p"):
        coded = av.Packet(packet.data)
        coded.pts = packet.pts
        flash += [frame.pts or 0 for frame in decoder.decode(coded) if bytes(frame.planes[0])[5_000] > 128]
    flash_s = flash[0] / 90_000
    heard_s = onset_s(decoded_sound(child.config(AUDIO), child.packets(AUDIO)), 48_000)
    assert flash_s == pytest.approx(CLICK_S)
    assert abs(heard_s - flash_s) < 0.005


def _when(event: Any) -> float:
    if isinstance(event, Media):
        return event.packet.dts / (90_000 if event.packet.kind is TrackKind.VIDEO else 48_000)
    return -1.0


def test_sound_alone_needs_no_pictures() -> None:
    child = Child()
    child.send(begin([], audio=JOB))
    child.send(*messages_of(sound("libmp3lame", rate=44_100, channels=1)))
    assert child.finish() == 0
    assert abs(onset_s(decoded_sound(child.config(AUDIO), child.packets(AUDIO)), 48_000) - CLICK_S) < 0.005


def test_progress_comes_while_media_does_and_stops_with_it() -> None:
    material = video(frames=90)
    child = Child()
    child.send(begin(RUNGS))
    child.feed(messages_of(material), real_time=True)
    time.sleep(1.5)
    times = [at for at, message in child.messages if isinstance(message, Progress)]
    assert len(times) >= 4
    assert max(after - before for before, after in pairwise(times)) < 1.0
    silent = len(times)
    time.sleep(1.2)
    assert len([m for _, m in child.messages if isinstance(m, Progress)]) == silent
    assert child.finish() == 0
    last = child.progress()
    assert last.taken == 90
    assert last.newest == material.packets[-1].pts
    assert [rung.coded_frames for rung in last.rungs] == [90, len(child.packets("90p"))]
    assert last.cpu_s > 0
    assert 20 << 20 < last.memory_bytes < 400 << 20


def test_the_log_is_json_and_nothing_else_gets_into_the_messages() -> None:
    child = Child(log_level="debug")
    child.send(begin(RUNGS, encoder="nonsense"))
    child.feed(messages_of(video("libsvtav1", frames=10)))
    assert child.finish() == 0
    lines = child.log.decode().splitlines()
    assert lines
    assert all(json.loads(line)["process"] == "transcode" for line in lines)


@pytest.mark.parametrize(
    "data",
    [
        pack(Break()),
        b"\xff\xff\xff\xff",
        b"\0\0\0\x04junk",
        pack(begin(RUNGS)) + pack(begin(RUNGS)),
        pack(begin(RUNGS)) + b"\0\0\0\x02{}",
    ],
    ids=["no begin", "too long", "no msgpack", "two begins", "junk in the middle"],
)
def test_what_ingest_never_says_ends_it_with_a_reason(data: bytes) -> None:
    child = Child()
    child.send_bytes(data)
    assert child.wait() == 1
    [trouble] = [trouble for trouble in child.troubles() if trouble.is_final]
    assert trouble.severity == "error"
    assert "BadMessage" in trouble.reason


def test_it_ends_when_ingest_is_gone() -> None:
    child = Child()
    child.send(begin(RUNGS))
    child.feed(messages_of(video(frames=5)))
    assert child.finish(with_goodbye=False) == 1


def test_it_ends_when_nobody_reads_it_any_more() -> None:
    child = Child(is_heard=False)
    child.send(begin(RUNGS))
    child.feed(messages_of(video(frames=60)), real_time=True)
    assert child.wait() == 1


def test_a_child_over_its_memory_limit_says_so() -> None:
    child = Child("--memory-mb", "100")
    child.send(begin([Rung("2160p", 3840, 2160, 30.0, 9_000_000)]))
    assert child.finish() == 1
    [trouble] = [trouble for trouble in child.troubles() if trouble.is_final]
    assert "libx264" in trouble.reason


def test_its_niceness_is_added() -> None:
    child = Child("--nice", "5")
    child.send(begin(RUNGS))
    child.feed(messages_of(video(frames=30)))  # waits for what comes out
    assert os.getpriority(os.PRIO_PROCESS, child.pid) - os.getpriority(os.PRIO_PROCESS, 0) == 5
    assert child.finish() == 0


CLIP = video(size="64x64", frames=8, gop=4)
SMALL = Rung("tiny", 64, 64, 30.0, 100_000)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200).map(lambda data: Media(Packet(TrackKind.VIDEO, 0, 0, True, data))),
            st.binary(max_size=200).map(lambda data: Media(Packet(TrackKind.AUDIO, 0, 0, True, data))),
            st.binary(max_size=60).map(lambda data: Configure(CodecConfig(TrackKind.VIDEO, "avc1", data))),
            st.binary(max_size=60).map(
                lambda data: Configure(CodecConfig(TrackKind.AUDIO, "mp4a", data, sample_rate=48_000, channels=2))
            ),
            st.builds(Break),
        ),
        max_size=12,
    ),
    st.binary(max_size=50),
)
def test_any_bytes_end_well_or_with_a_reason(messages: list[Any], junk: bytes) -> None:
    child = Child()
    child.send(begin([SMALL], audio=JOB), *messages_of(CLIP))
    child.send(*messages)
    child.send_bytes(junk)
    code = child.finish()
    assert code == 0 or (code == 1 and (any(t.is_final for t in child.troubles()) or b"ingest is gone" in child.log))


def test_memory_is_steady() -> None:
    material = video(size="640x360")
    child = Child()
    child.send(begin(RUNGS, audio=JOB))
    early = 0
    for round_number in range(12):
        child.feed(messages_of(material, start=round_number * 180_000))
        if round_number == 4:
            early = child.progress().memory_bytes
    assert child.finish() == 0
    assert child.progress().memory_bytes - early < 8 << 20


def test_packets_are_written_in_batches_and_soon() -> None:
    material = video(size="640x360", frames=45)
    child = Child()
    child.send(begin(RUNGS))
    child.feed(messages_of(material), real_time=True)
    assert child.finish() == 0
    began = next(at for at, message in child.messages if isinstance(message, Coded))
    assert began < 3.0
    assert sum(isinstance(message, Coded) for _, message in child.messages) <= 90
