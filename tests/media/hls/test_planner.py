"""What is learned from the beginning of a stream."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.hls.boxes import UnsupportedCodec
from media.hls.planner import MAX_BUFFER_BYTES, Plan, Planner, RungPlan, target_duration
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind
from tests.media.material import (
    AUDIO_CONFIG,
    VIDEO_CONFIG,
    audio_packets,
    interleaved,
    seconds,
    usual,
    video_packet,
    video_packets,
)


def planned(
    events: list[MediaEvent], *, part_s: float = 0.333, segment_s: float = 2.0
) -> tuple[Plan | None, float, Planner]:
    """Feed events until there is a plan; return it, the media time at which it was made, and the planner."""
    planner = Planner(part_s=part_s, segment_s=segment_s)
    now = 0.0
    for event in events:
        if isinstance(event, Packet):
            now = seconds(event)
        plan = planner.feed(event)
        if plan is not None:
            return plan, now, planner
    return None, now, planner


def plan_of(events: list[MediaEvent], **settings: float) -> Plan:
    """Return the plan for these events, which must be enough for one."""
    plan, _, _ = planned(events, **settings)
    assert plan is not None
    return plan


def test_both_tracks_are_planned_at_the_second_keyframe() -> None:
    plan, at, planner = planned(usual())
    assert plan is not None
    assert plan.video is not None
    assert plan.audio is not None
    assert plan.target_duration_s == 2
    assert at == 2.0
    assert planner.buffered[-1].is_keyframe
    assert planner.dropped_packets == 0


@pytest.mark.parametrize(
    ("fps", "frames", "target_s"),
    [
        (30, 10, 0.334),
        (30_000 / 1001, 10, 0.334),  # 0.33367 s: a hundredth too long is near enough
        (60, 20, 0.334),
        (60_000 / 1001, 20, 0.334),
        (50, 16, 0.320),
        (25, 8, 0.320),
        (24, 8, 0.334),
        (24_000 / 1001, 8, 0.334),
        (15, 5, 0.334),
        (10, 3, 0.300),
        (2, 1, 0.500),
    ],
)
def test_video_parts_hold_whole_frames(fps: float, frames: int, target_s: float) -> None:
    plan = plan_of([VIDEO_CONFIG, *video_packets(12, fps=fps, gop=round(2 * fps))])
    assert plan.video is not None
    assert plan.video.part_target_s == pytest.approx(target_s)
    assert plan.video.frame_s * frames <= plan.video.part_target_s + 1e-6
    assert plan.video.frame_s == pytest.approx(1 / fps, rel=0.001)


@pytest.mark.parametrize(
    ("rate", "part_s", "target_s"),
    [
        (48_000, 0.333, 0.320),  # 15 access units of 21.33 ms
        (48_000, 0.2, 0.192),
        (48_000, 0.5, 0.491),
        (44_100, 0.333, 0.326),
        (8_000, 0.1, 0.128),  # one access unit is longer than what was asked for
    ],
)
def test_audio_parts_hold_whole_access_units(rate: int, part_s: float, target_s: float) -> None:
    config = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x11\x90", sample_rate=rate, channels=2)
    plan = plan_of([config, *audio_packets(12, rate=rate)], part_s=part_s)
    assert plan.audio is not None
    assert plan.audio.part_target_s == pytest.approx(target_s)


def test_frames_that_jitter_get_a_part_target_that_holds_ten_of_them() -> None:
    frames = video_packets(4)
    for number, frame in enumerate(frames):
        frame.dts += (number % 7 - 3) * 270  # up to 9 ms early or late
    plan = plan_of([VIDEO_CONFIG, *frames])
    assert plan.video is not None
    assert 0.334 < plan.video.part_target_s <= 0.367


@pytest.mark.parametrize(
    ("segment_s", "gop_s", "expected"),
    [
        (2, 2, 2),
        (2, 2.001, 2),
        (2, 1.999, 2),
        (2, 2.034, 2),
        (2, 1, 2),
        (2, 0.5, 2),
        (2, 0.8, 3),
        (2, 1.5, 3),
        (2, 3, 3),
        (2, 8.333, 9),
        (2, 4.2, 5),
        (2, 0, 2),
        (1, 1, 1),
        (1, 2, 2),
        (4, 2, 4),
        (0.5, 0.5, 1),
        (6, 2.002, 6),
    ],
)
def test_target_duration_is_the_least_number_of_gops(segment_s: float, gop_s: float, expected: int) -> None:
    assert target_duration(segment_s, gop_s, 1 / 30) == expected


@settings(deadline=None)
@given(segment_s=st.floats(0.5, 10), gop_s=st.floats(0.1, 10))
def test_target_duration_has_room_for_whole_gops(segment_s: float, gop_s: float) -> None:
    gops = 1
    while gops * gop_s < segment_s - 1 / 60:
        gops += 1
    assert gops * gop_s < target_duration(segment_s, gop_s, 1 / 30) + 0.4


def test_without_audio_the_plan_waits_for_one_second_of_video() -> None:
    plan, at, _ = planned([VIDEO_CONFIG, *video_packets(10, gop=15)])
    assert plan is not None
    assert plan.audio is None
    assert at == pytest.approx(1.0, abs=0.05)
    plan, at, _ = planned([VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(video_packets(10, gop=15), audio_packets(10))])
    assert plan is not None
    assert plan.audio is not None
    assert at == pytest.approx(0.5)


def test_audio_alone_leads_after_one_second() -> None:
    plan, at, _ = planned([AUDIO_CONFIG, *audio_packets(5)])
    assert plan is not None
    assert plan.video is None
    assert at == pytest.approx(1.0, abs=0.05)


def test_announced_video_is_waited_for_but_not_for_ever() -> None:
    plan, at, _ = planned([VIDEO_CONFIG, AUDIO_CONFIG, *audio_packets(15)])
    assert plan is not None
    assert plan.video is None
    assert at == pytest.approx(10, abs=0.05)


def test_a_gop_without_end_is_planned_after_ten_seconds() -> None:
    plan, at, _ = planned(usual(15, gop=10_000))
    assert plan is not None
    assert at == pytest.approx(10, abs=0.05)
    assert plan.target_duration_s == 2


def test_what_cannot_be_decoded_is_dropped() -> None:
    early = [video_packet(-9000 + number * 3000, is_keyframe=False) for number in range(3)]
    events: list[MediaEvent] = [
        *audio_packets(0.1, start_s=-0.2),  # without a configuration
        VIDEO_CONFIG,
        AUDIO_CONFIG,
        *early,  # before the first keyframe
        *interleaved(video_packets(3, start_s=0.05), audio_packets(3)),  # audio begins before the first picture
    ]
    plan, _, planner = planned(events)
    assert plan is not None
    assert planner.dropped_packets == 5 + 3
    assert seconds(planner.buffered[0]) >= 0.05


def test_a_break_before_the_plan_starts_the_buffer_again() -> None:
    events: list[MediaEvent] = [
        *usual(1),
        Discontinuity("jump"),
        *interleaved(video_packets(3, start_s=5), audio_packets(3, start_s=5)),
    ]
    plan, _, planner = planned(events)
    assert plan is not None
    assert min(seconds(packet) for packet in planner.buffered) == 5
    assert planner.dropped_packets == 30 + 47


def test_a_new_configuration_before_the_plan_starts_the_buffer_again() -> None:
    other = CodecConfig(TrackKind.VIDEO, "avc1", b"\x01other", 640, 360)
    again = CodecConfig(TrackKind.VIDEO, "avc1", b"\x01other", 640, 360)
    frames = video_packets(5, start_s=1)
    plan, _, planner = planned([*usual(1), other, *frames[:20], again, *frames[20:]])
    assert plan is not None
    assert plan.video is not None
    assert plan.video.config == other
    assert min(seconds(packet) for packet in planner.buffered) == 1


def test_part_hold_back_is_three_times_the_largest_part_target() -> None:
    assert plan_of(usual()).part_hold_back_s == pytest.approx(3 * 0.334)
    assert plan_of([AUDIO_CONFIG, *audio_packets(5)]).part_hold_back_s == pytest.approx(3 * 0.320)


def test_a_buffer_that_grows_too_large_is_planned_as_it_is() -> None:
    frames = video_packets(10, gop=10_000)
    big = b"\0" * (MAX_BUFFER_BYTES // 30)
    for frame in frames:
        frame.data = big
    plan, at, _ = planned([VIDEO_CONFIG, *frames])
    assert plan is not None
    assert at == pytest.approx(1.0, abs=0.1)


def test_a_buffer_with_one_enormous_frame_is_planned_with_a_guess() -> None:
    frame = video_packet(0, is_keyframe=True)
    frame.data = b"\0" * (MAX_BUFFER_BYTES + 1)
    assert plan_of([VIDEO_CONFIG, frame]).part_hold_back_s == pytest.approx(3 * 0.334)


# --- rungs --------------------------------------------------------------------------------------------------


def rung_plan(frames: list[Packet], most: float, *, part_s: float = 0.333) -> RungPlan:
    """Return the plan of one rung beside this video."""
    planner = Planner(part_s=part_s, segment_s=2.0)
    planner.expect({"720p": most})
    events: list[MediaEvent] = [VIDEO_CONFIG, *frames]
    plans = [plan for event in events if (plan := planner.feed(event))]
    return plans[0].rungs["720p"]


@pytest.mark.parametrize(
    ("fps", "most", "shown_fps", "target_s"),
    [
        (30, 30, 30, 0.334),
        (60, 60, 60, 0.334),
        (60, 30, 30, 0.334),
        (60_000 / 1001, 30, 30_000 / 1001, 0.334),
        (50, 30, 25, 0.320),
        (25, 30, 25, 0.320),
        (31, 30, 31, 0.323),
        (120, 30, 30, 0.334),
        (48, 30, 24, 0.334),
        (10, 30, 10, 0.300),
        (144, 60, 48, 0.334),
    ],
)
def test_a_rung_shows_every_frame_or_every_second_or_third(
    fps: float, most: float, shown_fps: float, target_s: float
) -> None:
    plan = rung_plan(video_packets(12, fps=fps, gop=round(2 * fps)), most)
    assert 1 / plan.frame_s == pytest.approx(shown_fps, rel=0.001)
    assert plan.part_target_s == pytest.approx(target_s)


def test_the_part_target_of_a_rung_covers_stamps_in_milliseconds_and_reordering() -> None:
    frames = video_packets(4, fps=60, gop=120)
    for number, frame in enumerate(frames):
        frame.dts = frame.dts // 90 * 90
        frame.pts = frame.dts + (3000, 6000, 1500)[number % 3]  # not in the order of decoding
    plan = rung_plan(frames, 30)
    stamps = sorted(frame.pts for frame in frames)[::2]
    longest = max(after - before for before, after in zip(stamps, stamps[10:60], strict=False)) / 90_000
    assert longest <= plan.part_target_s <= 0.367


def test_a_source_of_varying_frame_rate_has_rungs_of_the_mean() -> None:
    frames, dts = [], 0
    for number in range(200):
        frames.append(video_packet(dts, number == 0 or dts // 180_000 > (dts - 6000) // 180_000))
        dts += 1500 if number % 10 < 5 else 6000
    plan = rung_plan(frames, 30)
    assert 1 / plan.frame_s == pytest.approx(24, rel=0.1)
    assert plan.part_target_s <= 0.367


def test_part_hold_back_covers_rungs_too() -> None:
    planner = Planner(part_s=0.333, segment_s=2.0)
    planner.expect({"slow": 2.0})
    plans = [plan for event in usual() if (plan := planner.feed(event))]
    assert plans[0].rungs["slow"].part_target_s == pytest.approx(0.5)
    assert plans[0].part_hold_back_s == pytest.approx(1.5)


def test_rungs_may_be_named_when_the_plan_is_there() -> None:
    plan, _, planner = planned(usual())
    assert plan is not None
    assert plan.rungs == {}
    planner.expect({"720p": 30})
    assert planner.with_rungs(plan).rungs["720p"].part_target_s == pytest.approx(0.334)


def test_sound_alone_has_no_rungs() -> None:
    planner = Planner(part_s=0.333, segment_s=2.0)
    planner.expect({"720p": 30})
    events: list[MediaEvent] = [AUDIO_CONFIG, *audio_packets(5)]
    plans = [plan for event in events if (plan := planner.feed(event))]
    assert plans[0].rungs == {}


def test_another_sound_before_the_plan_keeps_the_pictures() -> None:
    other = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x12\x08", sample_rate=44_100, channels=1)
    events: list[MediaEvent] = [*usual(1.5), other]
    more = [*video_packets(3, start_s=1.5, gop=1000), *audio_packets(3, rate=44_100, start_s=1.5)]
    more[15].is_keyframe = True
    more[0].is_keyframe = False
    more.sort(key=lambda packet: seconds(packet, other))
    events += more
    plan, at, planner = planned(events)
    assert plan is not None
    assert plan.audio is not None
    assert plan.audio.config == other
    assert at == pytest.approx(2.0, abs=0.2)
    assert min(packet.dts for packet in planner.buffered) == 0
    assert planner.dropped_packets == 71


@pytest.mark.parametrize(
    "config",
    [
        CodecConfig(TrackKind.AUDIO, ".mp3", b"", sample_rate=48_000, channels=2),
        CodecConfig(TrackKind.AUDIO, "mp4a", b"\x11\x90", sample_rate=0, channels=2),
        CodecConfig(TrackKind.VIDEO, "vp08", b""),
    ],
)
def test_a_codec_without_a_place_in_hls_is_refused_at_once(config: CodecConfig) -> None:
    with pytest.raises(UnsupportedCodec, match=config.fourcc):
        Planner(part_s=0.333, segment_s=2).feed(config)
