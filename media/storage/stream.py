"""One session on its way from the spool to storage: what to store next, what to tell, and what may go.

Everything here is for the loop's thread; the ledger and the journal are the only files it touches.
"""

import heapq
import os
from collections import deque
from pathlib import Path

import msgspec
import structlog

from media.journal.reader import JournalTail
from media.storage.boards import Boards
from media.storage.catalog import FILES_LANE, Catalog, Piece, Span
from media.storage.ledger import CueKept, Finished, Kept, Ledger, Missing, Note, Skipped
from media.storage.playlists import Playlists
from media.storage.telling import Telling
from schemas.ids import SessionId
from schemas.journal import JOURNAL_FILE, UPLOADS_FILE, Ended, InitMade, PictureStored
from schemas.storage import MediaEvent, StreamStored

log = structlog.get_logger()


class Lane(msgspec.Struct):
    """Pieces of one rendition, or the files beside the media, oldest first."""

    waiting: list[tuple[int, Piece]]
    not_before: float = 0.0
    """On the loop's clock: after a fault of its first piece."""
    in_flight: int = 0


class KeptFile(msgspec.Struct, gc=False):
    """A segment's file that is in storage and still in the spool."""

    name: str
    size: int
    end_s: float


class StoredStream:
    """A session of the spool. Opening raises `ForeignJournal`, `OtherLedger` and `OSError`."""

    def __init__(self, folder: Path, now: float) -> None:
        self.folder = folder
        self.session_id = SessionId(folder.name)
        self.catalog = Catalog()
        self.playlists = Playlists(self.catalog)
        self.events: deque[tuple[int, MediaEvent]] = deque()
        """What is to be told, each with the number of notes that are told with it."""
        self.waiting_bytes = 0
        """Of what is not in storage."""
        self.kept_bytes = 0
        """Of what is in storage and still here."""
        self.dropped = 0
        self.in_flight = 0
        self.finished: StreamStored | None = None
        self.kept_files: dict[str, deque[KeptFile]] = {}
        self._lanes: dict[str, Lane] = {}
        self._kept_inits: set[str] = set()
        self._cues_kept = 0
        self._unwritten: deque[Note] = deque()
        self._boards = Boards()
        self._telling = Telling(self.catalog)
        self._tail = JournalTail(folder / JOURNAL_FILE)
        self._here: frozenset[str] | None = frozenset(os.listdir(folder))
        """While the notes of another process are taken in: what is still in the spool."""
        while records := self._tail.read():
            self.catalog.add(records, now)
        self._ledger = Ledger(folder / UPLOADS_FILE)
        self._replay(now)

    def _replay(self, now: float) -> None:
        self._start()
        if self._ledger.told:
            self.events.clear()
        self._take_tiles()
        for note in self._ledger.notes:
            self._take(note, now)
        self._ledger.notes.clear()
        self._here = None
        self.catalog.new_cues = self.catalog.new_cues[self._cues_kept :]
        self.catalog.new_gaps = [one for one in self.catalog.new_gaps if (one.rendition, one.msn) in self.catalog.spans]
        self.catalog.new = [piece for piece in self.catalog.new if piece.name in self.catalog.pieces]
        self._sort_in(now)

    # --- what the journal says -----------------------------------------------------------------------------

    def read(self, now: float) -> bool:
        """Take in what is new in the journal; whether there was anything. Raises `OSError`."""
        records = self._tail.read()
        if records:
            self.catalog.add(records, now)
            self._start()
            self._take_tiles()
            self._sort_in(now)
        elif self._unwritten:
            self._write(now)
        return bool(records)

    def end(self, reason: str, at_ms: int, now: float) -> None:
        """Take the journal's end for the session's: nobody will write to it."""
        self.catalog.finish(Ended(reason, at_ms), now)
        self._start()
        self._sort_in(now)

    def _start(self) -> None:
        if (event := self._telling.start()) is not None:
            self.events.append((0, event))

    def _take_tiles(self) -> None:
        for tile in self.catalog.new_tiles:
            self._boards.add(tile)
        self.catalog.new_tiles.clear()

    def _sort_in(self, now: float) -> None:
        catalog = self.catalog
        self._unwritten.extend(Missing(span.rendition, span.msn) for span in catalog.new_gaps)
        self._unwritten.extend(CueKept(number) for number in catalog.new_cues)
        catalog.new_gaps, catalog.new_cues = [], []
        self._place_new()
        self._write(now)

    def _place_new(self) -> None:
        for piece in self.catalog.new:
            lane = self._lanes.setdefault(piece.lane, Lane([]))
            heapq.heappush(lane.waiting, (piece.order, piece))
            self.waiting_bytes += piece.size
        self.catalog.new.clear()

    # --- what is to be stored ------------------------------------------------------------------------------

    def next_piece(self, now: float) -> Piece | None:
        """Take the oldest piece whose turn it is: not before its initialization section is confirmed."""
        best: Lane | None = None
        for name, lane in self._lanes.items():
            self._skip_unplayable(lane, now)
            if not lane.waiting or lane.not_before > now or lane.waiting[0][1].needs in self.catalog.pieces:
                continue
            if lane.in_flight and name == FILES_LANE:  # a newer picture or list replaces the older: one at a time
                continue
            if best is None or lane.waiting[0][0] < best.waiting[0][0]:
                best = lane
        if best is None:
            return None
        self.in_flight += 1
        best.in_flight += 1
        return heapq.heappop(best.waiting)[1]

    def _skip_unplayable(self, lane: Lane, now: float) -> None:
        """Without its initialization section a segment is of no use."""
        while lane.waiting and (needs := lane.waiting[0][1].needs):
            if needs in self._kept_inits or needs in self.catalog.pieces:
                return
            self._lose(heapq.heappop(lane.waiting)[1], now)

    def kept(self, piece: Piece, sha256: str, now: float) -> None:
        """Note that a piece is in storage."""
        self._landed(piece)
        self.waiting_bytes -= piece.size
        self._unwritten.append(Kept(piece.name, piece.size, sha256))
        self._write(now)

    def gone(self, piece: Piece, now: float) -> None:
        """Note that the file of a piece that was taken is not there."""
        self._landed(piece)
        self._lose(piece, now)

    def back(self, piece: Piece, not_before: float) -> None:
        """Give a piece back that could not be stored."""
        lane = self._landed(piece)
        heapq.heappush(lane.waiting, (piece.order, piece))
        lane.not_before = max(lane.not_before, not_before)

    def _landed(self, piece: Piece) -> Lane:
        lane = self._lanes[piece.lane]
        lane.in_flight -= 1
        self.in_flight -= 1
        return lane

    def _lose(self, piece: Piece, now: float) -> None:
        self.waiting_bytes -= piece.size
        span = piece.fact
        self._unwritten.append(Missing(span.rendition, span.msn) if isinstance(span, Span) else Skipped(piece.name))
        self._write(now)

    # --- what may be dropped -------------------------------------------------------------------------------

    def droppable(self, before_s: float) -> list[Piece]:
        """Return segments that wait and of which no live playlist speaks: they ended so long before the newest."""
        found = []
        for lane in self._lanes.values():
            for _, piece in lane.waiting:
                span = piece.fact
                if isinstance(span, Span) and (
                    self.catalog.ended is not None or span.end_s < self.catalog.newest_s[span.rendition] - before_s
                ):
                    found.append(piece)
        return found

    def drop(self, pieces: list[Piece], now: float) -> None:
        """Give up segments that wait: they are gaps from now on."""
        dropped = {piece.name for piece in pieces}
        for lane in self._lanes.values():
            lane.waiting = [one for one in lane.waiting if one[1].name not in dropped]
            heapq.heapify(lane.waiting)
        for piece in pieces:
            self.dropped += 1
            self._lose(piece, now)

    # --- what is noted and told ----------------------------------------------------------------------------

    def _write(self, now: float) -> None:
        """Write notes down; what the disk does not take is tried again with the next reading."""
        while self._unwritten:
            try:
                self._ledger.add(self._unwritten[0])
            except OSError as error:
                log.debug("note not written", session=self.session_id, error=str(error))
                return
            self._take(self._unwritten.popleft(), now)

    def _take(self, note: Note, now: float) -> None:
        match note:
            case Kept():
                self._keep(note, now)
            case CueKept():
                self._cues_kept += 1
            case Finished():
                self.finished = note.stored
            case _:
                pass
        events = self._telling.take(note)
        for event in events:
            self.playlists.add(event)
        if self._telling.taken > self._ledger.told:
            self.events.extend((self._telling.taken, event) for event in events)

    def _keep(self, note: Kept, now: float) -> None:
        piece = self.catalog.pieces.get(note.name)
        match piece.fact if piece else None:
            case InitMade():
                self._kept_inits.add(note.name)
            case Span() as span if self._here is None or note.name in self._here:
                file = KeptFile(note.name, note.size, span.end_s)
                self.kept_files.setdefault(span.rendition, deque()).append(file)
                self.kept_bytes += note.size
            case PictureStored(kind="sheet") as sheet:
                if (listed := self._boards.list(sheet)) is not None:
                    self.catalog.add_text(*listed, now)
                    if self._here is None:
                        self._place_new()
            case _:
                pass

    def tell(self, notes: int) -> None:
        """Note that web has been told all events up to this number of notes. Raises `OSError`."""
        if notes > self._ledger.told:
            self._ledger.tell(notes)

    @property
    def is_drained(self) -> bool:
        """Whether the session is over and every piece of it is in storage or given up."""
        is_empty = not any(lane.waiting for lane in self._lanes.values()) and not self._unwritten
        return self.catalog.ended is not None and is_empty and not self.in_flight

    def oldest_waiting_at(self) -> float | None:
        """Return when the oldest piece that waits was read from the journal."""
        return min((lane.waiting[0][1].seen_at for lane in self._lanes.values() if lane.waiting), default=None)

    @property
    def waiting(self) -> int:
        """How many pieces are not in storage."""
        return sum(len(lane.waiting) for lane in self._lanes.values()) + self.in_flight

    def finish(self, index_name: str, now: float) -> None:
        """Note that everything is in storage. It is drained, and its index is stored."""
        ended = self.catalog.ended
        assert ended is not None
        stored = StreamStored(
            session_id=self.session_id,
            ended_at_ms=ended.at_ms,
            reason=ended.reason,
            duration_s=max(self.catalog.newest_s.values(), default=0.0),
            total_bytes=self._telling.total_bytes,
            segments=dict(self._telling.segments),
            index_name=index_name,
        )
        self._unwritten.append(Finished(stored))
        self._write(now)

    @property
    def is_told(self) -> bool:
        """Whether web knows the end of it."""
        return self.finished is not None and not self.events and not self._unwritten

    def close(self) -> None:
        """Let go of the files."""
        self._ledger.close()
