"""Claims of media.limits: what is cut, what just passes, and the sentences."""

import pytest

from media.limits import bitrate_fault, config_fault, duration_fault, frame_rate_fault
from media.packets import CodecConfig, TrackKind
from schemas.ingest import Limits

NONE = Limits()


def picture(width: int, height: int) -> CodecConfig:
    return CodecConfig(TrackKind.VIDEO, "avc1", b"", width=width, height=height)


def sound(rate: int, channels: int) -> CodecConfig:
    return CodecConfig(TrackKind.AUDIO, "mp4a", b"", sample_rate=rate, channels=channels)


@pytest.mark.parametrize(
    "config", [picture(8192, 4320), picture(4320, 8192), picture(0, 0), sound(192_000, 8), sound(1_000, 1), sound(0, 0)]
)
def test_what_decoders_can_take_passes_without_limits(config: CodecConfig) -> None:
    assert config_fault(config, NONE) is None


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (picture(8193, 16), "The picture has 8193x16 pixels; at most 8192x4320 can be sent."),
        (picture(4321, 4321), "The picture has 4321x4321 pixels; at most 8192x4320 can be sent."),
        (picture(16, 8193), "The picture has 16x8193 pixels; at most 8192x4320 can be sent."),
        (sound(48_000, 9), "The sound has 9 channels; at most 8 can be sent."),
        (sound(192_001, 2), "The sound has a sample rate of 192001 Hz; 1000 to 192000 are known."),
        (sound(999, 2), "The sound has a sample rate of 999 Hz; 1000 to 192000 are known."),
    ],
)
def test_what_is_absurd_is_refused_for_everybody(config: CodecConfig, sentence: str) -> None:
    assert config_fault(config, NONE) == sentence


def test_height_is_of_the_shorter_side() -> None:
    limits = Limits(max_height=1080)
    assert config_fault(picture(1920, 1080), limits) is None
    assert config_fault(picture(1080, 1920), limits) is None
    fault = "The picture has 1440x2560 pixels; the shorter side may have 1080 here."
    assert config_fault(picture(1440, 2560), limits) == fault


def test_a_bit_rate_has_ten_per_cent_of_slack() -> None:
    limits = Limits(max_bitrate_bps=6_000_000)
    assert bitrate_fault(6_600_000, limits) is None
    fault = "The stream has 9.2 Mbit/s; at most 6.0 Mbit/s may be sent here."
    assert bitrate_fault(9_200_000, limits) == fault
    assert bitrate_fault(900_000_000, NONE) is None


def test_a_frame_rate_has_five_per_cent_of_slack() -> None:
    assert frame_rate_fault(31.4, Limits(max_frame_rate=30)) is None
    fault = "The picture has 60 frames per second; at most 30 may be sent here."
    assert frame_rate_fault(59.94, Limits(max_frame_rate=30)) == fault
    assert frame_rate_fault(240, NONE) is None
    fault = "The picture has 1000 frames per second; at most 240 may be sent here."
    assert frame_rate_fault(1000, NONE) == frame_rate_fault(1000, Limits(max_frame_rate=500)) == fault


@pytest.mark.parametrize(("seconds", "words"), [(14_400, "4 h"), (5_430, "1 h 30 min 30 s"), (90, "1 min 30 s")])
def test_a_duration_is_said_in_words(seconds: int, words: str) -> None:
    limits = Limits(max_duration_s=seconds)
    assert duration_fault(seconds - 0.1, limits) is None
    assert duration_fault(seconds, limits) == f"The stream has run for {words}, the longest that is allowed here."
    assert duration_fault(1e9, NONE) is None
