"""The segments of a playlist as text: written once, joined as often as somebody asks.

A playlist of 2 h has 3,600 segments. It grows by one every 2 s and is asked for by many; only what is new is written.
"""

from array import array
from bisect import bisect_left, bisect_right

from schemas.playlist import Segment, write_map, write_segment


class Lines:
    """Closed segments that follow each other, from `first_msn` on. Times are media time in seconds.

    An index is a segment's place in here; a playlist begins at one of them.
    """

    def __init__(self, first_msn: int = 0, discontinuities: int = 0) -> None:
        """`discontinuities`: how many there were before the first one."""
        self.first_msn = first_msn
        self.discontinuities = discontinuities
        self.is_complete = False
        """Nothing will be added."""
        self._texts: list[str] = []
        self._maps: list[str | None] = []
        self._starts = array("d")
        self._ends = array("d")
        self._breaks = array("l")  # discontinuities up to and with this one

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def next_msn(self) -> int:
        """The number of the segment that follows."""
        return self.first_msn + len(self._texts)

    @property
    def end_s(self) -> float:
        """Where the newest segment ends."""
        return self._ends[-1] if self._ends else 0.0

    def start_of(self, index: int) -> float:
        """Return where a segment begins."""
        return self._starts[index]

    def append(self, segment: Segment, start_s: float) -> None:
        """Write the next segment."""
        assert segment.duration_s is not None
        self._texts.append(write_segment(segment, self._maps[-1] if self._maps else None))
        self._maps.append(segment.map_uri)
        self._starts.append(start_s)
        self._ends.append(start_s + segment.duration_s)
        self._breaks.append((self._breaks[-1] if self._breaks else 0) + segment.is_discontinuous)

    def first_within(self, window_s: float) -> int:
        """Return the index of the first segment of which something lies within this time before the end."""
        return bisect_right(self._ends, self.end_s - window_s)

    def discontinuities_before(self, index: int) -> int:
        """Return EXT-X-DISCONTINUITY-SEQUENCE of a playlist that begins at `index`: the tags that left (4.4.3.3)."""
        return self.discontinuities + (self._breaks[index - 1] if index else 0)

    def skippable(self, index: int, boundary_s: float) -> int:
        """Return how many segments of a playlist from `index` on lie whole before the skip boundary (6.2.5.1)."""
        # Ends are sums of floats: a hair less than the boundary is not before it.
        return max(0, bisect_left(self._ends, self.end_s - boundary_s + 1e-6) - index)

    def written(self, index: int, skip: int = 0) -> list[str]:
        """Return the lines of a playlist from `index` on without its first `skip` segments."""
        texts = self._texts[index + skip :]
        if skip == 0 and index and texts:
            map_uri = self._maps[index]
            if map_uri is not None and map_uri == self._maps[index - 1]:  # nobody is told by the one before any more
                texts[0] = f"{write_map(map_uri)}\n{texts[0]}"
        return texts
