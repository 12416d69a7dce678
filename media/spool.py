"""What an ingest process has on disk: for each session a journal and its files (schemas/journal.py).

    DATA/spool/ingest.lock      held while an ingest process runs
    DATA/spool/node             this node's id
    DATA/spool/{sessionId}/     a session, which goes on when the process is started again; storage removes it
    DATA/spool/aside/           what was found here and is none of ours

Journals write for themselves, in the loop. Pictures are written by the thread that also writes for a disk in trouble;
another thread reads.
"""

import asyncio
import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
import structlog

from config.locks import hold
from media.journal.disk import Disk
from media.journal.reader import Contents, ForeignJournal, read_journal
from media.journal.writer import Journal
from schemas.ids import NodeId, SessionId, make_id
from schemas.ingest import PublishGrant
from schemas.journal import JOURNAL_FILE, VERSION, Begun, Ended

log = structlog.get_logger()

MAX_WAITING_WRITES = 256
"""Pictures handed over but not on disk yet; beyond it they are refused."""
TROUBLE_PERIOD_S = 60.0
"""A disk that takes no pictures is reported once per this time, with their number."""
LOCK_FILE, NODE_FILE, ASIDE = "ingest.lock", "node", "aside"

_NODE_ID = re.compile(r"[0-9a-z]{1,32}", re.ASCII)


class SpoolInUse(OSError):
    """Another ingest process works with this directory."""


class Found(msgspec.Struct, frozen=True):
    """A session whose journal has no end, as another process left it."""

    session_id: SessionId
    contents: Contents
    silent_s: float
    """Since its journal was written to; the time without a process counts."""


class Spool:
    """The spool of one ingest process. All methods but the constructor are for the loop's thread."""

    def __init__(self, root: Path) -> None:
        """Take the directory over. Raises `SpoolInUse`, and `OSError` if it cannot be made."""
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: int | None = _locked(root / LOCK_FILE)
        self.node_id = _node_id(root / NODE_FILE)
        """Of this node, which goes on when its process is started again."""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="spool-write")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="spool-read")
        self.disk = Disk(self._writer)
        """How the disk is, for health and metrics."""
        self.waiting_writes = 0
        """Pictures that were taken and are not on disk yet."""
        self._is_closed = False
        self._failures = 0
        self._next_report = 0.0

    # --- sessions --------------------------------------------------------------------------------------------

    def begin(self, grant: PublishGrant, key_digest: str, started_at_ms: int) -> Journal:
        """Begin the journal of a new session."""
        begun = Begun(VERSION, grant, key_digest, self.node_id, started_at_ms)
        return Journal.create(self._root / grant.session_id, begun, self.disk)

    def resume(self, session: SessionId, contents: Contents) -> Journal:
        """Go on with the journal of a session that was found."""
        return Journal.resume(self._root / session, contents, self.disk)

    def directory(self, session: SessionId) -> Path:
        """Return where a session's files are, if it has or had any."""
        return self._root / session

    def unfinished(self) -> list[Found]:
        """Return the sessions that have not ended, and move aside what cannot be read. Blocks: for the start."""
        found = []
        for directory in sorted(self._root.iterdir()):
            if directory.name == ASIDE or not directory.is_dir():
                continue
            try:
                session = _found(directory)
            except (ForeignJournal, OSError) as error:
                self._put_aside(directory, str(error))
                continue
            if session is None:
                continue
            if session.contents.is_broken:
                self._keep_broken(directory)
            found.append(session)
        return found

    def _keep_broken(self, directory: Path) -> None:
        """The journal will be cut where it is damaged: keep what follows for whoever can read it."""
        target = self._aside(f"{directory.name}-{JOURNAL_FILE}")
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(directory / JOURNAL_FILE, target)
        except OSError as error:
            log.error("damaged journal cannot be kept", session=directory.name, reason=error.strerror)
            return
        log.warning("damaged journal goes on from before the damage", session=directory.name, kept=str(target))

    def _aside(self, name: str) -> Path:
        return self._root / ASIDE / f"{name}-{int(time.time())}"

    def _put_aside(self, directory: Path, reason: str) -> None:
        target = self._aside(directory.name)
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            directory.rename(target)
        except OSError as error:
            log.error("foreign directory in the spool cannot be moved", path=str(directory), reason=error.strerror)
            return
        log.warning("foreign directory in the spool moved aside", path=str(target), reason=reason)

    # --- files -----------------------------------------------------------------------------------------------

    def store(self, session: SessionId, name: str, chunks: Sequence[bytes], on_done: Callable[[bool], None]) -> bool:
        """Write a picture in the background; `on_done` is told in the loop whether it is there now.

        False: too much is waiting already, nothing was taken.
        """
        if self._is_closed:
            return False
        if self.waiting_writes >= MAX_WAITING_WRITES:
            self._failed("spool queue is full")
            return False
        loop = asyncio.get_running_loop()
        self.waiting_writes += 1

        def done(future: Future[None]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._written, future, on_done)

        self._writer.submit(self._write, self._root / session, name, chunks).add_done_callback(done)
        return True

    def _written(self, future: Future[None], on_done: Callable[[bool], None]) -> None:
        self.waiting_writes -= 1
        error = future.exception()
        on_done(error is None)
        if isinstance(error, OSError):
            self._failed(error.strerror or str(error))
        elif error is not None:
            raise error

    def _failed(self, reason: str) -> None:
        self._failures += 1
        now = asyncio.get_running_loop().time()
        if now >= self._next_report:
            log.error("spool takes no pictures, keeping the newest in memory", reason=reason, pictures=self._failures)
            self._failures = 0
            self._next_report = now + TROUBLE_PERIOD_S

    @staticmethod
    def _write(directory: Path, name: str, chunks: Sequence[bytes]) -> None:
        """Write under another name first: a file that has its name is complete. The journal has made the directory."""
        unfinished = directory / f"{name}.part"
        try:
            with unfinished.open("wb") as file:
                file.writelines(chunks)
            unfinished.rename(directory / name)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    async def read(self, session: SessionId, name: str, offset: int, size: int) -> bytes:
        """Return bytes of a stored file. Raises `OSError`, also when the file is shorter than it should be."""
        path = self._root / session / name
        return await asyncio.get_running_loop().run_in_executor(self._reader, _read, path, offset, size)

    def forget(self, session: SessionId, name: str) -> None:
        """Remove one picture in the background."""
        if not self._is_closed:
            self._writer.submit(_unlink, self._root / session / name)

    def close(self) -> None:
        """Finish what was handed over and end both threads. Blocks for as long as that takes; afterwards nothing is
        taken, and another process may have the directory.
        """
        self._is_closed = True
        self.disk.close()
        self._writer.shutdown()
        self._reader.shutdown()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(path: Path) -> int:
    """Hold the lock for as long as what is returned is open. Raises `SpoolInUse`."""
    try:
        return hold(path)
    except BlockingIOError as error:
        raise SpoolInUse(errno.EBUSY, "another ingest process uses it", str(path.parent)) from error


def _node_id(path: Path) -> NodeId:
    """Return the id that lies there, or make one; a disk that does not take it costs the next process its memory."""
    try:
        text = path.read_text("ascii", "replace").strip()
    except FileNotFoundError:
        text = ""
    if _NODE_ID.fullmatch(text):
        return NodeId(text)
    made = NodeId(make_id())
    unfinished = path.with_suffix(".part")
    try:
        unfinished.write_text(f"{made}\n")
        unfinished.rename(path)
    except OSError as error:
        log.error("node id cannot be kept", path=str(path), reason=error.strerror)
    return made


def _found(directory: Path) -> Found | None:
    """Return the session of a directory; None for one that has ended or never began. Raises `ForeignJournal`."""
    path = directory / JOURNAL_FILE
    if not path.exists():
        if not any(directory.iterdir()):
            directory.rmdir()
            return None
        raise ForeignJournal(path, "there is no journal")
    contents = read_journal(path)
    if not contents.records:
        raise ForeignJournal(path, "it has no beginning")
    begun, last = contents.records[0], contents.records[-1]
    if not isinstance(begun, Begun) or begun.session_id != directory.name:
        raise ForeignJournal(path, "it is another session's")
    if isinstance(last, Ended):
        return None
    return Found(begun.session_id, contents, max(0.0, time.time() - path.stat().st_mtime))


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        data = os.pread(file.fileno(), size, offset)
    if len(data) != size:
        raise OSError(f"{path.name} has {len(data)} bytes at {offset}, not {size}")
    return data


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
