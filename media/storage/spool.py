"""The spool as the storage process sees it: the sessions that are there, and those that come.

DATA/spool/storage.lock     held while a storage process runs
DATA/spool/ingest.lock      held while an ingest process runs
"""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from config.locks import hold, is_held
from media.journal.reader import ForeignJournal
from media.storage.ledger import OtherLedger
from media.storage.stream import StoredStream
from schemas.ids import SessionId, make_id
from schemas.journal import JOURNAL_FILE

log = structlog.get_logger()

STORAGE_LOCK, INGEST_LOCK, ASIDE = "storage.lock", "ingest.lock", "aside"
FOREIGN_AFTER_S = 60.0
"""What is no session's is moved aside when it is older than this."""
ABANDONED_AFTER_S = 3600.0
"""Without an ingest process, and without a new line, for so long a session is over."""
ABANDONED = "the ingest process did not come back"
LOOK_S = 60.0
"""How often is looked whether an ingest process runs."""

_SESSION = re.compile(r"[0-9a-z]{1,32}", re.ASCII)


class SpoolInUse(OSError):
    """Another storage process works with this directory."""


class StoredSpool:
    """All sessions. Raises `SpoolInUse`, and `OSError` if the directory cannot be made."""

    def __init__(self, root: Path) -> None:
        self.streams: dict[SessionId, StoredStream] = {}
        self._root = root
        self._refused: set[str] = set()
        self._ingest_seen_at: float | None = None
        self._next_look = 0.0
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(root / STORAGE_LOCK)
        self.name = _name(self._lock)
        """Of this storage process, the same when it is started again."""

    def look(self, now: float) -> list[StoredStream]:
        """Find new sessions, and read what is new in all journals; return the sessions that have something new."""
        changed = list(self._new(now))
        for stream in self.streams.values():
            try:
                if stream.read(now):
                    changed.append(stream)
            except FileNotFoundError:
                log.error("journal gone", session=stream.session_id)
                stream.end("its journal is gone", time.time_ns() // 1_000_000, now)
            except OSError as error:
                log.debug("journal not readable", session=stream.session_id, error=str(error))
        if now >= self._next_look:
            self._next_look = now + LOOK_S
            self._end_abandoned(now)
        return changed

    def forget(self, stream: StoredStream) -> None:
        """Let go of a session that is to be removed."""
        stream.close()
        del self.streams[stream.session_id]

    def close(self) -> None:
        """Let go of everything; nothing is lost."""
        for stream in self.streams.values():
            stream.close()
        self.streams.clear()
        os.close(self._lock)

    # --- what is found -------------------------------------------------------------------------------------

    def _new(self, now: float) -> Iterator[StoredStream]:
        with os.scandir(self._root) as entries:
            found = [entry.name for entry in entries if entry.name not in self.streams and entry.is_dir()]
        for name in found:
            if name == ASIDE or name in self._refused:
                continue
            if (stream := self._opened(self._root / name, now)) is not None:
                self.streams[stream.session_id] = stream
                yield stream

    def _opened(self, folder: Path, now: float) -> StoredStream | None:
        try:
            if not _SESSION.fullmatch(folder.name) or not (folder / JOURNAL_FILE).exists():
                self._move_if_old(folder, "it is no session's")
                return None
            stream = StoredStream(folder, now)
        except ForeignJournal as error:
            self._move_if_old(folder, error.reason)
            return None
        except OtherLedger as error:
            self._refused.add(folder.name)
            log.error("session not stored", session=folder.name, reason=str(error))
            return None
        except OSError as error:
            log.debug("session not readable yet", session=folder.name, error=str(error))
            return None
        if stream.catalog.begun is None:  # its first line is being written
            stream.close()
            self._move_if_old(folder, "its journal is empty")
            return None
        return stream

    def _move_if_old(self, folder: Path, reason: str) -> None:
        if time.time() - folder.stat().st_mtime < FOREIGN_AFTER_S:
            return
        aside = self._root / ASIDE
        target = aside / f"{folder.name}-{time.time_ns() // 1_000_000_000}"
        try:
            aside.mkdir(mode=0o700, exist_ok=True)
            folder.rename(target)
        except OSError as error:
            self._refused.add(folder.name)
            log.error("spool entry not moved aside", name=folder.name, error=error.strerror)
            return
        log.warning("moved aside", name=folder.name, to=str(target), reason=reason)

    def _end_abandoned(self, now: float) -> None:
        if self._ingest_seen_at is None or is_held(self._root / INGEST_LOCK):
            self._ingest_seen_at = now
        if now - self._ingest_seen_at < ABANDONED_AFTER_S:
            return
        for stream in self.streams.values():
            if stream.catalog.ended is not None:
                continue
            with contextlib.suppress(OSError):
                written_s = (stream.folder / JOURNAL_FILE).stat().st_mtime
                if time.time() - written_s > ABANDONED_AFTER_S:
                    log.warning("session abandoned", session=stream.session_id, reason=ABANDONED)
                    stream.end(ABANDONED, round(written_s * 1000), now)


def _locked(path: Path) -> int:
    try:
        return hold(path)
    except BlockingIOError as error:
        raise SpoolInUse(f"another storage process runs on {path.parent}") from error


def _name(descriptor: int) -> str:
    """Return what stands in the lock's file; made once."""
    name = os.pread(descriptor, 64, 0).decode("ascii", "replace")
    if not _SESSION.fullmatch(name):
        name = make_id()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, name.encode(), 0)
    return name
