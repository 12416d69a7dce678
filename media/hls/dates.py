"""Timed metadata in playlists: EXT-X-DATERANGE while its time is listed (RFC 8216bis, 4.4.5.1)."""

from collections import deque

import msgspec

from media.packets import Cue
from schemas import playlist as text

MAX_LISTED = 128
"""Date ranges in one playlist; the oldest makes room, for every player fetches all of them with each playlist."""
REMOVED_S = 60.0
"""Media time for which it is remembered that a range has left; no skip boundary is longer."""


class _Dated(msgspec.Struct):
    """A range and the media time at which it was added, or removed."""

    range: text.DateRange
    since_s: float
    end_s: float


class DateRanges:
    """All of one stream, the same in each of its playlists. Times are media time in seconds."""

    def __init__(self) -> None:
        self._listed: dict[str, _Dated] = {}
        self._removed: deque[_Dated] = deque()
        self._first_s = 0.0
        self._now_s = 0.0

    def add(self, cue: Cue, clock_offset_s: float) -> bool:
        """List it; False for an id that is listed already, whose attributes may not change, and what is over."""
        end_s = cue.start_s + (cue.duration_s or 0.0)
        if cue.cue_id in self._listed or end_s < self._first_s:
            return False
        date_range = text.DateRange(
            range_id=cue.cue_id,
            class_name=cue.class_name,
            start_ms=round((cue.start_s + clock_offset_s) * 1000),
            duration_s=cue.duration_s,
            attributes=cue.fields,
        )
        self._listed[cue.cue_id] = _Dated(date_range, self._now_s, end_s)
        if len(self._listed) > MAX_LISTED:
            self._remove(next(iter(self._listed)))
        return True

    def advance(self, first_s: float, now_s: float) -> None:
        """The playlists now list media from `first_s` to `now_s`."""
        self._first_s, self._now_s = first_s, now_s
        for range_id in [range_id for range_id, dated in self._listed.items() if dated.end_s < first_s]:
            self._remove(range_id)
        while self._removed and self._removed[0].since_s < now_s - REMOVED_S:
            self._removed.popleft()

    def _remove(self, range_id: str) -> None:
        dated = self._listed.pop(range_id)
        dated.since_s = self._now_s
        self._removed.append(dated)

    def listed(self) -> list[text.DateRange]:
        """Return all that playlists show, in the order in which they came."""
        return [dated.range for dated in self._listed.values()]

    def recent(self, within_s: float) -> list[text.DateRange]:
        """Return those that were added in the last seconds: what a delta update may not leave out (6.2.5.1)."""
        return [dated.range for dated in self._listed.values() if dated.since_s >= self._now_s - within_s]

    def recently_removed(self, within_s: float) -> list[str]:
        """Return the ids of those that left in the last seconds."""
        return [dated.range.range_id for dated in self._removed if dated.since_s >= self._now_s - within_s]
