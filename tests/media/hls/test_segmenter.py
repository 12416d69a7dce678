"""Parts and segments out of access units: examples for each rule, then properties for any stream."""

import itertools
import struct
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.hls.boxes import UnsupportedCodec
from media.hls.planner import Plan, TrackPlan
from media.hls.segmenter import (
    AUDIO,
    OVERRUN_S,
    VIDEO,
    DiscontinuityMark,
    Gap,
    Init,
    Output,
    Packager,
    Part,
    SegmentEnd,
)
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind
from tests.media.hls.written import samples
from tests.media.material import (
    AUDIO_CONFIG,
    VIDEO_CONFIG,
    audio_packets,
    interleaved,
    seconds,
    video_packet,
    video_packets,
)

VIDEO_PLAN = TrackPlan(VIDEO_CONFIG, 1 / 30, 0.334)
AUDIO_PLAN = TrackPlan(AUDIO_CONFIG, 1024 / 48_000, 0.320)
PLAN = Plan(target_duration_s=2, segment_s=2.0, video=VIDEO_PLAN, audio=AUDIO_PLAN)
VIDEO_ONLY = msgspec.structs.replace(PLAN, audio=None)
AUDIO_ONLY = msgspec.structs.replace(PLAN, video=None)


def run(events: Iterable[MediaEvent], plan: Plan = PLAN, *, finish: bool = True) -> list[Output]:
    """Package everything."""
    packager = Packager(plan)
    outputs = [output for event in events for output in packager.feed(event)]
    return outputs + (packager.finish() if finish else [])


def parts(outputs: Iterable[Output], rendition: str = VIDEO) -> list[Part]:
    return [output for output in outputs if isinstance(output, Part) and output.rendition == rendition]


def segments(outputs: Iterable[Output], rendition: str = VIDEO) -> list[SegmentEnd | Gap]:
    return [out for out in outputs if isinstance(out, SegmentEnd | Gap) and out.rendition == rendition]


# --- parts --------------------------------------------------------------------------------------------------


def test_a_part_is_out_when_the_next_frame_comes() -> None:
    packager = Packager(VIDEO_ONLY)
    frames = video_packets(1)
    assert [type(output) for frame in frames[:10] for output in packager.feed(frame)] == [Init]
    (part,) = packager.feed(frames[10])
    assert isinstance(part, Part)
    assert len(samples(part)) == 10
    assert part.duration_s == pytest.approx(1 / 3)


def test_a_part_closes_before_the_frame_that_would_cross_the_target() -> None:
    frames = [video_packet(number * 3000, number == 0) for number in range(9)]
    late = frames[-1].dts + 4000  # the ninth lasts 44 ms: a tenth of 33 ms would end at 344 ms
    outputs = run(
        [*frames, video_packet(late, is_keyframe=False), video_packet(late + 3000, is_keyframe=False)], VIDEO_ONLY
    )
    assert [len(samples(part)) for part in parts(outputs)] == [9, 2]


def test_audio_parts_have_15_access_units_and_the_rest() -> None:
    outputs = run(audio_packets(4), AUDIO_ONLY)
    assert [len(samples(part)) for part in parts(outputs, AUDIO)] == [15] * 6 + [4] + [15] * 6 + [4]
    assert all(part.is_independent for part in parts(outputs, AUDIO))


def test_parts_are_numbered_within_their_segment() -> None:
    numbers = [(part.msn, part.index) for part in parts(run(video_packets(4), VIDEO_ONLY))]
    assert numbers == [(msn, index) for msn in range(2) for index in range(6)]


def test_only_parts_with_keyframes_are_independent() -> None:
    found = parts(run(video_packets(4, gop=30), VIDEO_ONLY))
    assert [part.index for part in found if part.is_independent] == [0, 3, 0, 3]


# --- segments -----------------------------------------------------------------------------------------------


def test_a_segment_ends_at_the_first_keyframe_that_makes_it_long_enough() -> None:
    frames = video_packets(9, gop=30)  # a keyframe each second
    assert [end.duration_s for end in segments(run(frames, VIDEO_ONLY))] == [2, 2, 2, 2, 1]


def test_a_keyframe_half_a_frame_early_is_in_time() -> None:
    frames = video_packets(6)
    for frame in frames[60:]:
        frame.dts -= 1400
    assert segments(run(frames, VIDEO_ONLY))[0].duration_s == pytest.approx(2 - 1400 / 90_000)


def test_a_gop_is_as_long_as_it_is_shown_however_far_its_keyframe_is_reordered() -> None:
    """x265 decodes its first GOP of 2 s in 1.9: from the second keyframe on it reorders over 100 ms more."""
    frames = video_packets(8, delay=6000)
    for number, frame in enumerate(frames):
        if number >= 60:
            frame.dts -= 9000
        elif number:
            frame.dts -= 9000 * number // 60
    assert [end.duration_s for end in segments(run(frames, VIDEO_ONLY))] == pytest.approx([1.9, 2, 2, 2])


def test_a_segment_is_cut_without_a_keyframe_before_it_gets_too_long() -> None:
    outputs = run(video_packets(10, gop=1000), VIDEO_ONLY)
    ends = segments(outputs)
    assert all(2.2 < end.duration_s <= 2 + OVERRUN_S for end in ends[:-1])
    first_of_each = [part.is_independent for part in parts(outputs) if part.index == 0]
    assert first_of_each == [True, False, False, False, False]


def test_the_last_frame_of_a_segment_may_be_longer_than_was_to_be_expected() -> None:
    frames = video_packets(2.3, gop=1000)
    long = frames[-1].dts + 27_000  # 0.3 s
    ends = segments(run([*frames, video_packet(long, is_keyframe=False)], VIDEO_ONLY))
    assert [round(end.duration_s, 2) for end in ends] == [2.27, 0.33]


def test_audio_segments_end_at_the_first_access_unit_at_or_after_the_video_boundary() -> None:
    outputs = run(interleaved(video_packets(10, delay=6000), audio_packets(10)))
    video_starts = {part.msn: part.start_s for part in parts(outputs) if part.index == 0}
    audio_starts = {part.msn: part.start_s for part in parts(outputs, AUDIO) if part.index == 0}
    assert video_starts.keys() == audio_starts.keys()
    for msn in range(1, 5):
        assert 0 <= audio_starts[msn] - video_starts[msn] < 1024 / 48_000


@pytest.mark.parametrize("shift_s", [-0.9, -0.3, 0.3, 0.9])
def test_alignment_does_not_depend_on_how_the_tracks_are_interleaved(shift_s: float) -> None:
    packets = [*video_packets(10), *audio_packets(10)]
    packets.sort(key=lambda packet: seconds(packet) + (shift_s if packet.kind is TrackKind.AUDIO else 0))
    shifted = run(packets)
    regular = run(interleaved(video_packets(10), audio_packets(10)))
    for rendition in (VIDEO, AUDIO):
        assert parts(shifted, rendition) == parts(regular, rendition)


def test_audio_goes_on_when_video_does_not_come() -> None:
    packager = Packager(PLAN)
    outputs = [out for packet in interleaved(video_packets(4), audio_packets(4)) for out in packager.feed(packet)]
    later = [out for packet in audio_packets(8, start_s=4) for out in packager.feed(packet)]
    assert [(part.msn, part.index) for part in parts(later)] == [(1, 5)]  # what was held
    assert parts(later, AUDIO)[-1].start_s > 10.5
    gaps = [out for out in later if isinstance(out, Gap)]
    assert {gap.rendition for gap in gaps} == {VIDEO}
    assert [end.msn for end in segments(later)] == [end.msn for end in segments(later, AUDIO)]
    assert segments(outputs + later)[-1].msn == 3
    # It comes back in the middle of a GOP and later begins the segment that is open.
    back = [out for frame in video_packets(4, start_s=12.5) for out in packager.feed(frame)]
    assert parts(back)[0].start_s == 12.5


def test_video_goes_on_when_audio_does_not_come() -> None:
    packager = Packager(PLAN)
    for packet in interleaved(video_packets(4), audio_packets(4)):
        packager.feed(packet)
    later = [out for packet in video_packets(8, start_s=4) for out in packager.feed(packet)]
    gaps = [out for out in later if isinstance(out, Gap)]
    assert [(gap.rendition, gap.msn) for gap in gaps] == [(AUDIO, 2), (AUDIO, 3), (AUDIO, 4)]
    assert [gap.duration_s for gap in gaps] == pytest.approx([2, 2, 2], abs=0.03)
    back = [
        out for p in interleaved(video_packets(4, start_s=12), audio_packets(4, start_s=12)) for out in packager.feed(p)
    ]
    assert [(part.msn, part.start_s) for part in parts(back, AUDIO) if part.index == 0] == [
        (6, 12.0),
        (7, pytest.approx(14, abs=0.03)),
    ]


@pytest.mark.parametrize("before", range(100, 116))
def test_audio_that_goes_on_alone_keeps_the_target_duration_over_a_hole(before: int) -> None:
    stamps = [number * 1024 for number in range(before)]
    for step in (1024 + 4700, 1024 + 2000, 1024):  # two holes, of 98 and 42 ms
        stamps.append(stamps[-1] + step)
    stamps += range(stamps[-1] + 1024, stamps[-1] + 5 * 48_000, 1024)
    audio = [Packet(TrackKind.AUDIO, dts, dts, True, b"") for dts in stamps]
    outputs = run(interleaved(video_packets(0.1), audio))
    assert all(end.duration_s < 2.5 for end in (*segments(outputs), *segments(outputs, AUDIO)))
    assert sum(len(samples(part)) for part in parts(outputs, AUDIO)) == len(audio)


# --- breaks -------------------------------------------------------------------------------------------------


def test_a_discontinuity_ends_all_segments_and_marks_the_next_ones() -> None:
    packager = Packager(PLAN)
    for packet in interleaved(video_packets(3), audio_packets(3)):
        packager.feed(packet)
    outputs = packager.feed(Discontinuity("jump"))
    assert [(type(out), out.rendition) for out in outputs if not isinstance(out, Part)] == [
        (SegmentEnd, VIDEO),
        (SegmentEnd, AUDIO),
        (DiscontinuityMark, VIDEO),
        (DiscontinuityMark, AUDIO),
    ]
    assert sum(len(samples(part)) for part in parts(outputs)) == 10  # with the one that was held


def test_after_a_break_both_tracks_begin_at_a_keyframe() -> None:
    packager = Packager(PLAN)
    for packet in interleaved(video_packets(3), audio_packets(3)):
        packager.feed(packet)
    packager.feed(Discontinuity("jump"))
    frames = video_packets(1.9, start_s=10)
    frames[0].is_keyframe = False
    outputs = [out for packet in interleaved(frames, audio_packets(1.9, start_s=10)) for out in packager.feed(packet)]
    assert outputs == []
    assert packager.dropped_packets == 57
    frames = video_packets(3, start_s=14)
    outputs += [out for packet in interleaved(frames, audio_packets(3, start_s=14)) for out in packager.feed(packet)]
    assert parts(outputs)[0].start_s == 14


def test_audio_before_the_first_picture_after_a_break_is_left_out() -> None:
    packager = Packager(PLAN)
    for packet in interleaved(video_packets(3), audio_packets(3)):
        packager.feed(packet)
    packager.feed(Discontinuity("jump"))
    packets = interleaved(video_packets(3, start_s=11), audio_packets(4, start_s=10))
    outputs = [out for packet in packets for out in packager.feed(packet)]
    assert 0 <= parts(outputs, AUDIO)[0].start_s - parts(outputs)[0].start_s < 1024 / 48_000
    assert packager.dropped_packets == 47


def test_a_new_configuration_gets_a_new_initialization_section() -> None:
    packager = Packager(PLAN)
    for packet in interleaved(video_packets(3), audio_packets(3)):
        packager.feed(packet)
    taller = msgspec.structs.replace(VIDEO_CONFIG, height=1080)
    outputs = packager.feed(taller)
    (init,) = [out for out in outputs if isinstance(out, Init)]
    assert (init.rendition, init.number, init.config) == (VIDEO, 2, taller)
    assert outputs[-1] is init
    assert packager.feed(taller) == []  # the same again is nothing


def test_an_audio_rate_may_change() -> None:
    packager = Packager(PLAN)
    for packet in interleaved(video_packets(4), audio_packets(4)):
        packager.feed(packet)
    slower = msgspec.structs.replace(AUDIO_CONFIG, sample_rate=44_100)
    packager.feed(slower)
    audio = audio_packets(4, rate=44_100, start_s=4)
    packets = sorted([*video_packets(4, start_s=4), *audio], key=lambda packet: seconds(packet, slower))
    outputs = [out for packet in packets for out in packager.feed(packet)]
    assert {round(part.duration_s, 4) for part in parts(outputs, AUDIO) if part.index < 4} == {
        round(13 * 1024 / 44_100, 4)
    }
    (first, *_) = parts(outputs, AUDIO)
    assert first.start_s == pytest.approx(4)


def test_two_breaks_in_a_row_end_one_segment() -> None:
    events: list[MediaEvent] = [
        *interleaved(video_packets(3), audio_packets(3)),
        Discontinuity("jump"),
        msgspec.structs.replace(VIDEO_CONFIG, height=1080),
        msgspec.structs.replace(AUDIO_CONFIG, channels=1),
    ]
    outputs = run(events)
    assert [end.msn for end in segments(outputs)] == [0, 1]
    assert not any(isinstance(out, Gap) for out in outputs)


def test_a_frame_that_no_segment_could_hold_is_a_break() -> None:
    frames = [*video_packets(1), *video_packets(4, start_s=6)]
    outputs = run(frames, VIDEO_ONLY)
    assert any(isinstance(out, DiscontinuityMark) for out in outputs)
    assert segments(outputs)[0].duration_s == pytest.approx(1)


def test_an_unsupported_configuration_changes_nothing() -> None:
    packager = Packager(PLAN)
    before = [out for packet in interleaved(video_packets(1), audio_packets(1)) for out in packager.feed(packet)]
    with pytest.raises(UnsupportedCodec):
        packager.feed(CodecConfig(TrackKind.AUDIO, ".mp3", b"", sample_rate=48_000, channels=2))
    after = [
        out for p in interleaved(video_packets(1, start_s=1), audio_packets(1, start_s=1)) for out in packager.feed(p)
    ]
    assert before
    assert not any(isinstance(out, DiscontinuityMark) for out in after)


def test_a_track_that_comes_after_the_plan_is_dropped_and_counted() -> None:
    packager = Packager(VIDEO_ONLY)
    outputs = [out for packet in video_packets(3) for out in packager.feed(packet)]
    assert packager.feed(AUDIO_CONFIG) == []
    for packet in interleaved(video_packets(3, start_s=3), audio_packets(3, start_s=3)):
        outputs += packager.feed(packet)
    assert packager.late_tracks == {TrackKind.AUDIO}
    assert packager.dropped_packets == 141
    assert not any(isinstance(out, DiscontinuityMark) for out in outputs)


def test_finishing_twice_adds_nothing() -> None:
    packager = Packager(PLAN)
    for packet in interleaved(video_packets(3), audio_packets(3)):
        packager.feed(packet)
    assert packager.finish()
    assert packager.finish() == []


# --- any stream ---------------------------------------------------------------------------------------------

FRAME_STEPS = st.lists(
    st.tuples(st.integers(1, 9000) | st.just(3000) | st.integers(9000, 60_000), st.integers(0, 59)),
    min_size=2,
    max_size=250,
)
AUDIO_STEPS = st.lists(st.just(1024) | st.just(1024) | st.integers(1, 200_000), max_size=250)
SHIFTS = st.floats(-2, 2)
BREAKS = st.sets(st.integers(0, 400), max_size=3)


def stream(frames: list[tuple[int, int]], audio: list[int], shift_s: float, breaks: set[int]) -> list[MediaEvent]:
    """Make a stream: frames of any duration, keyframes anywhere, audio with holes, tracks badly interleaved."""
    packets = [video_packet(0, is_keyframe=True)]
    dts = 0
    for step, dice in frames:
        dts += step
        packets.append(video_packet(dts, dice == 0))
    dts = 0
    for step in audio:
        packets.append(Packet(TrackKind.AUDIO, dts, dts, True, struct.pack(">q", dts)))
        dts += step
    packets.sort(key=lambda packet: seconds(packet) + (shift_s if packet.kind is TrackKind.AUDIO else 0))
    events: list[MediaEvent] = []
    for number, packet in enumerate(packets):
        if number in breaks:
            events.append(Discontinuity("a test"))
        events.append(packet)
    return events


@settings(deadline=None)  # how long an example takes says nothing on a busy machine
@given(frames=FRAME_STEPS, audio=AUDIO_STEPS, shift_s=SHIFTS, breaks=BREAKS)
def test_any_stream_keeps_the_rules(
    frames: list[tuple[int, int]], audio: list[int], shift_s: float, breaks: set[int]
) -> None:
    events = stream(frames, audio, shift_s, breaks)
    packager = Packager(PLAN)
    outputs = [output for event in events for output in packager.feed(event)] + packager.finish()
    written = 0
    for rendition, plan in ((VIDEO, VIDEO_PLAN), (AUDIO, AUDIO_PLAN)):
        found = parts(outputs, rendition)
        for part in found:
            inside = samples(part)
            written += len(inside)
            assert part.duration_s <= plan.part_target_s + 1e-9 or len(inside) == 1
            assert part.is_independent == any(sample.is_sync for sample in inside)
        stamps = [sample.dts for part in found for sample in samples(part)]
        sent = [event.dts for event in events if isinstance(event, Packet) and event.kind.value == rendition]
        assert stamps == [dts for dts in sent if dts in set(stamps)], "samples keep their order and time"
        ends = segments(outputs, rendition)
        assert [end.msn for end in ends] == list(range(len(ends)))
        by_segment = {msn: list(group) for msn, group in itertools.groupby(found, key=lambda part: part.msn)}
        for end in ends:
            inside_parts = by_segment.pop(end.msn, [])
            assert [part.index for part in inside_parts] == list(range(len(inside_parts)))
            assert isinstance(end, Gap) == (not inside_parts)
            if isinstance(end, SegmentEnd):
                assert end.duration_s == pytest.approx(sum(part.duration_s for part in inside_parts))
        assert not by_segment, "no part is left without the end of its segment"
        assert all(end.duration_s < 2.5 for end in ends), "TARGETDURATION 2 is kept"
    assert len(segments(outputs)) == len(segments(outputs, AUDIO)), "renditions number alike"
    assert written + packager.dropped_packets == sum(isinstance(event, Packet) for event in events)


@settings(deadline=None)
@given(
    jitter=st.lists(st.integers(-1000, 1000), min_size=300, max_size=300),
    gop=st.sampled_from([30, 60]),
    shift_s=st.floats(-0.5, 0.5),
)
def test_any_jitter_of_a_regular_stream_keeps_segments_aligned(jitter: list[int], gop: int, shift_s: float) -> None:
    frames = video_packets(10, gop=gop)
    for frame, by in zip(frames[1:], jitter, strict=False):
        frame.dts += by
        frame.pts += by
    packets = [*frames, *audio_packets(10)]
    packets.sort(key=lambda packet: seconds(packet) + (shift_s if packet.kind is TrackKind.AUDIO else 0))
    outputs = run(packets)
    video = {part.msn: part.start_s for part in parts(outputs) if part.index == 0}
    audio = {part.msn: part.start_s for part in parts(outputs, AUDIO) if part.index == 0}
    assert list(video) == list(audio) == list(range(5))
    for msn in range(1, 5):
        assert 0 <= audio[msn] - video[msn] < 1024 / 48_000
    assert all(part.duration_s <= 0.334 for part in parts(outputs))
