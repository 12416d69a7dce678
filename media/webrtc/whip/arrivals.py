"""When packets came, told back to their sender, which finds out from it how much the way carries: browsers ramp up
within seconds instead of minutes. draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1. Sans-IO.
"""

from struct import Struct

from media.webrtc.whip.feedback import TRANSPORT_FEEDBACK
from media.webrtc.whip.rtp import unwrapped

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
FORMAT = 15
TICKS_PER_S = 4_000
"""Of receive deltas: 250 us."""
REFERENCE_TICKS = 256
"""Of the reference time: 64 ms."""
MAX_NUMBERS = 400
"""Covered by one feedback packet; it stays below an MTU. What is older when it is full is left out."""
MAX_LEAP = 2_000
"""A greater step of the numbers is a sender that began anew."""
ABSENT, SMALL, LARGE = 0, 1, 2

_head = Struct(">BBHIIHH")


class Arrivals:
    """Collects the arrivals since the last feedback."""

    def __init__(self, ours: int) -> None:
        self._ours = ours
        self._arrived: dict[int, int] = {}
        self._next: int | None = None
        self._highest = 0
        self._count = 0

    def add(self, sequence: int, at_s: float) -> None:
        """Take a packet's transport-wide number."""
        if self._next is None:
            self._next = self._highest = sequence
        number = unwrapped(sequence, self._highest, 16)
        if abs(number - self._highest) > MAX_LEAP:
            self._arrived.clear()
            self._next = self._highest = number
        self._highest = max(self._highest, number)
        if number >= self._next and number not in self._arrived:
            self._arrived[number] = int(at_s * TICKS_PER_S)

    def feedback(self, theirs: int) -> bytes | None:
        """Return the feedback on what came since the last, None without any. Call it about every 50 ms."""
        if not self._arrived or self._next is None:
            return None
        last = self._highest
        base = max(self._next, last - MAX_NUMBERS + 1)
        self._next = last + 1
        arrived = {number: ticks for number, ticks in self._arrived.items() if number >= base}
        self._arrived.clear()
        first_ticks = arrived[min(arrived)]
        reference = first_ticks // REFERENCE_TICKS
        symbols, deltas = self._deltas(arrived, base, last, reference * REFERENCE_TICKS)
        body = (reference & 0xFFFFFF) << 8 | self._count
        self._count = (self._count + 1) & 0xFF
        payload = body.to_bytes(4, "big") + _chunks(symbols) + deltas
        padding = -len(payload) % 4
        if padding:
            payload += bytes(padding - 1) + bytes((padding,))
        head = _head.pack(
            0x80 | (0x20 if padding else 0) | FORMAT,
            TRANSPORT_FEEDBACK,
            4 + (len(payload) - 4) // 4,
            self._ours,
            theirs,
            base & 0xFFFF,
            len(symbols),
        )
        return head + payload

    @staticmethod
    def _deltas(arrived: dict[int, int], base: int, last: int, reference: int) -> tuple[list[int], bytes]:
        symbols: list[int] = []
        deltas = bytearray()
        before = reference
        for number in range(base, last + 1):
            ticks = arrived.get(number)
            if ticks is None:
                symbols.append(ABSENT)
                continue
            delta = ticks - before
            if 0 <= delta <= 0xFF:
                symbols.append(SMALL)
                deltas.append(delta)
            else:
                delta = min(max(delta, -0x8000), 0x7FFF)
                symbols.append(LARGE)
                deltas += delta.to_bytes(2, "big", signed=True)
            before += delta
        return symbols, bytes(deltas)


def _chunks(symbols: list[int]) -> bytes:
    """Return runs of one symbol where they pay (section 3.1.3), else seven symbols in a chunk (section 3.1.4)."""
    out = bytearray()
    at = 0
    while at < len(symbols):
        run = at
        while run < len(symbols) and symbols[run] == symbols[at] and run - at < 0x1FFF:
            run += 1
        if run - at >= 7 or run == len(symbols):
            out += (symbols[at] << 13 | run - at).to_bytes(2, "big")
            at = run
            continue
        seven = (symbols[at : at + 7] + [ABSENT] * 7)[:7]
        value = 0
        for symbol in seven:
            value = value << 2 | symbol
        out += (0xC000 | value).to_bytes(2, "big")
        at += 7
    return bytes(out)
