"""Reads journals: at the start of ingest as a whole, and in the storage process line by line as they grow.

Reading ends at the first line that is not valid, whatever follows: it is torn, or its writer is still at it.
"""

import os
from pathlib import Path

import msgspec

from media.journal.lines import MAX_LINE_BYTES, BadLine, OtherVersion, begun_of, record_of
from schemas.journal import Record

READ_BYTES = MAX_LINE_BYTES
"""Taken of a journal at a time: some thousand lines."""


class ForeignJournal(Exception):
    """This is not a journal, or one of another version: nothing of it may be used, and nothing be written to it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Contents(msgspec.Struct, frozen=True):
    """What a journal says. `records` is empty when its writer was killed before the first line was whole."""

    records: list[Record]
    valid_bytes: int
    """Up to here it is valid; the next writer goes on from here."""
    is_torn: bool
    """Whether something follows that is not valid."""
    is_broken: bool = False
    """Whether that has a whole line in it: it is not torn, it is damaged."""


def read_journal(path: Path) -> Contents:
    """Return the whole of a journal. Raises `ForeignJournal`, and `OSError` when it cannot be read."""
    tail = JournalTail(path)
    records: list[Record] = []
    while more := tail.read():
        records += more
    return Contents(records, tail.valid_bytes, tail.size > tail.valid_bytes, tail.is_broken)


class JournalTail:
    """Reads a journal from its beginning, and what is added to it; no file stays open between calls."""

    def __init__(self, path: Path) -> None:
        self.valid_bytes = 0
        """How much of the journal has been read: whole valid lines."""
        self.size = 0
        """Of the journal when it was last looked at."""
        self.is_broken = False
        """Whether a whole line follows that is not valid: nothing after it is read unless a writer repairs it."""
        self._path = path
        self._seen = (-1, -1)  # size and time of change when there was nothing valid any more

    def read(self) -> list[Record]:
        """Return the records that were added since the last call, at most those of `READ_BYTES`; none: that is all.

        Raises `ForeignJournal` for a bad first line or another version, and `OSError` when it cannot be read.
        """
        status = os.stat(self._path)
        self.size, seen = status.st_size, (status.st_size, status.st_mtime_ns)
        if seen == self._seen:
            return []
        with self._path.open("rb", buffering=0) as file:
            data = os.pread(file.fileno(), READ_BYTES, self.valid_bytes)
        records = self._records(data)
        if not records:
            self._seen = seen
        return records

    def _records(self, data: bytes) -> list[Record]:
        records: list[Record] = []
        begin = 0
        self.is_broken = False
        while (end := data.find(b"\n", begin)) >= 0:
            try:
                records.append(self._record(data[begin:end]))
            except BadLine:
                self.is_broken = True
                break
            self.valid_bytes += end + 1 - begin
            begin = end + 1
        return records

    def _record(self, line: bytes) -> Record:
        if self.valid_bytes:
            return record_of(line)
        try:
            return begun_of(line)
        except (BadLine, OtherVersion) as error:
            raise ForeignJournal(self._path, str(error)) from error
