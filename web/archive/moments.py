"""Moments of a stream and times in its recording: EXT-X-PROGRAM-DATE-TIME (RFC 8216bis, 4.4.4.6) and back.

While a publisher was gone and nothing was recorded, the clock went on and the recording did not: what happened then
belongs to the time at which it goes on.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from config.postgres import Pool
from web.archive.timelines import unbroken
from web.store import media
from web.store.media import SegmentRow, StreamMedia

EVEN_MS: Final = 50
"""Clock and media may drift so far apart within what counts as one piece."""
MAX_RECORDINGS: Final = 512
"""In memory: usually a piece or two each, of some hundred bytes."""


class Piece(msgspec.Struct):
    """An unbroken stretch: moments from `from_ms` to `to_ms`, of which the first is at `start_ms` of media time."""

    from_ms: int
    to_ms: int
    start_ms: float


class Moments:
    """Of what one playlist lists, in its order. Times are ms from the beginning of the playlist."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._origin_ms = 0.0
        self._end_ms = 0.0
        self.next_msn = 0
        self.is_complete = False
        """Nothing will be added."""

    def add(self, rows: Iterable[SegmentRow]) -> None:
        """Take segments in that follow each other."""
        for row in rows:
            if not self._end_ms and not self._pieces:
                self._origin_ms = row.start_s * 1000
            self._add(row)
            self.next_msn = row.msn + 1

    def _add(self, row: SegmentRow) -> None:
        start_ms, length_ms = row.start_s * 1000 - self._origin_ms, row.duration_s * 1000
        self._end_ms = start_ms + length_ms
        last = self._pieces[-1] if self._pieces else None
        # A clock that was put back: those moments were before.
        from_ms = row.program_ms if last is None else max(row.program_ms, last.to_ms)
        to_ms = row.program_ms + round(length_ms)
        if to_ms <= from_ms:
            return
        start_ms += from_ms - row.program_ms
        if last is not None and from_ms - last.to_ms <= EVEN_MS:
            drift_ms = (start_ms - last.start_ms) - (from_ms - last.from_ms)
            if abs(drift_ms) <= EVEN_MS:
                last.to_ms = to_ms
                return
        self._pieces.append(Piece(from_ms, to_ms, start_ms))

    @property
    def end_ms(self) -> float:
        """How long it is by now."""
        return self._end_ms

    def time_of(self, moment_ms: int) -> float | None:
        """Return where a moment is shown; None for what was before the first and after the last picture."""
        index = bisect_right(self._pieces, moment_ms, key=lambda piece: piece.from_ms) - 1
        if index < 0:
            return None
        piece = self._pieces[index]
        if moment_ms < piece.to_ms:
            return piece.start_ms + moment_ms - piece.from_ms
        return self._pieces[index + 1].start_ms if index + 1 < len(self._pieces) else None

    def moment_of(self, time_ms: float) -> int | None:
        """Return the first moment that is shown at this time or later; behind the end the end. None when empty."""
        if not self._pieces:
            return None
        index = bisect_left(self._pieces, time_ms, key=lambda piece: piece.start_ms) - 1
        if index < 0:
            return self._pieces[0].from_ms
        piece = self._pieces[index]
        return min(piece.to_ms, piece.from_ms + round(time_ms - piece.start_ms))


class Recordings:
    """The moments of recordings, of those asked for last. One per process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: OrderedDict[str, Moments] = OrderedDict()

    async def moments(self, stream: StreamMedia, rendition: str) -> Moments:
        """Return those of a recording as it is stored now. `stream` was read just before. Raises as databases do."""
        moments = self._kept.setdefault(stream.session_id, Moments())
        self._kept.move_to_end(stream.session_id)
        while len(self._kept) > MAX_RECORDINGS:
            self._kept.popitem(last=False)
        if not moments.is_complete:
            is_final = stream.stored_at is not None
            rows = await media.segments(self._pool, stream.session_id, rendition, first_msn=moments.next_msn)
            # somebody else may have been quicker
            new = [row for row in rows if row.msn >= moments.next_msn]
            first_msn = moments.next_msn or (new[0].msn if new else 0)
            moments.add(unbroken(new, first_msn, is_final=is_final))
            moments.is_complete = is_final
        return moments
