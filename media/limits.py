"""What a publisher may send: hard bounds that hold for everybody, and the grant's; a fault is a sentence.

The hard ones are far beyond what cameras send and short of what makes decoders eat the machine.
"""

from media.packets import CodecConfig, TrackKind
from schemas.ingest import Limits

MAX_LONG_SIDE, MAX_SHORT_SIDE = 8192, 4320
MAX_FRAME_RATE = 240
MAX_CHANNELS = 8
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1_000, 192_000
BITRATE_PERIOD_S = 10
"""A limited bit rate is the mean of so many whole seconds: keyframes and scene cuts are no fault."""
BITRATE_SLACK = 1.10
"""Encoders miss their target by some per cent, and audio comes on top."""
FRAME_RATE_SLACK = 1.05


def config_fault(config: CodecConfig, limits: Limits) -> str | None:
    """Return why this configuration may not be sent, or None."""
    if config.kind is TrackKind.VIDEO:
        return _picture_fault(config.width, config.height, limits)
    if config.channels > MAX_CHANNELS:
        return f"The sound has {config.channels} channels; at most {MAX_CHANNELS} can be sent."
    if config.sample_rate and not MIN_SAMPLE_RATE <= config.sample_rate <= MAX_SAMPLE_RATE:
        return (
            f"The sound has a sample rate of {config.sample_rate} Hz; {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} are known."
        )
    return None


def _picture_fault(width: int, height: int, limits: Limits) -> str | None:
    long_side, short_side = max(width, height), min(width, height)
    if long_side > MAX_LONG_SIDE or short_side > MAX_SHORT_SIDE:
        return f"The picture has {width}x{height} pixels; at most {MAX_LONG_SIDE}x{MAX_SHORT_SIDE} can be sent."
    if limits.max_height and short_side > limits.max_height:
        return f"The picture has {width}x{height} pixels; the shorter side may have {limits.max_height} here."
    return None


def bitrate_fault(bitrate_bps: int, limits: Limits) -> str | None:
    """Return why this mean of `BITRATE_PERIOD_S` may not be sent, or None."""
    most = limits.max_bitrate_bps
    if not most or bitrate_bps <= most * BITRATE_SLACK:
        return None
    return f"The stream has {bitrate_bps / 1e6:.1f} Mbit/s; at most {most / 1e6:.1f} Mbit/s may be sent here."


def frame_rate_fault(frame_rate: float, limits: Limits) -> str | None:
    """Return why this measured frame rate may not be sent, or None."""
    most = min(limits.max_frame_rate or MAX_FRAME_RATE, MAX_FRAME_RATE)
    if frame_rate <= most * FRAME_RATE_SLACK:
        return None
    return f"The picture has {frame_rate:.0f} frames per second; at most {most} may be sent here."


def duration_fault(running_s: float, limits: Limits) -> str | None:
    """Return why a stream may not run any longer, or None."""
    most = limits.max_duration_s
    if not most or running_s < most:
        return None
    return f"The stream has run for {_span(most)}, the longest that is allowed here."


def _span(seconds: int) -> str:
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    words = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else ""]
    return " ".join(word for word in words if word)
