"""RTP packets as they come (RFC 3550, section 5.1; RFC 8285). Errors: `BadRtp`."""

from struct import Struct

import msgspec

ONE_BYTE, TWO_BYTE = 0xBEDE, 0x1000
"""Profiles of header extensions (RFC 8285, sections 4.2 and 4.3); the second's low four bits are the application's."""

_header = Struct(">BBHII")
_two = Struct(">HH")


class BadRtp(Exception):
    """No RTP packet."""


class RtpPacket(msgspec.Struct, gc=False):
    """One packet. `wide_sequence` is transport-cc's number, -1 without one. `unwrapped` is given by the receiver."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    wide_sequence: int = -1
    unwrapped: int = 0


def read_rtp(data: bytes, wide_id: int = 0) -> RtpPacket:
    """Read a packet; `wide_id` is transport-cc's extension id, 0 without. Raises `BadRtp`."""
    if len(data) < _header.size:
        raise BadRtp(f"{len(data)} bytes")
    first, second, sequence, timestamp, ssrc = _header.unpack_from(data)
    if first >> 6 != 2:
        raise BadRtp(f"version {first >> 6}")
    start, end = _header.size + 4 * (first & 0x0F), len(data)
    wide = -1
    if first & 0x10:
        if start + 4 > end:
            raise BadRtp("torn extension")
        profile, words = _two.unpack_from(data, start)
        start, extension = start + 4 + 4 * words, start + 4
        if wide_id and start <= end:
            wide = _wide_sequence(data, extension, start, profile, wide_id)
    if first & 0x20 and end:
        end -= data[-1]  # padding
    if start > end:
        raise BadRtp("torn header or padding")
    return RtpPacket(second & 0x7F, second > 127, sequence, timestamp, ssrc, data[start:end], wide)


def _wide_sequence(data: bytes, at: int, end: int, profile: int, wide_id: int) -> int:
    """Find one two-byte extension among the others."""
    is_one_byte = profile == ONE_BYTE
    if not is_one_byte and profile & 0xFFF0 != TWO_BYTE:
        return -1
    while at < end:
        if data[at] == 0:  # padding
            at += 1
            continue
        if is_one_byte:
            number, size = data[at] >> 4, (data[at] & 0x0F) + 1
            at += 1
        elif at + 1 < end:
            number, size = data[at], data[at + 1]
            at += 2
        else:
            return -1
        if number == wide_id and size == 2 and at + 2 <= end:
            return data[at] << 8 | data[at + 1]
        if is_one_byte and number == 15:  # reserved: nothing behind it can be read
            return -1
        at += size
    return -1


def without_rtx(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket | None:
    """Return what a retransmission repeats (RFC 4588, section 4), None for an empty one (a probe of bandwidth)."""
    if len(packet.payload) <= 2:
        return None
    sequence = packet.payload[0] << 8 | packet.payload[1]
    return RtpPacket(payload_type, packet.marker, sequence, packet.timestamp, ssrc, packet.payload[2:])


def unwrapped(number: int, near: int, bits: int) -> int:
    """Return the full number whose low `bits` are `number` and that is nearest to `near`."""
    half = 1 << (bits - 1)
    return near + ((number - near + half) & ((1 << bits) - 1)) - half
