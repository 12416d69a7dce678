"""MPEG-1/2 audio layer III: the frame header (ISO/IEC 11172-3, section 2.4.1.3)."""

import msgspec

from media.codecs.bits import BadConfig

SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""By the version bits: MPEG-1, MPEG-2, MPEG-2.5."""


class Mp3Config(msgspec.Struct, frozen=True):
    """What one frame's header says."""

    sample_rate: int
    channels: int
    frame_samples: int


def parse_frame_header(frame: bytes) -> Mp3Config:
    """Read the four bytes at the start of a frame."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE6 != 0xE2:
        raise BadConfig(f"not an MPEG layer III frame: {frame[:4].hex()}")
    version, rate = frame[1] >> 3 & 3, frame[2] >> 2 & 3
    if version == 1 or rate == 3:
        raise BadConfig(f"reserved MPEG version {version} or sample rate {rate}")
    channels = 1 if frame[3] >> 6 == 3 else 2
    return Mp3Config(SAMPLE_RATES[version][rate], channels, 1152 if version == 3 else 576)
