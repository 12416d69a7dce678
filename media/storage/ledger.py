"""The storage process's own notes on a session: what is confirmed, and how far web has been told.

    DATA/spool/{sessionId}/uploads      lines as in the journal: a checksum, a space, a note as JSON, a line feed

After a crash the notes and the journal together say what is left to do: nothing confirmed is stored again, nothing is
listed, and every event that was not noted as told is told again.
"""

import contextlib
import os
from binascii import crc32
from pathlib import Path
from typing import Union

import msgspec

from schemas.storage import StreamStored

VERSION = 1


class Opened(msgspec.Struct, frozen=True, tag_field="t", tag="opened"):
    """The first note."""

    version: int


class Kept(msgspec.Struct, frozen=True, tag_field="t", tag="kept"):
    """An object of the session is in storage."""

    name: str
    size: int
    sha256: str


class Missing(msgspec.Struct, frozen=True, tag_field="t", tag="missing"):
    """There is a gap in this rendition and will be one."""

    rendition: str
    msn: int


class CueKept(msgspec.Struct, frozen=True, tag_field="t", tag="cue"):
    """The journal's n-th cue; it needs no object."""

    number: int


class Skipped(msgspec.Struct, frozen=True, tag_field="t", tag="skipped"):
    """A file beside the media that was gone when its turn came: there will be none of this name."""

    name: str


class Finished(msgspec.Struct, frozen=True, tag_field="t", tag="finished"):
    """All that there will be is in storage; what web is to be told of it at the end."""

    stored: StreamStored


class Told(msgspec.Struct, frozen=True, tag_field="t", tag="told"):
    """Web has been told everything that follows from the first `notes` notes; these ones do not count."""

    notes: int


Note = Union[Kept, Missing, CueKept, Skipped, Finished]  # noqa: UP007 (msgspec names the union in errors)
_Line = Union[Opened, Kept, Missing, CueKept, Skipped, Finished, Told]  # noqa: UP007

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)


class OtherLedger(Exception):
    """These notes are of another version: nothing may be written to them."""


class Ledger:
    """The notes of one session, oldest first. Raises `OtherLedger`, and `OSError` when they cannot be read."""

    def __init__(self, path: Path) -> None:
        self.notes: list[Note] = []
        """What was found when they were opened; forgotten by whoever has taken them in."""
        self.told = 0
        """How many notes web has been told of; with 0 it may not even know of the session."""
        self.is_new = False
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._size = self._read(os.pread(self._file, os.fstat(self._file).st_size, 0))
            if not self._size:
                self.is_new = True
                self._add(Opened(VERSION))
        except BaseException:
            os.close(self._file)
            raise

    def _read(self, data: bytes) -> int:
        """Take in whole valid lines; return how much of the file they are: what follows is torn and written over."""
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            line = _line(data[begin:end])
            if begin == 0 and not (isinstance(line, Opened) and line.version == VERSION):
                raise OtherLedger(f"{self._path} was written by another version")
            match line:
                case None:
                    break
                case Told():
                    self.told = line.notes
                case Opened():
                    pass
                case _:
                    self.notes.append(line)
            begin = end + 1
        return begin

    def add(self, note: Note) -> None:
        """Write a note down. Raises `OSError` when the disk does not take it: nothing was noted then."""
        self._add(note)

    def tell(self, notes: int) -> None:
        """Note how far web was told. Raises `OSError`."""
        self._add(Told(notes))
        self.told = notes

    def _add(self, line: _Line) -> None:
        text = _encoder.encode(line)
        data = b"%08x %b\n" % (crc32(text), text)
        if os.pwrite(self._file, data, self._size) != len(data):
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise OSError(f"{self._path} is written only in part: the disk is full")
        self._size += len(data)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _line(data: bytes) -> _Line | None:
    checksum, text = data[:8], data[9:]
    try:
        return _decoder.decode(text) if int(checksum, 16) == crc32(text) else None
    except ValueError:  # also of msgspec: not valid
        return None
