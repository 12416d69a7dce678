"""AV1: av1C ("AV1 Codec ISO Media File Format Binding", section 2.3) and the sequence header OBU (AV1, section 5.5)."""

import msgspec

from media.codecs.bits import BadConfig, Bits, leb128
from media.codecs.h264 import checked_size

SEQUENCE_HEADER = 1
MAX_LEADING_OBUS = 8
"""A sequence header stands at the start of a temporal unit; no further OBUs are looked at."""


class Av1Config(msgspec.Struct, frozen=True):
    """What av1C says. The size is 0x0 when it carries no sequence header."""

    profile: int
    level: int
    is_high_tier: bool
    bit_depth: int
    width: int
    height: int


def parse_av1c(record: bytes) -> Av1Config:
    """Read an AV1CodecConfigurationRecord."""
    if len(record) < 4 or record[0] != 0x81:
        raise BadConfig(f"av1C of {len(record)} bytes, marker and version {record[:1].hex()}")
    width, height = sequence_size(record[4:]) or (0, 0)
    flags = record[2]
    return Av1Config(
        profile=record[1] >> 5,
        level=record[1] & 0x1F,
        is_high_tier=bool(flags & 0x80),
        bit_depth=12 if flags & 0x20 else 10 if flags & 0x40 else 8,
        width=width,
        height=height,
    )


def sequence_size(obus: bytes) -> tuple[int, int] | None:
    """Return width and height of the first sequence header, None when there is none."""
    at = 0
    for _ in range(MAX_LEADING_OBUS):
        if at >= len(obus):
            break
        header = obus[at]
        if header & 0x80:
            raise BadConfig("OBU with the forbidden bit")
        at += 2 if header & 0x04 else 1
        size = len(obus) - at
        if header & 0x02:
            size, at = leb128(obus, at)
        if at + size > len(obus):
            raise BadConfig(f"OBU of {size} bytes, {len(obus) - at} present")
        if header >> 3 & 15 == SEQUENCE_HEADER:
            return parse_sequence_header(obus[at : at + size])
        at += size
    return None


def parse_sequence_header(obu: bytes) -> tuple[int, int]:
    """Return the largest width and height that a sequence header OBU (without its OBU header) allows."""
    bits = Bits(obu)
    bits.u(3)  # seq_profile
    bits.flag()  # still_picture
    if bits.flag():  # reduced_still_picture_header
        bits.u(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.u(4) + 1, bits.u(4) + 1
    width, height = bits.u(width_bits) + 1, bits.u(height_bits) + 1
    return checked_size(width, height)


def _skip_operating_points(bits: Bits) -> None:
    delay_bits = 0
    if bits.flag():  # timing_info_present_flag
        bits.u(64)
        if bits.flag():  # equal_picture_interval
            bits.ue()  # num_ticks_per_picture_minus_1: uvlc() is the same code as ue(v)
        if bits.flag():  # decoder_model_info_present_flag
            delay_bits = bits.u(5) + 1
            bits.u(42)
    has_display_delay = bits.flag()
    for _ in range(bits.u(5) + 1):
        bits.u(12)  # operating_point_idc
        if bits.u(5) > 7:
            bits.flag()  # seq_tier
        if delay_bits and bits.flag():
            bits.u(2 * delay_bits + 1)
        if has_display_delay and bits.flag():
            bits.u(4)
