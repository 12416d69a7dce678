"""What a slate is: a short coded loop in the shape of a rendition, played while the publisher is away."""

from fractions import Fraction

import msgspec

from media.packets import CodecConfig, Packet

USUAL_RATES = (
    Fraction(10), Fraction(12), Fraction(15), Fraction(20), Fraction(24000, 1001), Fraction(24), Fraction(25),
    Fraction(30000, 1001), Fraction(30), Fraction(48), Fraction(50), Fraction(60000, 1001), Fraction(60),
)  # fmt: skip
"""Frames per second of slates. A faster rendition gets 60: nothing moves on a slate."""
DEFAULT_RATE = Fraction(30)
MAX_SIDE, MIN_SIDE = 8192, 32
"""Pixels; what is outside gets the nearest."""


class SlateProfile(msgspec.Struct, frozen=True):
    """The shape of one rendition, rounded so that streams share slates (see `profile_of`). Only H.264 is made."""

    width: int
    height: int
    frame_rate: float


class SlateClip(msgspec.Struct, frozen=True):
    """The coded loop: the first packet is its only keyframe, `dts` = `pts` count from 0 in 90 kHz."""

    config: CodecConfig
    packets: list[Packet]
    duration: int
    """In 90 kHz: where the next round begins."""


def profile_of(width: int, height: int, frame_rate: float) -> SlateProfile:
    """Return the profile of a rendition: even sides, a usual rate; a rate of 0 is unknown."""
    return SlateProfile(_side(width), _side(height), float(usual_rate(frame_rate)))


def usual_rate(frame_rate: float) -> Fraction:
    """Return the nearest of the rates that slates have: 29.97 is 30000/1001."""
    if frame_rate <= 0:
        return DEFAULT_RATE
    return min(USUAL_RATES, key=lambda rate: abs(float(rate) - frame_rate))


def _side(pixels: int) -> int:
    return max(MIN_SIDE, min(MAX_SIDE, pixels + pixels % 2))
