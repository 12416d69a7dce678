"""What the health page shows of a track."""

import pytest

from media.meter import PublisherMeter, TrackMeter
from media.packets import Packet
from tests.media.material import AUDIO_CONFIG, VIDEO_CONFIG, WALL_CLOCK, audio_packets, seconds, video_packets


def measured(meter: TrackMeter, packets: list[Packet]) -> None:
    for packet in packets:
        meter.count(packet, WALL_CLOCK + 0.25 + seconds(packet))


def test_video_has_rate_size_frames_and_keyframe_interval() -> None:
    meter = TrackMeter(VIDEO_CONFIG)
    frames = video_packets(8, size=9_992)
    measured(meter, frames)
    stats = meter.stats(WALL_CLOCK + 8.2)
    assert stats.codec == "avc1.64001e"
    assert (stats.width, stats.height) == (1280, 720)
    assert stats.frame_rate == pytest.approx(30, abs=0.3)
    assert stats.bitrate_bps == pytest.approx(30 * len(frames[0].data) * 8, rel=0.02)
    assert stats.keyframe_interval_s == 2
    assert meter.total_bytes == sum(len(frame.data) for frame in frames)


def test_audio_has_rate_and_channels_and_no_frames() -> None:
    meter = TrackMeter(AUDIO_CONFIG)
    measured(meter, audio_packets(8))
    stats = meter.stats(WALL_CLOCK + 8.2)
    assert (stats.codec, stats.sample_rate, stats.channels) == ("mp4a.40.2", 48_000, 2)
    assert stats.bitrate_bps == pytest.approx(48_000 / 1024 * 32 * 8, rel=0.05)
    assert (stats.width, stats.frame_rate, stats.keyframe_interval_s) == (None, None, None)


def test_a_change_shows_within_the_period_and_silence_is_zero() -> None:
    meter = TrackMeter(VIDEO_CONFIG)
    measured(meter, video_packets(6, size=1000))
    measured(meter, video_packets(6, start_s=6, size=4000))
    rate_bps = meter.stats(WALL_CLOCK + 12.2).bitrate_bps
    assert rate_bps == pytest.approx(30 * 4008 * 8, rel=0.02)
    assert meter.stats(WALL_CLOCK + 14.5).bitrate_bps < rate_bps
    assert meter.stats(WALL_CLOCK + 30).bitrate_bps == 0
    assert meter.stats(WALL_CLOCK + 30).frame_rate == 0


def test_the_first_seconds_are_not_scaled_up_or_down() -> None:
    meter = TrackMeter(VIDEO_CONFIG)
    assert meter.stats(WALL_CLOCK).bitrate_bps == 0
    measured(meter, video_packets(2.6, size=1000))
    assert meter.stats(WALL_CLOCK + 2.9).frame_rate == pytest.approx(30, abs=1)


def test_a_burst_is_no_higher_frame_rate() -> None:
    meter = TrackMeter(VIDEO_CONFIG)
    for packet in video_packets(4):
        meter.count(packet, WALL_CLOCK + max(0.25, seconds(packet) - 2))
    assert meter.stats(WALL_CLOCK + 2.1).frame_rate == pytest.approx(30, abs=0.1)


# --- connections --------------------------------------------------------------------------------------------


def test_a_connection_has_the_bytes_of_its_last_whole_seconds() -> None:
    meter = PublisherMeter()
    assert meter.bitrate_bps(100.0) == 0
    for number in range(400):
        meter.count(1000, None, 100.3 + number * 0.04)
    assert meter.total_bytes == 400_000
    assert meter.bitrate_bps(116.2) == pytest.approx(200_000, rel=0.01)
    assert meter.bitrate_bps(116.2, 10) == pytest.approx(200_000, rel=0.01)
    assert meter.whole_seconds(116.2) == 15
    assert meter.bitrate_bps(125.0) == 0


def test_a_connection_that_just_began_is_measured_by_what_there_is() -> None:
    meter = PublisherMeter()
    meter.count(1000, None, 100.9)
    assert (meter.bitrate_bps(100.95), meter.whole_seconds(100.95)) == (8_000, 0)
    meter.count(5000, None, 101.5)
    assert (meter.bitrate_bps(102.1), meter.whole_seconds(102.1)) == (40_000, 1)


def test_what_arrives_as_it_is_stamped_has_no_jitter() -> None:
    meter = PublisherMeter()
    for number in range(100):
        meter.count(1, number * 40, 100 + number * 0.04)
    assert meter.jitter_s == pytest.approx(0, abs=0.001)


def test_what_arrives_now_early_now_late_has_jitter() -> None:
    meter = PublisherMeter()
    for number in range(400):
        meter.count(1, number * 100, 100 + number * 0.1 + (number % 2) * 0.05)
    assert meter.jitter_s == pytest.approx(0.05, rel=0.05)


def test_packets_of_one_read_are_one_arrival() -> None:
    meter = PublisherMeter()
    for number in range(400):
        meter.count(1, number * 25, 100 + (number // 4) * 0.1)
    assert meter.jitter_s == pytest.approx(0, abs=0.001)


def test_a_jump_of_the_publishers_clock_is_no_jitter() -> None:
    meter = PublisherMeter()
    for number in range(100):
        jump = 0 if number < 50 else 3_000_000_000
        meter.count(1, jump + number * 40, 100 + number * 0.04)
    for number in range(50):
        meter.count(1, number * 40, 104 + number * 0.04)
    assert meter.jitter_s == pytest.approx(0, abs=0.001)


def test_stamps_of_90_khz_have_the_same_jitter() -> None:
    steady, shaken = PublisherMeter(90_000), PublisherMeter(90_000)
    for number in range(400):
        steady.count(1, number * 9_000, 100 + number * 0.1)
        shaken.count(1, number * 9_000, 100 + number * 0.1 + (number % 2) * 0.05)
    assert steady.jitter_s == pytest.approx(0, abs=0.001)
    assert shaken.jitter_s == pytest.approx(0.05, rel=0.05)
