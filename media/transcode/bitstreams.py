"""What encoders of AV1 give out, as the packager wants it: OBUs without delimiters, with av1C."""

from collections.abc import Iterator

from media.codecs import av1
from media.codecs.bits import BadConfig, Bits, leb128

TEMPORAL_DELIMITER, SEQUENCE_HEADER = 2, 1


def obus(unit: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield type, whole bytes and payload of each OBU of a temporal unit (AV1, section 5.3.1)."""
    at = 0
    while at < len(unit):
        start, header = at, unit[at]
        at += 2 if header & 0x04 else 1
        size = len(unit) - at
        if header & 0x02:
            size, at = leb128(unit, at)
        if at + size > len(unit):
            raise BadConfig(f"OBU of {size} bytes, {len(unit) - at} present")
        yield header >> 3 & 15, unit[start : at + size], unit[at : at + size]
        at += size


def without_delimiters(unit: bytes) -> bytes:
    """Return a temporal unit as a sample of an av01 track ("AV1 Codec ISO Media File Format Binding", 2.4)."""
    return b"".join(whole for kind, whole, _ in obus(unit) if kind != TEMPORAL_DELIMITER)


def av1c_from_obus(unit: bytes) -> bytes | None:
    """Return the av1C body of 8-bit 4:2:0 video of the main profile, None without a sequence header."""
    for kind, whole, payload in obus(unit):
        if kind == SEQUENCE_HEADER:
            av1.parse_sequence_header(payload)
            level, tier = _operating_point(payload)
            return bytes((0x81, level, tier << 7 | 0x0C, 0)) + whole
    return None


def _operating_point(sequence_header: bytes) -> tuple[int, int]:
    """Return level and tier of the first operating point (AV1, section 5.5.1) of a stream without timing info."""
    bits = Bits(sequence_header)
    profile, _still, is_reduced = bits.u(3), bits.flag(), bits.flag()
    if profile or is_reduced or bits.flag():
        raise BadConfig(f"AV1 sequence of profile {profile}, reduced or with timing info")
    bits.flag()  # initial_display_delay_present_flag
    bits.u(5 + 12)  # operating_points_cnt_minus_1, operating_point_idc[0]
    level = bits.u(5)
    return level, bits.u(1) if level > 7 else 0
