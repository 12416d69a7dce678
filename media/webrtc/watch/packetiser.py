"""Access units of H.264 as RTP payloads (RFC 6184, packetization-mode 1).

Fragments of one NAL unit have the same size, but for the last: a packet more costs less than an uneven one that some
link cuts.
"""

from collections.abc import Iterator
from struct import Struct

from media.codecs.annexb import nal_units_of, parameter_sets
from media.packets import CodecConfig, Packet

MAX_PAYLOAD_BYTES = 1_180
"""With RTP header and extension, number of a retransmission, SRTP tag, UDP and IPv6 headers it stays below 1280, which
every link of IPv6 carries (RFC 8200, section 5)."""
LEFT_OUT = frozenset({6, 9, 10, 11, 12})
"""SEI, delimiters, ends and filler: players do without."""
IDR, STAP_A, FU_A = 5, 24, 28

_size = Struct(">H").pack


def h264_payloads(config: CodecConfig, packet: Packet, limit: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """Return the payloads of one access unit, in order; keyframes begin with the parameter sets of `config`.

    Nothing for an access unit without pictures. Raises `BadConfig` for a configuration that is torn.
    """
    units = [unit for unit in nal_units_of(config, packet.data) if unit[0] & 0x1F not in LEFT_OUT]
    if not units:
        return []
    if packet.is_keyframe:
        units = parameter_sets(config) + units
    return list(_payloads(units, limit))


def _payloads(units: list[bytes], limit: int) -> Iterator[bytes]:
    small: list[bytes] = []
    room = limit - 1
    for unit in units:
        if len(unit) + 2 > room and small:
            yield _aggregated(small)
            small, room = [], limit - 1
        if len(unit) > limit:
            yield from _fragments(unit, limit)
        else:
            small.append(unit)
            room -= len(unit) + 2
    if small:
        yield _aggregated(small)


def _aggregated(units: list[bytes]) -> bytes:
    """Return a STAP-A (section 5.7.1), or the unit itself where it is alone."""
    if len(units) == 1:
        return units[0]
    # F is set if any unit's is, NRI is the highest of all.
    forbidden = max(unit[0] & 0x80 for unit in units)
    importance = max(unit[0] & 0x60 for unit in units)
    return bytes((forbidden | importance | STAP_A,)) + b"".join(_size(len(unit)) + unit for unit in units)


def _fragments(unit: bytes, limit: int) -> Iterator[bytes]:
    """Yield FU-A (section 5.8): the unit's header is told in two bytes before each part of the rest."""
    indicator, kind = unit[0] & 0xE0 | FU_A, unit[0] & 0x1F
    count = -(-(len(unit) - 1) // (limit - 2))
    part = -(-(len(unit) - 1) // count)
    starts = range(1, len(unit), part)
    for start in starts:
        edge = 0x80 if start == 1 else 0x40 if start == starts[-1] else 0
        yield bytes((indicator, edge | kind)) + unit[start : start + part]
