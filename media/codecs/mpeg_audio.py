"""MPEG-1/2 audio frames of layers II and III: header and size (ISO/IEC 11172-3, section 2.4.1.3; 13818-3)."""

from media.codecs import mp3
from media.codecs.bits import BadConfig

LAYER_2_SAMPLES = 1152
LAYER_2_KBPS = {
    True: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Whether it is MPEG-1, then by the bit rate index; 0 is free format."""


def frame_layer(frame: bytes) -> int:
    """Return 2 or 3. Raises `BadConfig`."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        raise BadConfig(f"not an MPEG audio frame: {frame[:4].hex()}")
    layer = 4 - (frame[1] >> 1 & 3)
    if layer not in {2, 3}:
        raise BadConfig(f"MPEG audio of layer {layer}")
    return layer


def parse_layer2_header(frame: bytes) -> mp3.Mp3Config:
    """Read the header of a layer II frame."""
    if frame_layer(frame) != 2:
        raise BadConfig("not a frame of layer II")
    version, rate, bit_rate = frame[1] >> 3 & 3, frame[2] >> 2 & 3, frame[2] >> 4
    if version == 1 or rate == 3 or bit_rate == 15:
        raise BadConfig(f"reserved MPEG version {version}, bit rate {bit_rate} or sample rate {rate}")
    sample_rate, kbps = mp3.SAMPLE_RATES[version][rate], LAYER_2_KBPS[version == 3][bit_rate]
    size = 144 * kbps * 1000 // sample_rate + (frame[2] >> 1 & 1) if kbps else 0
    return mp3.Mp3Config(sample_rate, 1 if frame[3] >> 6 == 3 else 2, LAYER_2_SAMPLES, size)


def frame_size(frame: bytes) -> int:
    """Return the bytes of a frame of either layer. Raises `BadConfig`, also for free format, where it isn't said."""
    header = mp3.parse_frame_header(frame) if frame_layer(frame) == 3 else parse_layer2_header(frame)
    if not header.size:
        raise BadConfig("MPEG audio of free format")
    return header.size
