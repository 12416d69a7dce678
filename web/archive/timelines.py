"""Rows of stored segments as lines of playlists: what came since the last time is read and written, nothing twice."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final

from config.postgres import Pool
from schemas.journal import captions_file, init_file, segment_file
from schemas.playlist import Segment
from web.archive.lines import Lines
from web.store import media, stored
from web.store.media import SegmentRow, StreamMedia

MAX_LINES: Final = 200_000
"""Segments in memory, some 250 bytes each; beyond it the timelines go that nobody asked for the longest."""


class View(Enum):
    """What a playlist lists of a segment."""

    MEDIA = "media"
    STILLS = "stills"
    """The picture it begins with (RFC 8216bis, 4.4.3.6)."""
    CAPTIONS = "captions"


class Timelines:
    """One per process."""

    def __init__(self, pool: Pool, max_lines: int = MAX_LINES) -> None:
        self._pool = pool
        self._max_lines = max_lines
        self._kept: OrderedDict[tuple[str, str, View, float | None], Lines] = OrderedDict()

    @property
    def count(self) -> int:
        """How many segments are in memory."""
        return sum(map(len, self._kept.values()))

    async def lines(self, stream: StreamMedia, rendition: str, view: View, *, within_s: float | None = None) -> Lines:
        """Return a rendition's segments as they are stored now. `stream` was read just before.

        With `within_s` they begin, at the first call, so long before the end: what was before it may be gone.
        """
        key = (stream.session_id, rendition, view, within_s)
        lines = self._kept.get(key)
        if lines is None:
            first = (0, 0)
            if within_s is not None:
                first = await stored.first_within(self._pool, stream.session_id, rendition, within_s)
            lines = self._kept.setdefault(key, Lines(*first))  # somebody else may have been quicker
        self._kept.move_to_end(key)
        if not lines.is_complete:
            is_final = stream.stored_at is not None
            first_msn = lines.next_msn
            rows = await media.segments(self._pool, stream.session_id, rendition, first_msn=first_msn)
            _grow(lines, rows, rendition, view, is_final=is_final)
            self._make_room()
        return lines

    def _make_room(self) -> None:
        left = self.count - self._max_lines
        while left > 0 and len(self._kept) > 1:
            left -= len(self._kept.popitem(last=False)[1])


def _grow(lines: Lines, rows: Sequence[SegmentRow], rendition: str, view: View, *, is_final: bool) -> None:
    """Add rows that were read from `next_msn` on; somebody else may have added some of them meanwhile."""
    if not len(lines) and rows:
        lines.first_msn = rows[0].msn
    new = [row for row in rows if row.msn >= lines.next_msn]
    for row in unbroken(new, lines.next_msn, is_final=is_final):
        lines.append(segment_of(row, rendition, view), row.start_s)
    lines.is_complete = is_final


def unbroken(rows: Sequence[SegmentRow], next_msn: int, *, is_final: bool) -> Iterator[SegmentRow]:
    """Yield rows that follow each other from `next_msn` on.

    A hole ends it, for what is missing may still come and nothing may be put between what is listed; when nothing more
    will come, holes are gaps.
    """
    end_s = rows[0].start_s if rows else 0.0
    for row in rows:
        if row.msn > next_msn:
            if not is_final:
                return
            yield from _gaps(row, next_msn, end_s)
        yield row
        next_msn, end_s = row.msn + 1, row.start_s + row.duration_s


def _gaps(following: SegmentRow, next_msn: int, end_s: float) -> Iterator[SegmentRow]:
    count = following.msn - next_msn
    duration_s = max(0.001, (following.start_s - end_s) / count)
    for place in range(count):
        start_s = end_s + place * duration_s
        program_ms = following.program_ms - round((following.start_s - start_s) * 1000)
        yield SegmentRow(
            next_msn + place,
            following.map_number,
            start_s,
            duration_s,
            program_ms,
            0,
            0,
            False,
            True,
        )


def segment_of(row: SegmentRow, rendition: str, view: View) -> Segment:
    """Return what a playlist says of a stored segment."""
    is_captions = view is View.CAPTIONS
    is_still = view is View.STILLS
    return Segment(
        uri=captions_file(row.msn) if is_captions else segment_file(rendition, row.msn),
        duration_s=row.duration_s,
        map_uri=None if is_captions else init_file(rendition, row.map_number),
        program_date_time_ms=row.program_ms,
        is_discontinuous=row.is_discontinuous,
        # captions of a gap are none, which is nothing to skip
        is_gap=not is_captions and (row.is_gap or (is_still and not row.still_bytes)),
        byte_range=(row.still_bytes, 0) if is_still and row.still_bytes else None,
    )
