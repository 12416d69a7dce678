"""Which decoded pictures a rung shows, and which of them are keyframes: decided by time stamps alone.

Every rung asks the same questions of the same stamps, so keyframes have identical stamps in all of them.
"""

import heapq
import math
from collections import deque

from media.packets import VIDEO_TIMESCALE

MIN_KEYFRAME_GAP = VIDEO_TIMESCALE * 95 // 100
"""A source keyframe sooner than this after the last one becomes an ordinary picture: it would cost quality."""
LONG_GOP = 4 * VIDEO_TIMESCALE
"""A source with longer GOPs does not set the pace: the rungs get keyframes of their own."""
OWN_GAP = 2 * VIDEO_TIMESCALE
MAX_PENDING = 64
"""Boundaries that no picture has reached yet; more of them are a decoder that gives out nothing."""
SPEEDS = 31
"""Pictures whose distances are looked at for the source's frame rate."""
FOLLOWS = 0.25
"""How much of a picture's distance from the plan moves the plan."""
SLOWER = 1.05
"""A source this much faster than the cap still shows every picture (30 against 29.97)."""


class KeyframePolicy:
    """Tells at which pictures all rungs put a keyframe. Stamps in 90 kHz, pictures in the order they are shown."""

    def __init__(self) -> None:
        self._boundaries: list[int] = []  # a heap
        self._last_idr: int | None = None
        self._last_source_key: int | None = None
        self._has_long_gop = False
        self._is_asked = True

    def expect_boundary(self, pts: int) -> None:
        """A segment begins with the picture of this stamp, or with the first one behind it."""
        if len(self._boundaries) < MAX_PENDING:
            heapq.heappush(self._boundaries, pts)

    def ask(self) -> None:
        """The next picture must be a keyframe, whatever it is."""
        self._boundaries.clear()
        self._last_source_key = None
        self._is_asked = True

    def is_keyframe(self, pts: int, *, is_source_key: bool) -> bool:
        """Tell whether this picture is coded as an IDR picture."""
        is_boundary = self._is_asked
        while self._boundaries and self._boundaries[0] <= pts:
            heapq.heappop(self._boundaries)
            is_boundary = True
        since_key = pts - self._last_source_key if self._last_source_key is not None else 0
        if is_source_key:
            if self._last_source_key is not None:
                self._has_long_gop = since_key > LONG_GOP
            self._last_source_key = pts
        gap = pts - self._last_idr if self._last_idr is not None else 0
        is_own = gap >= OWN_GAP and (self._has_long_gop or since_key > LONG_GOP)
        if not (is_boundary or is_own or (is_source_key and gap >= MIN_KEYFRAME_GAP)):
            return False
        self._last_idr = pts
        self._is_asked = False
        return True


class Pace:
    """Leaves out pictures of a source that is faster than `frame_rate`, evenly: 60 becomes 30, and 50 becomes 25."""

    def __init__(self, frame_rate: float) -> None:
        self._cap = VIDEO_TIMESCALE / frame_rate if frame_rate > 0 else 0.0
        self._distances: deque[int] = deque(maxlen=SPEEDS)
        self._last: int | None = None
        self._due = -math.inf

    def wants(self, pts: int, *, is_keyframe: bool) -> bool:
        """Tell whether the picture is shown; keyframes always are. Ask for every picture, in order."""
        if self._last is not None and 0 < pts - self._last < VIDEO_TIMESCALE:
            self._distances.append(pts - self._last)
        self._last = pts
        usual = sum(self._distances) / len(self._distances) if self._distances else self._cap
        every = 1 if self._cap <= usual * SLOWER else math.ceil(self._cap / usual - (SLOWER - 1))
        if every == 1:
            self._due = pts + usual
            return True
        late = pts - self._due
        if not is_keyframe and late < -usual / 2:
            return False
        # The plan follows the stamps slowly, so that their rounding and jitter do not shift it; but a source that
        # paused, or a keyframe out of turn, begins a new plan.
        self._due = self._due + late * FOLLOWS if abs(late) <= usual / 2 else float(pts)
        self._due += every * usual
        return True
