"""What time of day a moment of media has: EXT-X-PROGRAM-DATE-TIME (RFC 8216bis, 4.4.4.6), which players subtract from
their own clock to tell how far they are behind.

A publisher's clock is off by up to some 50 parts per million, 4 s in a day. The packet that came fastest in the last
minute tells where it is; date-times follow slowly, so that they never contradict the durations beside them.
"""

import math
from collections import deque

PERIOD_S = 60
"""Media time in which the fastest packet is looked for."""
SLEW = 0.001
"""Seconds by which the mapping may move in a second of media, 20 times what a bad clock is off."""
MAX_SEGMENTS = 512
"""Segments whose mapping is remembered; more than any rendition can be behind another."""


class WallClock:
    """The offset from media time to the time of day, one for each media sequence number in all renditions."""

    def __init__(self) -> None:
        self._fastest: deque[tuple[int, float]] = deque()  # least offset seen in each second of media
        self._second = -1
        self._least = math.inf  # in the second that runs
        self._offset_s = 0.0
        self._anchored_at_s: float | None = None
        self._by_msn: dict[int, float] = {}

    def arrive(self, media_s: float, now: float) -> None:
        """A packet came: its media time and the wall clock, both in seconds."""
        offset = now - media_s
        second = int(media_s)
        if second != self._second:
            self._turn(second)
        self._least = min(self._least, offset)

    def _turn(self, second: int) -> None:
        if self._least < math.inf:
            self._fastest.append((self._second, self._least))
        while self._fastest and self._fastest[0][0] <= second - PERIOD_S:
            self._fastest.popleft()
        self._second, self._least = second, math.inf

    def reanchor(self) -> None:
        """Media time goes on from another clock: what is begun from now on has the offset that is measured now."""
        self._fastest.clear()
        self._second, self._least = -1, math.inf
        self._anchored_at_s = None

    def resume(self, offset_s: float) -> None:
        """Go on with the offset that another process has measured, until packets come."""
        self._offset_s = offset_s

    def offset_s(self, msn: int, media_s: float) -> float:
        """Return wall clock minus media time for a segment that begins at `media_s`; it never changes again."""
        known = self._by_msn.get(msn)
        if known is not None:
            return known
        fastest = min((least for _, least in self._fastest), default=math.inf)
        target = min(fastest, self._least)
        if target < math.inf:
            if self._anchored_at_s is None:
                self._offset_s = target
            else:
                most = SLEW * max(media_s - self._anchored_at_s, 0.0)
                self._offset_s += min(max(target - self._offset_s, -most), most)
            self._anchored_at_s = media_s
        self._by_msn[msn] = self._offset_s
        if len(self._by_msn) > MAX_SEGMENTS:
            del self._by_msn[next(iter(self._by_msn))]
        return self._offset_s
