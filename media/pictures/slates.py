"""What a slate is: a short coded loop in the shape of a rendition, played while the publisher is away."""

import msgspec

from media.packets import CodecConfig, Packet


class SlateProfile(msgspec.Struct, frozen=True):
    """The shape of one rendition, rounded so that streams share slates. Only H.264 is made."""

    width: int
    height: int
    frame_rate: float


class SlateClip(msgspec.Struct, frozen=True):
    """The coded loop: the first packet is its only keyframe, `dts` = `pts` count from 0 in 90 kHz."""

    config: CodecConfig
    packets: list[Packet]
    duration: int
    """In 90 kHz: where the next round begins."""
