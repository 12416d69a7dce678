"""MPEG-1/2 audio layer III: the frame header (ISO/IEC 11172-3, section 2.4.1.3)."""

import msgspec

from media.codecs.bits import BadConfig

SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""By the version bits: MPEG-1, MPEG-2, MPEG-2.5."""

BIT_RATES_KBPS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Whether it is MPEG-1, then by the bit rate index; 0 is free format."""
MAX_FRAMES = 64
"""In one packet."""


class Mp3Config(msgspec.Struct, frozen=True):
    """What one frame's header says; `size` is 0 in free format, where it isn't said."""

    sample_rate: int
    channels: int
    frame_samples: int
    size: int


def parse_frame_header(frame: bytes) -> Mp3Config:
    """Read the four bytes at the start of a frame."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE6 != 0xE2:
        raise BadConfig(f"not an MPEG layer III frame: {frame[:4].hex()}")
    version, rate = frame[1] >> 3 & 3, frame[2] >> 2 & 3
    bit_rate = frame[2] >> 4
    if version == 1 or rate == 3 or bit_rate == 15:
        raise BadConfig(f"reserved MPEG version {version}, bit rate {bit_rate} or sample rate {rate}")
    channels = 1 if frame[3] >> 6 == 3 else 2
    sample_rate, samples = SAMPLE_RATES[version][rate], 1152 if version == 3 else 576
    kbps = BIT_RATES_KBPS[version == 3][bit_rate]
    size = samples * kbps * 125 // sample_rate + (frame[2] >> 1 & 1) if kbps else 0
    return Mp3Config(sample_rate, channels, samples, size)


def samples(packet: bytes) -> int:
    """Return the samples of a packet of one or more frames; what follows them, as tags do, has none."""
    frame = parse_frame_header(packet)
    total, at = frame.frame_samples, frame.size
    for _ in range(MAX_FRAMES - 1):
        if not frame.size or at >= len(packet):
            break
        try:
            frame = parse_frame_header(packet[at : at + 4])
        except BadConfig:
            break
        total += frame.frame_samples
        at += frame.size
    return total
