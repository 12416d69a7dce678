"""Writes the journal of a session and the files that lie beside it.

`add` and `commit` are called before anything becomes visible. While the disk is well, `commit` writes at once, in the
loop; else what is to be written waits, for as long as viewers can see it, and a thread tries again and again.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import msgspec
import structlog

from media.journal.backlog import Backlog
from media.journal.disk import Disk, Stopwatch
from media.journal.files import Entry, SessionFiles
from media.journal.reader import Contents
from schemas.ids import SessionId
from schemas.journal import Begun, Record

log = structlog.get_logger()

RETRY_S = 1.0
"""A disk in trouble is tried again after this time."""
BATCH = 64
"""Entries that a thread writes before it writes their lines."""
LATE_S = 60.0
"""For so long after the end a disk in trouble may still take segments: players can fetch them as long."""
GIVE_UP_S = 600.0
"""For so long after the end a disk in trouble may still take lines; then the journal stays without its end."""


class Journal:
    """The journal of one session. For the loop's thread; nothing waits, and nothing raises because of the disk."""

    def __init__(
        self,
        directory: Path,
        session: SessionId,
        disk: Disk,
        *,
        size: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use `create` or `resume`."""
        self._files = SessionFiles(directory, size)
        self._disk = disk
        self._clock = clock
        self._backlog = Backlog(self._lost)
        self._stored: list[tuple[str, int]] = []
        self._is_behind = False
        self._retry: asyncio.TimerHandle | None = None
        self._writing: Future[_Attempt] | None = None
        self._closed_at: float | None = None
        self._log = log.bind(session=session)

    @classmethod
    def create(cls, directory: Path, begun: Begun, disk: Disk) -> "Journal":
        """Begin the journal of a new session; its directory is made."""
        journal = cls(directory, begun.session_id, disk)
        journal.add(begun)
        journal.commit()
        return journal

    @classmethod
    def resume(cls, directory: Path, contents: Contents, disk: Disk) -> "Journal":
        """Go on with one that has been read: what is torn is cut off, of the segments in progress too."""
        begun = contents.records[0]
        assert isinstance(begun, Begun), "a journal begins so"
        journal = cls(directory, begun.session_id, disk, size=contents.valid_bytes)
        sizes = journal._backlog.restore(contents.records)
        try:
            journal._files.cut(sizes)
        except OSError as error:
            journal._log.error("segment in progress cannot be cut", reason=error.strerror or str(error))
        return journal

    @property
    def is_behind(self) -> bool:
        """Whether something waits for the disk."""
        return self._is_behind

    def add(self, record: Record, data: bytes = b"") -> None:
        """Append a record; `data` is what `schemas.journal` says lies in a file. It is written by `commit`."""
        if self._closed_at is None:
            self._backlog.add(record, data)

    def commit(self) -> None:
        """Write what was added, the bytes first and then all lines at once."""
        entries = self._backlog.entries
        if not entries:
            return
        if self._is_behind:
            self._backlog.shed()
        elif self._disk.is_slow:
            self._fall_behind("the disk is slow")
        else:
            watch = Stopwatch(self._clock)
            written = self._files.write(entries)
            self._disk.took(watch.waited_s())
            self._stored += self._backlog.wrote(entries[: written.count])
            self._backlog.entries = entries[written.count :]
            if written.reason:
                self._disk.failures += 1
                self._fall_behind(written.reason)

    def take_stored(self) -> list[tuple[str, int]]:
        """Return the segments, by rendition and msn, that have come to the disk as a whole since the last call."""
        if not self._stored:
            return []
        stored, self._stored = self._stored, []
        return stored

    def close(self) -> None:
        """Take no more records; what waits is still written if the disk comes back in time. Nothing blocks."""
        if self._closed_at is not None:
            return
        self.commit()
        self._closed_at = self._clock()
        if self._is_behind:
            self._submit(self._writing)
        else:
            self._files.close()

    # --- a disk in trouble -----------------------------------------------------------------------------------

    def _lost(self) -> None:
        self._disk.lost_segments += 1

    def _fall_behind(self, reason: str) -> None:
        """Keep everything from now on until a thread has written it."""
        self._is_behind = True
        self._disk.fell_behind(self, reason)
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        if self._writing is None:
            self._submit(None)

    def _submit(self, previous: "Future[_Attempt] | None") -> None:
        """Hand what waits to the thread, which answers by `_wrote`; what `previous` leaves goes before it."""
        loop = asyncio.get_running_loop()
        batch = self._backlog.take()
        future = self._disk.submit(partial(_write, self._files, batch, previous, self._clock))
        if future is None:
            self._backlog.put_back(batch)
            return
        self._writing = future

        def done(future: "Future[_Attempt]") -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._wrote, future)

        future.add_done_callback(done)

    def _wrote(self, future: "Future[_Attempt]") -> None:
        attempt = future.result()
        self._stored += self._backlog.wrote(attempt.done)
        self._disk.took(attempt.slowest_s)
        if future is not self._writing:
            return  # another has what this one left
        self._writing = None
        self._backlog.put_back(attempt.left)
        if attempt.reason:
            self._disk.failures += 1
            self._fail(attempt.reason)
        elif self._disk.is_slow:
            self._fall_behind("the disk is slow")
        else:
            self._catch_up()

    def _fail(self, reason: str) -> None:
        """Keep what may still be of use, and try again unless it is too late."""
        late_s = 0.0 if self._closed_at is None else self._clock() - self._closed_at
        if late_s > LATE_S:
            self._backlog.lose_all()
        else:
            self._backlog.shed()
        if late_s <= GIVE_UP_S:
            self._fall_behind(reason)
            return
        self._log.error("journal stays without its end", reason=reason)
        self._disk.caught_up(self)

    def _catch_up(self) -> None:
        """The disk is well: write what came meanwhile, in the loop again."""
        self._is_behind = False
        self.commit()
        if self._is_behind:
            return
        self._disk.caught_up(self)
        if self._closed_at is not None:
            self._files.close()


class _Attempt(msgspec.Struct, frozen=True):
    """What a thread made of what it was given."""

    done: list[Entry]
    left: list[Entry]
    reason: str
    slowest_s: float


def _write(
    files: SessionFiles, entries: list[Entry], previous: Future[_Attempt] | None, clock: Callable[[], float]
) -> _Attempt:
    if previous is not None:
        entries = previous.result().left + entries  # it is done: the thread does one after the other
    count, slowest_s = 0, 0.0
    while count < len(entries):
        watch = Stopwatch(clock)
        written = files.write(entries[count : count + BATCH])
        slowest_s = max(slowest_s, watch.waited_s())
        count += written.count
        if written.reason:
            return _Attempt(entries[:count], entries[count:], written.reason, slowest_s)
    return _Attempt(entries, [], "", slowest_s)
