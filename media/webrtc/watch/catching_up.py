"""How a new viewer gets the GOP that runs: faster than it was made, and not all at once, which no link takes."""

from collections import deque
from collections.abc import Iterable

from media.webrtc.watch.history import MAX_GOP_PACKETS, Unit

LEAST_BPS = 20_000_000
"""A GOP of two seconds at 2.5 Mb/s takes a quarter of a second."""
TIMES_THE_STREAM = 6.0
TICK_S = 0.005
"""Between two bursts: 13 kB at the least rate, less than any buffer on the way."""
LATEST_S = 0.05
"""What was not sent because nobody called is not made up for beyond this."""


class CatchingUp:
    """What a viewer has yet to get before it is live. `now` in seconds of one clock."""

    def __init__(self, gop: Iterable[Unit], stream_bps: float, now: float) -> None:
        self._waiting = deque(gop)
        self._packets = 0  # that were added since there was room for all
        self._rate = max(LEAST_BPS, TIMES_THE_STREAM * stream_bps) / 8
        self._may_send = self._rate * TICK_S
        self._asked = now

    @property
    def is_done(self) -> bool:
        """Nothing waits: what comes next can go at once."""
        return not self._waiting

    def add(self, unit: Unit) -> None:
        """Queue a live unit behind the others. Where too many wait, go on with the next keyframe instead of them."""
        if self._packets > MAX_GOP_PACKETS:
            if not unit.is_keyframe:
                return
            self._waiting.clear()
            self._packets = 0
        self._waiting.append(unit)
        self._packets += len(unit.payloads)

    def take(self, now: float) -> list[Unit]:
        """Return what may be sent now."""
        self._may_send = min(self._may_send + (now - self._asked) * self._rate, self._rate * LATEST_S)
        self._asked = now
        units = []
        while self._waiting and self._may_send > 0:
            unit = self._waiting.popleft()
            self._may_send -= unit.size
            units.append(unit)
        return units
