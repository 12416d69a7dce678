"""Whether the disk keeps up: what the journals of one process know together, and what they say of it.

A journal writes in the loop, for a write to the page cache costs less than a hop to a thread. A disk that fails, or
holds the loop up several times in a row, is written to from a thread until it is well again: streams go on from memory.
"""

import resource
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

SLOW_S = 0.1
"""A write in the loop that took so long was not one to the page cache alone."""
SLOW_WRITES = 3
"""So many of them in a row, and the loop writes no more for a while."""
VERY_SLOW_S = 1.0
"""One of these is enough."""
SLOW_PAUSE_S = 5.0
"""For so long after the last slow write a thread writes."""
TROUBLE_PERIOD_S = 60.0
"""A disk in trouble is reported at once, and then once per this time."""


class Stopwatch:
    """Measures how long one write waited for the disk, from its making to `waited_s`, both in one thread.

    On a busy machine a thread that could go on waits for a core. That says nothing of the disk, and the kernel counts
    it apart: who waits for something gives its core away by itself (getrusage(2), ru_nvcsw).
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started, self._waits = clock(), _waits()

    def waited_s(self) -> float:
        """Return the seconds that passed, 0 if the thread had to wait for nothing but a core."""
        return self._clock() - self._started if _HOLDS_NO_COUNT or _waits() != self._waits else 0.0


_HOLDS_NO_COUNT = not hasattr(resource, "RUSAGE_THREAD")  # not Linux


def _waits() -> int:
    return 0 if _HOLDS_NO_COUNT else resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


class Disk:
    """The state of the spool's disk. All methods but `submit`'s work are for the loop's thread."""

    def __init__(self, writer: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        """`writer` has one thread: what is submitted is done in its order."""
        self.failures = 0
        """Attempts that failed, since the start."""
        self.slow_writes = 0
        """Writes that took longer than `SLOW_S`, since the start."""
        self.lost_segments = 0
        """Segments that were published live and never came to the disk, since the start."""
        self._writer = writer
        self._clock = clock
        self._is_closed = False
        self._slow_in_a_row = 0
        self._slow_until = 0.0
        self._behind: dict[object, str] = {}  # reasons of the journals that wait for the disk
        self._since = 0.0
        self._lost_before = 0
        self._next_report = 0.0
        self._is_reported = False  # that journals are behind now

    @property
    def is_slow(self) -> bool:
        """Whether the loop must not write."""
        return self._clock() < self._slow_until

    @property
    def trouble(self) -> str:
        """Why streams go on from memory; "" when all is well. For health."""
        return next(reversed(self._behind.values()), "")

    @property
    def behind(self) -> int:
        """How many journals wait for the disk."""
        return len(self._behind)

    def took(self, seconds: float) -> None:
        """Note how long a write waited for the disk; see `Stopwatch`."""
        if seconds <= SLOW_S:
            self._slow_in_a_row = 0
            return
        self.slow_writes += 1
        self._slow_in_a_row += 1
        if self._slow_in_a_row >= SLOW_WRITES or seconds >= VERY_SLOW_S or self.is_slow:
            self._slow_until = self._clock() + SLOW_PAUSE_S

    def fell_behind(self, journal: object, reason: str) -> None:
        """This journal keeps in memory what it has to write; also said again at each attempt that failed."""
        now = self._clock()
        if not self._behind:
            self._since, self._lost_before, self._is_reported = now, self.lost_segments, False
        self._behind.pop(journal, None)
        self._behind[journal] = reason
        if now >= self._next_report:
            self._next_report, self._is_reported = now + TROUBLE_PERIOD_S, True
            log.error(
                "disk does not keep up, streams go on from memory",
                reason=reason,
                sessions=len(self._behind),
                lost_segments=self.lost_segments - self._lost_before,
            )

    def caught_up(self, journal: object) -> None:
        """This journal has nothing left that is not on disk, or has given up."""
        if self._behind.pop(journal, None) is None or self._behind or not self._is_reported:
            return
        log.info(
            "disk keeps up again",
            seconds=round(self._clock() - self._since, 1),
            lost_segments=self.lost_segments - self._lost_before,
        )

    def submit(self, work: Callable[[], T]) -> Future[T] | None:
        """Have it done in the thread; None after the end."""
        return None if self._is_closed else self._writer.submit(work)

    def close(self) -> None:
        """Take nothing more; whoever owns the thread ends it."""
        self._is_closed = True
