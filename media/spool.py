"""Closed segments on disk, so that a live window costs disk and not memory.

One thread writes, another reads; the loop never waits for a disk. A disk that fails costs nothing but memory: what is
not stored stays where it is, and is tried again.

    DATA/spool/{sessionId}/{rendition}-{msn}.m4s
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import structlog

from schemas.ids import SessionId

log = structlog.get_logger()

MAX_WAITING_WRITES = 256
"""Segments handed over but not on disk yet; beyond it they are refused and offered again by their streams."""
TROUBLE_PERIOD_S = 60.0
"""A disk that cannot be written is reported once per this time, with the number of failed segments."""


class Spool:
    """The spool of one ingest process. All methods but the constructor are for the loop's thread."""

    def __init__(self, root: Path) -> None:
        """Take the directory over: what an earlier process left is removed. Raises `OSError` if it cannot be made."""
        self._root = root
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="spool-write")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="spool-read")
        self.waiting_writes = 0
        """Segments that were taken and are not on disk yet."""
        self._is_closed = False
        self._failures = 0
        self._next_report = 0.0
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for stale in root.iterdir():
            if stale.is_dir():
                shutil.rmtree(stale)

    def store(self, session: SessionId, name: str, chunks: Sequence[bytes], on_done: Callable[[bool], None]) -> bool:
        """Write a file in the background; `on_done` is told in the loop whether it is there now.

        False: too much is waiting already, nothing was taken; offer it again later.
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
            log.error("spool not writable, keeping segments in memory", reason=reason, segments=self._failures)
            self._failures = 0
            self._next_report = now + TROUBLE_PERIOD_S

    @staticmethod
    def _write(directory: Path, name: str, chunks: Sequence[bytes]) -> None:
        """Write under another name first: a file that has its name is complete."""
        directory.mkdir(mode=0o700, exist_ok=True)
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
        """Remove one file in the background."""
        if not self._is_closed:
            self._writer.submit(_unlink, self._root / session / name)

    def remove(self, session: SessionId) -> None:
        """Remove everything of a session in the background, after what is still to be written."""
        if not self._is_closed:
            self._writer.submit(shutil.rmtree, self._root / session, ignore_errors=True)

    def close(self) -> None:
        """Finish what was handed over and end both threads. Blocks for as long as that takes; afterwards nothing is
        taken, and what is left on disk is for the next process to remove.
        """
        self._is_closed = True
        self._writer.shutdown()
        self._reader.shutdown()


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        data = os.pread(file.fileno(), size, offset)
    if len(data) != size:
        raise OSError(f"{path.name} has {len(data)} bytes at {offset}, not {size}")
    return data


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
