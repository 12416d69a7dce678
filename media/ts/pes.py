"""Headers of packetized elementary streams, and their time stamps (ISO/IEC 13818-1, 2.4.3.6 and 2.4.3.7)."""

import msgspec

CLOCK_HZ = 90_000
STAMP_MASK = (1 << 33) - 1
VIDEO_ID, AUDIO_ID, PRIVATE_ID = 0xE0, 0xC0, 0xBD
_PTS, _DTS = 0x80, 0x40
_START = b"\0\0\1"


class PesHeader(msgspec.Struct, frozen=True):
    """`payload_at` is where the payload begins; `size` is the whole packet's, 0 where it is not said."""

    payload_at: int
    size: int
    pts: int | None
    dts: int | None


def parse_pes_header(data: bytes) -> PesHeader | None:
    """Read the start of a PES packet; None when it is none, or not all of its header is here."""
    if len(data) < 9 or data[:3] != _START or data[6] & 0xC0 != 0x80:
        return None
    flags, payload_at = data[7], 9 + data[8]
    if len(data) < payload_at:
        return None
    pts = dts = None
    if flags & _PTS and data[8] >= 5:
        pts = dts = _stamp(data, 9)
        if flags & _DTS and data[8] >= 10:
            dts = _stamp(data, 14)
    length = int.from_bytes(data[4:6], "big")
    return PesHeader(payload_at, 6 + length if length else 0, pts, dts)


def _stamp(data: bytes, at: int) -> int:
    high, middle, low = data[at] >> 1 & 7, data[at + 1 : at + 3], data[at + 3 : at + 5]
    return high << 30 | int.from_bytes(middle, "big") >> 1 << 15 | int.from_bytes(low, "big") >> 1


def pes_header(stream_id: int, payload_bytes: int, pts: int, dts: int) -> bytes:
    """Return a header with the stamps modulo 2^33; a payload that is too long for its field is of unsaid length."""
    pts, dts = pts & STAMP_MASK, dts & STAMP_MASK
    if pts == dts:
        flags, stamps = _PTS, _written(2, pts)
    else:
        flags, stamps = _PTS | _DTS, _written(3, pts) + _written(1, dts)
    length = 3 + len(stamps) + payload_bytes
    # data_alignment_indicator: an access unit begins here
    head = _START + bytes((stream_id,)) + (length if length <= 0xFFFF else 0).to_bytes(2, "big")
    return head + bytes((0x84, flags, len(stamps))) + stamps


def _written(mark: int, stamp: int) -> bytes:
    value = mark << 36 | (stamp >> 30) << 33 | 1 << 32 | (stamp >> 15 & 0x7FFF) << 17 | 1 << 16
    return (value | (stamp & 0x7FFF) << 1 | 1).to_bytes(5, "big")
