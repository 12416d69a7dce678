"""Claims of media.timeline: no wraps, no steps back, breaks are said aloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind
from media.timeline import SUSTAINED, Timeline

VIDEO = CodecConfig(TrackKind.VIDEO, "avc1", b"\x01", width=1920, height=1080)
AUDIO = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x11\x90", sample_rate=48_000, channels=2)


def timeline(*configs: CodecConfig) -> Timeline:
    made = Timeline(lambda _config, _data: 1024)
    for config in configs or (VIDEO, AUDIO):
        made.configure(config)
    return made


def video(dts: int, *, pts: int | None = None, key: bool = False) -> Packet:
    return Packet(TrackKind.VIDEO, dts, dts if pts is None else pts, key, b"v")


def audio(dts: int) -> Packet:
    return Packet(TrackKind.AUDIO, dts, dts, True, b"a")


def packets(events: list[MediaEvent]) -> list[Packet]:
    return [event for event in events if isinstance(event, Packet)]


def test_media_time_begins_at_zero_wherever_the_publisher_begins() -> None:
    line = timeline()
    [config, first] = line.push(video(16_790_000, pts=16_790_067, key=True), 0.0)
    assert config is VIDEO
    assert isinstance(first, Packet)
    assert (first.dts, first.pts) == (0, 67 * 90)
    [second] = packets(line.push(video(16_790_033), 0.03))
    assert second.dts == 33 * 90


def test_a_config_comes_once_before_its_first_packet() -> None:
    line = timeline(VIDEO)
    line.configure(VIDEO)
    assert line.push(video(0, key=True), 0.0)[0] is VIDEO
    line.configure(VIDEO)
    assert [type(event) for event in line.push(video(33, key=True), 0.0)] == [Packet]


@pytest.mark.parametrize("start", [2**32 - 100, 2**31 - 100, 2**32 - 1])
def test_32_bit_stamps_wrap_without_a_trace(start: int) -> None:
    line = timeline(VIDEO)
    times = []
    for frame in range(100):
        stamp = (start + frame * 40) % 2**32
        times += [p.dts for p in packets(line.push(video(stamp, key=frame == 0), frame * 0.04))]
    assert times == [frame * 40 * 90 for frame in range(100)]
    assert line.discontinuities == 0


def test_audio_counts_samples_though_milliseconds_are_rounded() -> None:
    line = timeline(AUDIO)
    times = [packets(line.push(audio(round(n * 1024 / 48)), n * 0.021))[0].dts for n in range(5_000)]
    assert times == [n * 1024 for n in range(5_000)]


def test_audio_follows_the_stamps_over_a_gap() -> None:
    line = timeline(AUDIO)
    line.push(audio(0), 0.0)
    [after] = packets(line.push(audio(500), 0.5))
    assert after.dts == 23 * 1024  # 491 ms, the nearest whole access unit


def test_audio_that_stays_behind_what_plays_is_left_out_until_the_stamps_catch_up() -> None:
    line = timeline(AUDIO)
    line.push(audio(0), 0.0)
    given = [packets(line.push(audio(n * 1024 // 48 - 100), n * 0.021)) for n in range(1, 30)]
    times = [packet.dts for found in given for packet in found]
    assert times == [n * 1024 for n in range(1, len(times) + 1)]
    assert len(times) == 29 - 4  # 100 ms are 4.7 access units; one may stay ahead
    assert all(given[: SUSTAINED - 1])
    assert line.dropped_packets == 4


def test_audio_in_bunches_under_one_stamp_is_all_played() -> None:
    line = timeline(AUDIO)
    times = [packet.dts for n in range(400) for packet in packets(line.push(audio(n // 4 * 4 * 1024 // 48), n * 0.021))]
    assert times == [n * 1024 for n in range(400)]


def test_a_hole_in_audio_is_made_of_whole_access_units() -> None:
    line = timeline(AUDIO)
    line.push(audio(0), 0.0)
    [after] = packets(line.push(audio(310), 0.31))
    assert after.dts == 15 * 1024  # 320 ms: the nearest


def test_a_hole_before_long_access_units_is_left_as_it_is() -> None:
    line = Timeline(lambda _config, _data: 4608)
    line.configure(CodecConfig(TrackKind.AUDIO, "fLaC", b"", sample_rate=48_000, channels=2))
    line.push(audio(0), 0.0)
    [after] = packets(line.push(audio(310), 0.31))
    assert after.dts == 310 * 48


def test_video_before_the_first_keyframe_is_dropped() -> None:
    line = timeline(VIDEO)
    assert line.push(video(0), 0.0) == []
    assert line.push(video(33), 0.0) == []
    assert line.push(video(67, key=True), 0.0)[0] is VIDEO
    assert line.dropped_packets == 2


def test_a_packet_without_a_config_is_dropped() -> None:
    line = timeline(AUDIO)
    assert line.push(video(0, key=True), 0.0) == []
    assert line.dropped_packets == 1


def test_a_new_config_waits_for_its_keyframe() -> None:
    line = timeline(VIDEO)
    line.push(video(0, key=True), 0.0)
    other = CodecConfig(TrackKind.VIDEO, "avc1", b"\x02", width=1280, height=720)
    line.configure(other)
    assert line.push(video(33), 0.03) == []
    assert line.push(video(67, key=True), 0.07)[0] is other


def test_a_jump_forward_becomes_a_discontinuity_that_follows_the_wall_clock() -> None:
    line = timeline(VIDEO)
    line.push(video(0, key=True), 0.0)
    events = line.push(video(1_000_000, key=True), 0.04)
    assert isinstance(events[0], Discontinuity)
    assert packets(events)[0].dts == 40 * 90
    assert packets(line.push(video(1_000_040), 0.08))[0].dts == 80 * 90


def test_a_jump_back_becomes_a_discontinuity() -> None:
    line = timeline(VIDEO)
    for n in range(100):
        line.push(video(50_000 + n * 40, key=n == 0), n * 0.04)
    events = line.push(video(0, key=True), 4.0)
    assert isinstance(events[0], Discontinuity)
    assert packets(events)[0].dts == 4_000 * 90


def test_a_jump_between_pictures_that_lean_on_each_other_is_one_of_the_clock_alone() -> None:
    line = timeline(VIDEO)
    line.push(video(0, key=True), 0.0)
    line.push(video(40), 0.04)
    given = [packets(line.push(video(stamp), 0.05)) for stamp in (90_000, 90_040, 90_080)]
    assert [packet.dts for [packet] in given] == [80 * 90, 120 * 90, 160 * 90]
    assert line.discontinuities == 0


def test_one_wild_stamp_leaves_no_trace() -> None:
    line = timeline()
    for n in range(50):
        stamp = 3_000_000_000 if n == 30 else n * 40
        [out] = packets(line.push(video(stamp, key=n == 0), n * 0.04 + (n % 2) * 0.03))
        assert out.dts == n * 3600
        line.push(audio(n * 40), n * 0.04)
    assert line.discontinuities == 0


def test_both_tracks_jump_with_one_discontinuity() -> None:
    line = timeline()
    line.push(video(0, key=True), 0.0)
    line.push(audio(0), 0.0)
    first = line.push(video(600_000, key=True), 0.04)
    second = line.push(audio(600_010), 0.05)
    assert isinstance(first[0], Discontinuity)
    assert [type(event) for event in second] == [Packet]
    assert line.discontinuities == 1


def test_a_jump_back_does_not_play_audio_over_what_was_given_out() -> None:
    line = timeline(AUDIO)
    given = [packets(line.push(audio(stamp), 0.0)) for stamp in (1_481, 1_501, 0)]
    assert [packet.dts for [packet] in given] == [0, 1024, 2048]
    assert line.discontinuities == 1


def test_audio_of_another_rate_goes_on_where_the_last_one_ended() -> None:
    line = timeline(AUDIO)
    line.push(audio(0), 0.0)
    line.push(audio(21), 0.0)
    line.configure(CodecConfig(TrackKind.AUDIO, "mp4a", b"\x12\x10", sample_rate=44_100, channels=2))
    [after] = packets(line.push(audio(43), 0.0))
    assert after.dts == 1896  # 43 ms; 2048 samples of 48 kHz end at 1882
    assert line.discontinuities == 0


def test_audio_of_before_a_break_is_not_heard_behind_it() -> None:
    line = timeline()
    for n in range(100):
        line.push(video(n * 40, key=n == 0), n * 0.04)
        line.push(audio(n * 40 - 20), n * 0.04)
    [_, first] = line.push(video(600_000, key=True), 4.0)
    assert isinstance(first, Packet)
    assert line.push(audio(3_980), 4.0) == []
    [heard] = packets(line.push(audio(600_010), 4.01))
    assert heard.dts == (first.dts + 900) * 48 // 90
    assert line.discontinuities == 1


def test_audio_that_jumps_first_and_video_that_follows_stay_together() -> None:
    line = timeline()
    for n in range(50):
        line.push(video(n * 40, key=n == 0), n * 0.04)
        line.push(audio(n * 40), n * 0.04)
    line.push(audio(600_000), 2.0)
    line.push(audio(600_021), 2.0)
    [_, key] = line.push(video(600_030, key=True), 2.05)
    [heard] = packets(line.push(audio(600_043), 2.05))
    assert isinstance(key, Packet)
    assert abs(heard.dts / 48 - key.dts / 90 - 13) < 1
    assert line.discontinuities == 1


def test_audio_alone_breaks_where_its_stamps_jump() -> None:
    line = timeline(AUDIO)
    line.push(audio(0), 0.0)
    assert isinstance(line.push(audio(50_000), 0.02)[0], Discontinuity)


def test_a_track_that_pauses_does_not_break_the_other() -> None:
    line = timeline()
    line.push(audio(0), 0.0)
    for n in range(250):
        line.push(video(n * 40, key=n == 0), n * 0.04)
    [late] = packets(line.push(audio(9_990), 10.0))
    assert late.dts == 468 * 1024  # 9,984 ms: the nearest access unit
    assert line.discontinuities == 0


def test_repeated_decode_times_are_nudged_apart() -> None:
    line = timeline(VIDEO)
    line.push(video(0, key=True), 0.0)
    line.push(video(40), 0.04)
    assert packets(line.push(video(40), 0.05))[0].dts == 3601
    assert line.repaired_stamps == 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2**32 - 1), st.booleans(), st.floats(0, 5)), max_size=60))
def test_any_stamps_give_rising_time_on_every_track(steps: list[tuple[bool, int, bool, float]]) -> None:
    line = timeline()
    now = 0.0
    last: dict[TrackKind, int] = {}
    for is_video, stamp, key, pause in steps:
        now += pause
        for out in packets(line.push(video(stamp, key=key) if is_video else audio(stamp), now)):
            assert out.dts > last.get(out.kind, -(1 << 62))
            last[out.kind] = out.dts


@given(st.lists(st.integers(0, 60), min_size=1, max_size=200), st.integers(0, 2**32 - 1))
def test_small_steps_never_break_the_line(steps: list[int], start: int) -> None:
    line = timeline(VIDEO)
    stamp = start
    for step in steps:
        stamp += step
        line.push(video(stamp % 2**32, key=True), 0.0)
    assert line.discontinuities == 0


AVC = CodecConfig(TrackKind.VIDEO, "avc1", bytes.fromhex("0164001effe10000"), width=1280, height=720)
IDR, RECOVERY_POINT, SLICE = b"\0\0\0\2\x65\x88", b"\0\0\0\2\x41\x9a", b"\0\0\0\2\x01\x9a"


def coded(dts: int, pts: int, data: bytes, *, key: bool = False) -> Packet:
    return Packet(TrackKind.VIDEO, dts, pts, key, data)


def test_a_torn_picture_is_counted_and_what_leans_on_it_left_out() -> None:
    line = timeline(AVC)
    assert packets(line.push(coded(0, 0, IDR, key=True), 0.0))
    assert line.push(coded(40, 40, SLICE[:-1]), 0.04) == []
    assert line.push(coded(80, 80, SLICE), 0.08) == []
    assert line.push(coded(120, 120, IDR + b"\0", key=True), 0.12) == []
    [again] = line.push(coded(160, 160, IDR, key=True), 0.16)
    assert isinstance(again, Packet)
    assert again.dts == 160 * 90
    assert (line.torn_packets, line.dropped_packets) == (2, 3)
    assert line.discontinuities == 0


def test_pictures_before_the_first_one_of_an_open_gop_are_left_out() -> None:
    line = timeline(AVC)
    assert packets(line.push(coded(0, 120, RECOVERY_POINT, key=True), 0.0))
    assert line.push(coded(40, 40, SLICE), 0.04) == []
    assert line.push(coded(80, 80, SLICE), 0.08) == []
    assert packets(line.push(coded(120, 240, SLICE), 0.12))
    assert packets(line.push(coded(160, 160, SLICE), 0.16))


def test_later_open_gops_keep_their_first_pictures() -> None:
    line = timeline(AVC)
    line.push(coded(0, 80, IDR, key=True), 0.0)
    assert packets(line.push(coded(40, 200, RECOVERY_POINT, key=True), 0.04))
    assert packets(line.push(coded(80, 120, SLICE), 0.08))
    assert line.dropped_packets == 0


def test_an_open_gop_behind_a_break_begins_at_its_keyframe() -> None:
    line = timeline(AVC)
    line.push(coded(0, 80, IDR, key=True), 0.0)
    assert packets(line.push(coded(900_000, 900_120, RECOVERY_POINT, key=True), 0.04))
    assert line.push(coded(900_040, 900_040, SLICE), 0.08) == []
    assert packets(line.push(coded(900_080, 900_160, SLICE), 0.08))


def test_pictures_of_a_closed_gop_with_odd_composition_are_all_kept() -> None:
    line = timeline(AVC)
    line.push(coded(0, 67, IDR, key=True), 0.0)
    assert packets(line.push(coded(40, 40, SLICE), 0.04))


def test_swapped_decode_times_keep_the_presentation_in_order() -> None:
    line = timeline(VIDEO)
    given = [packets(line.push(video(stamp, key=stamp == 0), 0.0))[0] for stamp in (0, 80, 40, 120)]
    assert [(p.dts, p.pts) for p in given] == [(0, 0), (7200, 7200), (7201, 7201), (10800, 10800)]
    assert line.repaired_stamps == 1


def test_presentation_far_from_decoding_is_not_believed() -> None:
    line = timeline(VIDEO)
    [first] = packets(line.push(video(0, pts=8_000_000, key=True), 0.0))
    assert (first.dts, first.pts) == (0, 0)
    assert line.repaired_stamps == 1


def test_a_configuration_that_is_taken_back_before_its_packet_changes_nothing() -> None:
    line = timeline(VIDEO)
    line.push(video(0, key=True), 0.0)
    line.configure(AVC)
    line.configure(VIDEO)
    assert [type(event) for event in line.push(video(40), 0.04)] == [Packet]
