"""The files of one session as they are written: the journal, segments to which parts are added, small ones at once.

Every write says where it goes, so that what is written again after a failure lies where it was, and what was torn is
written over. For one thread at a time.
"""

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from media.journal.lines import line_of
from schemas import journal
from schemas.journal import JOURNAL_FILE, Record


class Entry(msgspec.Struct, frozen=True):
    """A record, and the bytes that have to be on disk before its line is."""

    record: Record
    line: bytes
    data: bytes = b""
    file: str = ""
    offset: int = 0


class Written(msgspec.Struct, frozen=True):
    """How many entries are on disk with their lines, and why not all of them."""

    count: int
    reason: str = ""


def entry_of(record: Record, data: bytes) -> Entry:
    """Return the entry of a record; a part lies in its segment, other bytes have a file of their own."""
    file, offset = "", 0
    match record:
        case journal.PartAdded():
            file, offset = journal.segment_file(record.rendition, record.msn), record.offset
        case journal.InitMade():
            file = journal.init_file(record.rendition, record.number)
        case journal.CaptionsWritten():
            file = journal.captions_file(record.msn)
    return Entry(record, line_of(record), data, file, offset)


class SessionFiles:
    """Writes entries into a directory, which is made with the first of them. Raises no `OSError`."""

    def __init__(self, directory: Path, size: int = 0) -> None:
        """`size`: of the journal; what follows is cut off."""
        self._directory = directory
        self._size = size
        self._journal: int | None = None
        self._segments: dict[str, int] = {}  # descriptors of those that grow, by file name

    def write(self, entries: Sequence[Entry]) -> Written:
        """Write the bytes first, then the lines of all whose bytes are there; stop at the first that fails."""
        ready, reason = 0, ""
        try:
            if self._journal is None:
                self._journal = self._open_journal()
            for entry in entries:
                self._put(entry)
                ready += 1
        except OSError as error:
            reason = error.strerror or str(error)
        count = 0
        try:
            count = self._append([entry.line for entry in entries[:ready]])
        except _Torn as torn:
            count, reason = torn.count, torn.reason
        if reason:
            self.close()  # what is opened again shows whether it is still there
        return Written(count, reason)

    def cut(self, sizes: Mapping[str, int]) -> None:
        """Cut off of these segments what no line speaks of. Raises `OSError`."""
        for file, size in sizes.items():
            path = self._directory / file
            if path.exists() and path.stat().st_size > size:
                os.truncate(path, size)

    def close(self) -> None:
        """Close everything; what is written next opens it again."""
        for descriptor in (*self._segments.values(), *([] if self._journal is None else [self._journal])):
            os.close(descriptor)
        self._segments.clear()
        self._journal = None

    def _open_journal(self) -> int:
        """Open it where it is: a directory that went away and came back has the journal of before, or is not ours."""
        flags = os.O_WRONLY | os.O_CLOEXEC
        if not self._size:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            flags |= os.O_CREAT
        descriptor = os.open(self._directory / JOURNAL_FILE, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size < self._size:
                raise OSError(errno.EIO, f"the journal has {size} bytes, not {self._size}")
            os.ftruncate(descriptor, self._size)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _put(self, entry: Entry) -> None:
        """Write the bytes of an entry, or close the segment that it completes."""
        record = entry.record
        if isinstance(record, journal.PartAdded):
            descriptor = self._segments.get(entry.file)
            if descriptor is None:
                descriptor = self._segments[entry.file] = self._open(entry)
            _write(descriptor, entry.data, entry.offset)
        elif entry.data:
            descriptor = self._open(entry)
            try:
                _write(descriptor, entry.data, 0)
            finally:
                os.close(descriptor)
        elif isinstance(record, journal.SegmentClosed | journal.SegmentLost):
            file = journal.segment_file(record.rendition, record.msn)
            descriptor = self._segments.pop(file, None)
            if descriptor is not None:
                os.close(descriptor)
            if isinstance(record, journal.SegmentLost):
                (self._directory / file).unlink(missing_ok=True)

    def _open(self, entry: Entry) -> int:
        flags = os.O_WRONLY | os.O_CLOEXEC
        if not entry.offset:  # what is there already no line speaks of
            flags |= os.O_CREAT | os.O_TRUNC
        return os.open(self._directory / entry.file, flags, 0o600)

    def _append(self, lines: Sequence[bytes]) -> int:
        """Write lines behind the last and return their number. Raises `_Torn` when not all of them are whole."""
        if self._journal is None or not lines:
            return 0
        data = b"".join(lines)
        done, reason = 0, ""
        try:
            while done < len(data):
                done += os.pwrite(self._journal, data[done:], self._size + done)
        except OSError as error:
            reason = error.strerror or str(error)
        if not reason:
            self._size += done
            return len(lines)
        count = 0
        while done >= len(lines[count]):
            done -= len(lines[count])
            self._size += len(lines[count])
            count += 1
        raise _Torn(count, reason)


class _Torn(Exception):
    def __init__(self, count: int, reason: str) -> None:
        super().__init__(reason)
        self.count, self.reason = count, reason


def _write(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of it; a disk that takes less says why when it is asked for the rest."""
    done = os.pwrite(descriptor, data, offset)
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], offset + done)
