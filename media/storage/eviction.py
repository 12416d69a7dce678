"""What leaves the spool: files that are stored and no live playlist needs, and, for want of room, some that are not.

The rule when storage is away for so long that more waits than `spool_max_gb`: rungs go before what the publisher sent
(a rung shows nothing that the source does not), streams that are not recorded before recorded ones (nobody will ask for
them tomorrow), and of each the oldest first. What a live playlist may still name stays.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import structlog

from media.storage.catalog import Piece, Span
from media.storage.metrics import Figures
from media.storage.stream import StoredStream
from schemas.ids import SessionId

log = structlog.get_logger()

ENDED_KEPT_S = 60.0
"""How long all of a session stays after its end: players fetch the last of it."""
LEAST_WINDOW_S, WINDOW_SEGMENTS, WINDOWS = 60, 8, 4
"""A segment stays until it is so many live windows older than the newest of its rendition."""
LOWERED_SHARE = 0.95
"""Down to this share of the limit is dropped, so that it is not done for every segment."""
REPORT_S = 60.0
DEFAULT_SHARE = 0.5
"""Of the file system, where no limit is set."""
MAX_REMOVED = 500
"""Files of one turn."""


def live_kept_s(target_duration_s: int) -> float:
    """Return how far behind the newest a segment may be needed by a live playlist, or by one just left."""
    return WINDOWS * max(LEAST_WINDOW_S, WINDOW_SEGMENTS * target_duration_s)


def limit_bytes(spool_max_gb: float, root: Path) -> int:
    """Return how much may wait. Raises `OSError`."""
    return int(spool_max_gb * 1e9) or int(shutil.disk_usage(root).total * DEFAULT_SHARE)


class Eviction:
    """`turn` is called about once a second. Files are removed in a thread."""

    def __init__(
        self, root: Path, spool_max_gb: float, streams: Mapping[SessionId, StoredStream], figures: Figures
    ) -> None:
        self._root, self._spool_max_gb = root, spool_max_gb
        self._streams, self._figures = streams, figures
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="evict")
        self._unreported = 0
        self._next_report = 0.0
        self.full_at = 0.0
        """When something was last dropped, on the loop's clock."""

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False)

    async def turn(self, now: float) -> list[StoredStream]:
        """Remove what may go; return sessions of which nothing is needed any more."""
        paths = [path for stream in self._streams.values() for path in removable(stream, time.time())]
        for begin in range(0, len(paths), MAX_REMOVED):
            await self._apart(partial(_unlink, paths[begin : begin + MAX_REMOVED]))
        self._make_room(now)
        return [stream for stream in self._streams.values() if is_over(stream, time.time())]

    async def remove(self, folder: Path) -> None:
        """Remove a session's directory."""
        await self._apart(partial(shutil.rmtree, folder, ignore_errors=True))

    async def _apart(self, work: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _make_room(self, now: float) -> None:
        try:
            limit = limit_bytes(self._spool_max_gb, self._root)
        except OSError:
            return
        self._figures.spool_limit_bytes = limit
        waiting = sum(stream.waiting_bytes for stream in self._streams.values())
        if waiting <= limit:
            return
        victims = choose(self._streams.values(), waiting - int(limit * LOWERED_SHARE))
        for stream, pieces in victims:
            stream.drop(pieces, now)
            self._unreported += len(pieces)
            self._figures.dropped += len(pieces)
            self._thread.submit(_unlink, [stream.folder / piece.name for piece in pieces])
        self._report(now, waiting, limit)

    def _report(self, now: float, waiting: int, limit: int) -> None:
        if not self._unreported:
            return
        self.full_at = now
        if now >= self._next_report:
            log.error(
                "spool full, segments given up: free storage, or raise TALLY_SPOOL_MAX_GB",
                segments=self._unreported,
                waiting_gb=round(waiting / 1e9, 2),
                limit_gb=round(limit / 1e9, 2),
            )
            self._unreported, self._next_report = 0, now + REPORT_S


def removable(stream: StoredStream, now_s: float) -> list[Path]:
    """Return files that are in storage and that nobody needs here, and count them as gone; `now_s` since the epoch."""
    planned, ended = stream.catalog.planned, stream.catalog.ended
    is_over = ended is not None and now_s - ended.at_ms / 1000 > ENDED_KEPT_S
    behind_s = live_kept_s(planned.target_duration_s if planned else 0)
    paths = []
    for rendition, files in stream.kept_files.items():
        before_s = stream.catalog.newest_s.get(rendition, 0.0) - behind_s
        while files and (is_over or files[0].end_s < before_s):
            file = files.popleft()
            stream.kept_bytes -= file.size
            paths.append(stream.folder / file.name)
    return paths


def is_over(stream: StoredStream, now_s: float) -> bool:
    """Whether a session has ended a while ago, and is stored and told; a test of bandwidth has nothing to be stored."""
    ended, begun = stream.catalog.ended, stream.catalog.begun
    if ended is None or begun is None or now_s - ended.at_ms / 1000 <= ENDED_KEPT_S:
        return False
    return stream.is_told


def choose(streams: Iterable[StoredStream], excess_bytes: int) -> list[tuple[StoredStream, list[Piece]]]:
    """Return what is to be dropped, by session, so that at least so many bytes become free."""
    found: list[tuple[tuple[bool, bool, float], StoredStream, Piece]] = []
    for stream in streams:
        catalog = stream.catalog
        begun, planned = catalog.begun, catalog.planned
        for piece in stream.droppable(live_kept_s(planned.target_duration_s if planned else 0)):
            rank = (not catalog.is_rung(piece.lane), begun is None or begun.grant.is_recorded, _age(piece))
            found.append((rank, stream, piece))
    found.sort(key=lambda each: each[0])
    chosen: dict[str, tuple[StoredStream, list[Piece]]] = {}
    for _, stream, piece in found:
        if excess_bytes <= 0:
            break
        excess_bytes -= piece.size
        chosen.setdefault(stream.session_id, (stream, []))[1].append(piece)
    return list(chosen.values())


def _age(piece: Piece) -> float:
    assert isinstance(piece.fact, Span)
    return piece.fact.program_ms


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("spool file not removed", name=path.name, error=error.strerror)
