"""One track on its way to one viewer: RTP headers, retransmissions, what was sent. No I/O."""

import secrets
from struct import Struct

from media.webrtc.answers import STREAM, AcceptedMedia
from media.webrtc.watch.history import History, Unit
from media.webrtc.watch.reports import sender_report

PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
"""An extension that tells a player how long it may wait: two times 12 bits, in 10 ms."""
LONGEST_DELAY = 50
"""10 ms: what a player may wait at most, when its network wants it; at least it may not wait at all."""
RETRANSMITTED_SHARE = 0.5
"""Of what was sent may be sent again: a viewer that loses more is on a link that this would only fill."""
FIRST_RETRANSMITTED_BYTES = 100_000
"""That may be sent again at once."""

_header = Struct(">BBHII").pack
_number = Struct(">H").pack


class TrackSender:
    """Packets of one track's `history` with this viewer's numbers, as `accepted` has them."""

    def __init__(self, accepted: AcceptedMedia, history: History) -> None:
        self.ssrc = accepted.ssrc
        self.packets = self.octets = self.retransmitted = 0
        self.last_timestamp: int | None = None
        """Of what was sent last, unbounded."""
        self._history = history
        self._rtx_ssrc = accepted.rtx_ssrc
        self._payload_type = accepted.codec.payload_type
        self._rtx_payload_type = accepted.codec.rtx if accepted.rtx_ssrc else None
        self._extension = _playout_delay(accepted.extensions.get(PLAYOUT_DELAY, 0))
        self._first_number: int | None = None
        self._floor = 0  # packets before it have other sequence numbers, or were never sent
        # In the lower half, so that no peer loses count of wraps when the first packets are lost (RFC 3711, 3.3.1).
        self._first_sequence = secrets.randbelow(1 << 15)
        self._next_number = 0
        self._rtx_sequence = secrets.randbelow(1 << 15)
        self._may_retransmit = float(FIRST_RETRANSMITTED_BYTES)

    def send(self, unit: Unit) -> list[bytes]:
        """Return an access unit as packets; what was between it and the last one is left out without a gap."""
        if self._first_number is None:
            self._first_number = self._next_number = self._floor = unit.first
        elif unit.first != self._next_number:
            self._first_number += unit.first - self._next_number
            self._floor = unit.first
        self._next_number = unit.first + len(unit.payloads)
        head, extension = self._head(unit)
        sequence = unit.first - self._first_number + self._first_sequence
        timestamp, ssrc, kind, last = (
            unit.timestamp & 0xFFFF_FFFF,
            self.ssrc,
            self._payload_type,
            len(unit.payloads) - 1,
        )
        packets = [
            _header(head, kind if at < last else kind | 0x80, (sequence + at) & 0xFFFF, timestamp, ssrc)
            + extension
            + payload
            for at, payload in enumerate(unit.payloads)
        ]
        size = unit.size
        self.packets += len(packets)
        self.octets += size
        self.last_timestamp = unit.timestamp
        self._may_retransmit = min(self._may_retransmit + size * RETRANSMITTED_SHARE, FIRST_RETRANSMITTED_BYTES)
        return packets

    def retransmit(self, sequence: int) -> bytes | None:
        """Return a lost packet again (RFC 4588, section 4, where negotiated); None: it is gone, or it was too much."""
        if self._first_number is None:
            return None
        behind = (self._next_number - self._first_number + self._first_sequence - sequence) & 0xFFFF
        number = self._next_number - behind
        unit = self._history.find(number)
        if not behind or number < self._floor or unit is None:
            return None
        at = number - unit.first
        payload = unit.payloads[at]
        if len(payload) > self._may_retransmit:
            return None
        self._may_retransmit -= len(payload)
        self.retransmitted += 1
        marker = 0x80 if at == len(unit.payloads) - 1 else 0
        head, extension = self._head(unit)
        timestamp = unit.timestamp & 0xFFFF_FFFF
        if self._rtx_payload_type is None:
            return _header(head, marker | self._payload_type, sequence, timestamp, self.ssrc) + extension + payload
        again = _header(head, marker | self._rtx_payload_type, self._rtx_sequence, timestamp, self._rtx_ssrc)
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        return again + extension + _number(sequence) + payload

    def report(self, ntp_time: int) -> bytes:
        """Return a sender report: `ntp_time` is what the last packet's time stamp stands for."""
        assert self.last_timestamp is not None
        return sender_report(self.ssrc, STREAM, ntp_time, self.last_timestamp, (self.packets, self.octets))

    def _head(self, unit: Unit) -> tuple[int, bytes]:
        """Keyframes tell the playout delay, which players remember; the others need no extension."""
        return (0x90, self._extension) if unit.is_keyframe and self._extension else (0x80, b"")


def _playout_delay(extension_id: int) -> bytes:
    """Return the header extension (RFC 8285, section 4.2), b"" when it was not negotiated."""
    if not 0 < extension_id < 15:
        return b""
    return b"\xbe\xde\x00\x01" + bytes((extension_id << 4 | 2,)) + LONGEST_DELAY.to_bytes(3, "big")
