"""One track's RTP packets, numbered and kept for all viewers: for the GOP that a new viewer begins with, and for those
that ask for what they lost (RFC 4585, section 6.2.1).
"""

from collections.abc import Sequence

import msgspec

KEPT_PACKETS = 2_048
"""A viewer asks for lost packets within a round trip or two: this is a second of 20 Mb/s."""
MAX_GOP_PACKETS = 16_384
"""19 MB. Who comes later in a GOP that is longer begins with the next one."""


class Unit(msgspec.Struct, frozen=True):
    """An access unit as payloads; the first has number `first`, the others follow. `timestamp` is RTP's, unbounded."""

    first: int
    payloads: Sequence[bytes]
    timestamp: int
    is_keyframe: bool

    @property
    def size(self) -> int:
        """Bytes of payload."""
        return sum(map(len, self.payloads))


class History:
    """Numbers what is added, from 0, and keeps the last `KEPT_PACKETS` packets and the GOP that runs."""

    def __init__(self) -> None:
        self.gop: list[Unit] = []
        """From the last keyframe on; empty when there was none, or its GOP is too long to be kept."""
        self.next_number = 0
        self._gop_packets = 0
        self._places: list[tuple[int, Unit] | None] = [None] * KEPT_PACKETS

    def add(self, payloads: Sequence[bytes], timestamp: int, *, is_keyframe: bool) -> Unit:
        """Number the next access unit."""
        unit = Unit(self.next_number, payloads, timestamp, is_keyframe)
        for number in range(unit.first, unit.first + len(payloads)):
            self._places[number % KEPT_PACKETS] = (number, unit)
        self.next_number += len(payloads)
        if is_keyframe:
            self.gop, self._gop_packets = [], 0
        if is_keyframe or self.gop:
            self.gop.append(unit)
            self._gop_packets += len(payloads)
            if self._gop_packets > MAX_GOP_PACKETS:
                self.gop = []
        return unit

    def interrupt(self) -> None:
        """What was added last has no sequel: new viewers begin with the next keyframe."""
        self.gop, self._gop_packets = [], 0

    def find(self, number: int) -> Unit | None:
        """Return the access unit of a packet, None when it is too old or has not been."""
        place = self._places[number % KEPT_PACKETS]
        return place[1] if place is not None and place[0] == number else None
