"""What encoders give out, as the packager wants it: length-prefixed NAL units with avcC, OBUs with av1C."""

from collections.abc import Iterator

from media.codecs import av1
from media.codecs.bits import BadConfig, Bits, leb128

SPS, PPS, ACCESS_UNIT_DELIMITER = 7, 8, 9
HIGH_PROFILES = frozenset({100, 110, 122, 144})
TEMPORAL_DELIMITER, SEQUENCE_HEADER = 2, 1

_START = b"\x00\x00\x01"


def nal_units(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B byte stream (ITU-T H.264, annex B.1), without the zeros around them."""
    at = stream.find(_START)
    while at >= 0:
        following = stream.find(_START, at + 3)
        unit = stream[at + 3 : following if following >= 0 else len(stream)].rstrip(b"\x00")
        if unit:
            yield unit
        at = following


def avcc_from_annexb(stream: bytes) -> bytes | None:
    """Return the avcC (ISO/IEC 14496-15, 5.3.3.1) of the first SPS and PPS of 4:2:0 video, None without both."""
    units = list(nal_units(stream))
    sps = next((unit for unit in units if unit[0] & 0x1F == SPS and len(unit) > 3), None)
    pps = next((unit for unit in units if unit[0] & 0x1F == PPS), None)
    if sps is None or pps is None:
        return None
    record = b"\x01" + sps[1:4] + b"\xff\xe1" + len(sps).to_bytes(2, "big") + sps
    record += b"\x01" + len(pps).to_bytes(2, "big") + pps
    if sps[1] in HIGH_PROFILES:
        record += b"\xfd\xf8\xf8\x00"  # chroma_format 4:2:0, 8 bits each, no SPS extensions
    return record


def length_prefixed(stream: bytes) -> bytes:
    """Return an Annex B access unit as a sample of an avc1 track: what avcC holds and delimiters are left out."""
    return b"".join(
        len(unit).to_bytes(4, "big") + unit
        for unit in nal_units(stream)
        if unit[0] & 0x1F not in {SPS, PPS, ACCESS_UNIT_DELIMITER}
    )


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
