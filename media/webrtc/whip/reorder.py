"""Packets of one SSRC in order again: what is missing is asked for, waited for, and given up after a while. Sans-IO."""

import msgspec

from media.webrtc.whip.rtp import RtpPacket, unwrapped

MAX_WAITING = 2_048
"""Packets that wait behind a missing one: a second of 20 Mb/s. Full: what is missing is given up."""
MAX_LEAP = 1_024
"""Numbers that are missing at once; a greater leap is a publisher that began anew."""
FIRST_ASK_S = 0.005
"""Packets of one burst change their order on the way; before this nothing is asked for again."""
SHORTEST_ASK_S, LONGEST_ASK_S = 0.02, 0.2
"""Between two times that the same packet is asked for; in between it is the round trip and a little."""
MAX_ASKED = 64
"""Numbers in one NACK."""


class Gap(msgspec.Struct, frozen=True):
    """Packets that will not come; `count` is 0 where a publisher began anew."""

    count: int


class _Missing(msgspec.Struct):
    since_s: float
    next_ask_s: float
    was_asked: bool = False


class Reorder:
    """Takes packets as they come, returns them in order. `hold_s`: how long a missing one is waited for."""

    def __init__(self, hold_s: float) -> None:
        self.received = self.lost = self.recovered = self.dropped = 0
        """Packets: taken; missing when they should have come; of these, those that came in time; given up."""
        self.highest = self.first = -1
        """Unwrapped sequence numbers; -1 before the first."""
        self._hold_s = hold_s
        self._next = 0
        self._waiting: dict[int, RtpPacket] = {}
        self._missing: dict[int, _Missing] = {}

    def add(self, packet: RtpPacket, now_s: float) -> list[RtpPacket | Gap]:
        """Take a packet and return what is in order now."""
        out: list[RtpPacket | Gap] = []
        if self.highest < 0:
            self._begin(packet.sequence)
        number = packet.unwrapped = unwrapped(packet.sequence, self.highest, 16)
        if abs(number - self.highest) > MAX_LEAP:
            out = [*self._flushed(), Gap(0)]
            self._begin(packet.sequence)
            number = packet.unwrapped = packet.sequence
        self.received += 1
        if number > self.highest:
            for each in range(self.highest + 1, number):
                self._missing[each] = _Missing(now_s, now_s + FIRST_ASK_S)
            self.lost += number - self.highest - 1
            self.highest = number
        elif self._missing.pop(number, None) is not None:
            self.recovered += 1
        else:
            self.received -= 1
            return out  # a repetition, or one that was given up
        if number == self._next and not self._waiting:
            self._next += 1
            out.append(packet)
            return out
        self._waiting[number] = packet
        return out + self._in_order(now_s)

    def due(self, now_s: float) -> list[RtpPacket | Gap]:
        """Return what is in order once packets are given up that were waited for long enough."""
        return self._in_order(now_s) if self._waiting else []

    def asked(self, now_s: float, rtt_s: float) -> list[int]:
        """Return the numbers (16 bits) to ask for now (RFC 4585, section 6.2.1)."""
        numbers = []
        pause_s = min(max(rtt_s * 1.2, SHORTEST_ASK_S), LONGEST_ASK_S)
        for number, missing in self._missing.items():
            if now_s >= missing.next_ask_s:
                missing.next_ask_s = now_s + pause_s
                numbers.append(number & 0xFFFF)
                if len(numbers) >= MAX_ASKED:
                    break
        return numbers

    @property
    def is_waiting(self) -> bool:
        """Whether packets are missing."""
        return bool(self._missing)

    def _begin(self, sequence: int) -> None:
        self.first = self._next = sequence
        self.highest = sequence - 1
        self._missing.clear()
        self._waiting.clear()

    def _in_order(self, now_s: float) -> list[RtpPacket | Gap]:
        out: list[RtpPacket | Gap] = []
        while self._waiting:
            packet = self._waiting.pop(self._next, None)
            if packet is not None:
                out.append(packet)
                self._next += 1
                continue
            missing = self._missing.get(self._next)
            is_full = len(self._waiting) > MAX_WAITING or len(self._missing) > MAX_WAITING
            if missing is not None and now_s - missing.since_s < self._hold_s and not is_full:
                break
            out.append(self._given_up())
        return out

    def _given_up(self) -> Gap:
        """Leave out everything up to the first packet that is there."""
        reached = min(self._waiting)
        count = reached - self._next
        for number in range(self._next, reached):
            self._missing.pop(number, None)
        self._next = reached
        self.dropped += count
        return Gap(count)

    def _flushed(self) -> list[RtpPacket | Gap]:
        out: list[RtpPacket | Gap] = []
        for number in sorted(self._waiting):
            if number != self._next:
                self.dropped += number - self._next
                out.append(Gap(number - self._next))
            out.append(self._waiting[number])
            self._next = number + 1
        return out
