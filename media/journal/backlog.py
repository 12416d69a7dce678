"""What a journal has yet to write, in its order, bounded by what viewers can see: older segments are given up whole."""

from collections.abc import Callable, Sequence

from media.journal.files import Entry, entry_of
from schemas import journal
from schemas.journal import Record

PENDING_S = 60.0
"""Media that waits for the disk at most, or eight target durations if that is longer: as long as the live window."""
MAX_PENDING = 50_000
"""Entries that wait at most; beyond it the oldest go that say nothing of the session as a whole."""

_Key = tuple[str, int]


class Backlog:
    """Entries from when they are added until they are written. `on_lost` is told of each segment that is given up."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.entries: list[Entry] = []
        self._on_lost = on_lost
        self._kept_s = PENDING_S
        self._begun: dict[_Key, journal.SegmentBegun] = {}  # segments that are not written to their end
        self._lengths: dict[_Key, float] = {}  # seconds of those that are complete, or of their parts so far
        self._closed: set[_Key] = set()
        self._end_s = 0.0

    def add(self, record: Record, data: bytes) -> None:
        """Append a record with its bytes."""
        match record:
            case journal.PartAdded():
                key = record.rendition, record.msn
                self._lengths[key] = self._lengths.get(key, 0.0) + record.duration_s
            case journal.SegmentBegun():
                self._begun[record.rendition, record.msn] = record
            case journal.SegmentClosed():
                key = record.rendition, record.msn
                if key in self._begun:
                    self._closed.add(key)
                    self._lengths[key] = record.duration_s
                    self._end_s = max(self._end_s, self._end_of(key))
            case journal.Planned():
                self._kept_s = max(PENDING_S, 8.0 * record.target_duration_s)
        self.entries.append(entry_of(record, data))

    def restore(self, records: Sequence[Record]) -> dict[str, int]:
        """Take over what is written already; return the sizes of the segments in progress by file name."""
        sizes: dict[_Key, int] = {}
        for record in records:
            self.add(record, b"")
            match record:
                case journal.SegmentBegun():
                    sizes[record.rendition, record.msn] = 0
                case journal.PartAdded():
                    sizes[record.rendition, record.msn] = record.offset + record.size
                case journal.SegmentClosed() | journal.SegmentLost():
                    sizes.pop((record.rendition, record.msn), None)
                    self._forget((record.rendition, record.msn))
            self.entries.clear()
        return {journal.segment_file(*key): size for key, size in sizes.items()}

    def take(self) -> list[Entry]:
        """Hand everything over to whoever writes it."""
        entries, self.entries = self.entries, []
        return entries

    def put_back(self, entries: list[Entry]) -> None:
        """Take back what could not be written: it comes before what was added since."""
        self.entries = entries + self.entries

    def wrote(self, entries: Sequence[Entry]) -> list[_Key]:
        """Note that these are on disk; return the segments that are complete there now."""
        stored = []
        for entry in entries:
            record = entry.record
            if isinstance(record, journal.SegmentClosed | journal.SegmentLost):
                key = record.rendition, record.msn
                if isinstance(record, journal.SegmentClosed):
                    stored.append(key)
                self._forget(key)
        return stored

    def _forget(self, key: _Key) -> None:
        self._begun.pop(key, None)
        self._lengths.pop(key, None)
        self._closed.discard(key)

    # --- what is given up ------------------------------------------------------------------------------------

    def shed(self) -> None:
        """Give up the segments that no viewer can see any more."""
        for key in [key for key in self._closed if self._end_s - self._end_of(key) > self._kept_s]:
            self._lose(key)
        excess = len(self.entries) - MAX_PENDING
        if excess > 0:
            kept = [entry for entry in self.entries[:excess] if _is_of_session(entry.record)]
            self.entries = kept + self.entries[excess:]

    def lose_all(self) -> None:
        """Give up all segments that are not on disk."""
        for key in list(self._begun):
            self._lose(key)

    def _end_of(self, key: _Key) -> float:
        return self._begun[key].start_s + self._lengths.get(key, 0.0)

    def _lose(self, key: _Key) -> None:
        """Put one line in the place of a segment's; those that are written, or are being written, stay."""
        kept: list[Entry] = []
        place: int | None = None
        for entry in self.entries:
            if _segment_of(entry.record) == key:
                place = len(kept) if place is None else place
            else:
                kept.append(entry)
        if place is None:
            return  # a thread is writing it
        begun = self._begun[key]
        lost = journal.SegmentLost(
            begun.rendition,
            begun.msn,
            begun.map_number,
            begun.start_s,
            begun.clock_offset_s,
            self._lengths.get(key, 0.0),
            begun.is_discontinuous,
        )
        kept.insert(place, entry_of(lost, b""))
        self.entries = kept
        self._forget(key)
        self._on_lost()


def _segment_of(record: Record) -> _Key | None:
    if isinstance(record, journal.SegmentBegun | journal.PartAdded | journal.SegmentClosed):
        return record.rendition, record.msn
    return None


def _is_of_session(record: Record) -> bool:
    return isinstance(record, journal.Begun | journal.Planned)
