"""Reading back what the packager wrote, and bytes that nobody wrote for us."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.hls.boxes import Sample, fragment, init_section
from media.hls.events import event_box
from media.mp4.atoms import BadMedia, boxes, full
from media.mp4.segments import Run, read_init, read_segment
from media.packets import Cue, CueKind, TrackKind
from tests.media.material import Unpacked, aac, h264, unpack
from tests.media.mp4.stored import play, store


def flat(runs: list[Run], data: bytes) -> list[Unpacked]:
    """Return the samples as `material.unpack` gives them."""
    found = []
    for run in runs:
        dts, at = run.decode_time, run.offset
        for duration, size, composition, is_sync in zip(
            run.durations, run.sizes, run.compositions, run.syncs, strict=True
        ):
            found.append(Unpacked(dts, dts + composition, is_sync, data[at : at + size]))
            dts, at = dts + duration, at + size
    return found


def test_samples_are_those_that_ffmpeg_reads() -> None:
    stored = store(play(h264(3), aac(3)))
    for track, material in zip(stored.tracks, (h264(3), aac(3)), strict=True):
        for segment in track.segments:
            init, data = stored.objects[segment.init_key], stored.objects[segment.key]
            assert flat(read_segment(data, read_init(init)), data) == unpack(material.config, init + data)


def test_initialization_sections_tell_kind_clock_and_size() -> None:
    picture, sound = (read_init(init_section(material.config)) for material in (h264(3), aac(3)))
    assert (picture.kind, picture.timescale, picture.width, picture.height) == (TrackKind.VIDEO, 90_000, 320, 180)
    assert (sound.kind, sound.timescale) == (TrackKind.AUDIO, 48_000)
    assert picture.entry[4:8] == b"avc1"
    assert sound.entry[4:8] == b"mp4a"


def test_events_between_fragments_are_passed_over() -> None:
    stored = store(play(h264(3)))
    segment = stored.tracks[0].segments[0]
    init, data = read_init(stored.objects[segment.init_key]), stored.objects[segment.key]
    event = event_box(Cue("1", CueKind.DATA, 0.5, None, "a", {"text": "moof"}), 1)
    before, after = read_segment(data, init), read_segment(event + data, init)
    assert [run.offset - len(event) for run in after] == [run.offset for run in before]
    assert flat(after, event + data) == flat(before, data)


def test_a_run_without_columns_takes_the_fragments_and_the_tracks_values() -> None:
    init = read_init(init_section(aac(3).config))
    header = full(b"tfhd", 0, 0x020018, (1).to_bytes(4, "big"), (1024).to_bytes(4, "big"), (5).to_bytes(4, "big"))
    time = full(b"tfdt", 0, 0, (480_000 + 7).to_bytes(4, "big"))
    size = 8 + 8 + len(header) + len(time) + 20
    run = full(b"trun", 0, 1, (3).to_bytes(4, "big"), (size + 8).to_bytes(4, "big"))
    traf = (size - 8).to_bytes(4, "big") + b"traf" + header + time + run
    data = size.to_bytes(4, "big") + b"moof" + traf + (23).to_bytes(4, "big") + b"mdat" + bytes(15)
    (found,) = read_segment(data, init)
    assert (found.decode_time, found.offset) == (7, size + 8)
    assert ([*found.durations], [*found.sizes], found.syncs) == ([1024] * 3, [5] * 3, [True] * 3)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],  # samples beyond the end
        lambda data: data[:100],
        lambda data: data.replace(b"tfdt", b"free", 1),
        lambda data: data.replace(b"traf", b"free", 1),
        lambda data: b"\0\0\0\7" + data,  # a box smaller than its header
        lambda data: b"<html><body>502 Bad Gateway</body></html>",
    ],
)
def test_damage_is_one_kind_of_error(damage: object) -> None:
    stored = store(play(h264(3)))
    segment = stored.tracks[0].segments[0]
    assert callable(damage)
    with pytest.raises(BadMedia):
        read_segment(damage(stored.objects[segment.key]), read_init(stored.objects[segment.init_key]))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_give_samples_within_the_file_or_bad_media(draw: st.DataObject) -> None:
    init_bytes = bytearray(init_section(h264(3).config))
    data = bytearray(
        fragment(TrackKind.VIDEO, 1, 0, 90_000, [Sample(3000, 0, True, b"abc"), Sample(3000, 0, False, b"")])
    )
    for target in (init_bytes, data):
        for _ in range(draw.draw(st.integers(0, 3))):
            target[draw.draw(st.integers(0, len(target) - 1))] = draw.draw(st.integers(0, 255))
    try:
        init = read_init(bytes(init_bytes))
        runs = read_segment(bytes(data), init)
    except BadMedia:
        return
    assert all(run.offset >= 0 and run.offset + run.size <= len(data) for run in runs)


@given(st.binary(max_size=200))
def test_any_bytes_are_boxes_or_bad_media(data: bytes) -> None:
    try:
        found = list(boxes(data))
    except BadMedia:
        return
    assert sum(box.end - box.start for box in found) == len(data)
