"""H.264 out of RTP (RFC 6184): payloads in order become access units as byte streams, without decoding. Sans-IO."""

import msgspec

from media.webrtc.whip.rtp import RtpPacket, unwrapped

MAX_UNIT_BYTES = 8 << 20
"""Of one access unit; a keyframe of 4K at 50 Mb/s has 2 MB."""
START = b"\x00\x00\x00\x01"
SPS, STAP_A, FU_A = 7, 24, 28


class AccessUnit(msgspec.Struct, frozen=True):
    """`timestamp` is RTP's, unwrapped; `data` a byte stream (annex B); `is_whole` False: something of it is missing."""

    timestamp: int
    data: bytes
    is_whole: bool


class Depacketizer:
    """Collects the payloads of one access unit after the other."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._bytes = 0
        self._timestamp = -1
        self._is_whole = True
        self._in_fragment = False

    def add(self, packet: RtpPacket) -> list[AccessUnit]:
        """Take the next packet and return what it completes: it ends its own unit (marker) or begins another."""
        done: list[AccessUnit] = []
        near = packet.timestamp if self._timestamp < 0 else self._timestamp
        timestamp = unwrapped(packet.timestamp, near, 32)
        if timestamp != self._timestamp:
            done += self._ended()
            self._timestamp = timestamp
        if packet.payload:
            if not self._parts and _begins_sequence(packet.payload):
                self._is_whole = True  # what was lost was of the unit before
            self._take(packet.payload)
        if packet.marker:
            done += self._ended()
        return done

    def gap(self) -> list[AccessUnit]:
        """Note that packets are missing here: of this unit, or of the next, or both."""
        done = self._ended(is_whole=False)
        self._is_whole = False
        return done

    def _ended(self, *, is_whole: bool = True) -> list[AccessUnit]:
        whole = self._is_whole and is_whole and not self._in_fragment
        parts, self._parts, self._bytes = self._parts, [], 0
        self._in_fragment = False
        if not parts:
            return []  # a gap before the first packet of a unit goes on being one of the unit
        self._is_whole = True
        return [AccessUnit(self._timestamp, b"".join(parts), whole)]

    def _take(self, payload: bytes) -> None:
        kind = payload[0] & 0x1F
        self._bytes += len(payload) + len(START)
        if self._bytes > MAX_UNIT_BYTES:
            self._parts, self._is_whole = [], False
        elif kind == FU_A:
            self._fragment(payload)
        elif self._in_fragment:
            self._is_whole = self._in_fragment = False
        elif kind == STAP_A:
            self._aggregate(payload)
        elif 1 <= kind <= 23:
            self._parts += (START, payload)
        else:  # packetization-mode 2 (section 5.4), which we never accept
            self._is_whole = False

    def _aggregate(self, payload: bytes) -> None:
        """Section 5.7.1: sizes and units."""
        at, end = 1, len(payload)
        while at + 2 < end:
            size = payload[at] << 8 | payload[at + 1]
            at += 2
            if not size or at + size > end:
                self._is_whole = False
                return
            self._parts += (START, payload[at : at + size])
            at += size

    def _fragment(self, payload: bytes) -> None:
        """Section 5.8: the unit's header is in two halves; start and end are marked."""
        if len(payload) < 3:
            self._is_whole = False
            return
        is_start, is_end = bool(payload[1] & 0x80), bool(payload[1] & 0x40)
        if is_start:
            self._is_whole = self._is_whole and not self._in_fragment
            self._parts += (START, bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)))
        elif not self._in_fragment:
            self._is_whole = False
            return
        self._parts.append(payload[2:])
        self._in_fragment = not is_end


def _begins_sequence(payload: bytes) -> bool:
    """Whether a payload begins with an SPS, which is the first of its access unit (H.264, section 7.4.1.2.3)."""
    kind = payload[0] & 0x1F
    return kind == SPS or (kind == STAP_A and len(payload) > 3 and payload[3] & 0x1F == SPS)
