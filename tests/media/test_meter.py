"""What the health page shows of a track."""

import pytest

from media.meter import TrackMeter
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
