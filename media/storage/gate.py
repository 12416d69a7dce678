"""Whether a store may be asked now: after a fault by one at a time, ever less often, and again and again."""

import math
import random

import structlog

from config.objects.store import StoreError, StoreRefused

log = structlog.get_logger()

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
"""Before the next try while a store does not answer; doubles from the first to the longest."""
REFUSED_PAUSE_S = 10.0
"""While it refuses: an operator corrects something meanwhile."""
REPORT_S = 60.0
"""A store that refuses, or stays away, is reported once per this time."""


class Gate:
    """One store's. Times are those of the loop's clock in seconds."""

    def __init__(self) -> None:
        self.trouble: str | None = None
        """Why it cannot be used, as far as known."""
        self.failures = 0
        """In a row."""
        self.in_flight = 0
        self._not_before = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._since = 0.0
        self._next_report = -math.inf
        self._is_reported = False

    def is_open(self, now: float) -> bool:
        """Whether something may be stored now."""
        return self.trouble is None or (now >= self._not_before and not self.in_flight)

    def failed(self, error: StoreError, now: float, waiting: int) -> None:
        """Note a fault; `waiting` is how many objects wait."""
        if self.trouble is None:
            self._since, self._pause_s = now, FIRST_PAUSE_S
        self.trouble = str(error)
        self.failures += 1
        is_refused = isinstance(error, StoreRefused)
        self._not_before = now + random.uniform(0.5, 1.0) * (REFUSED_PAUSE_S if is_refused else self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        if now >= self._next_report:
            self._next_report, self._is_reported = now + REPORT_S, True
            write = log.error if is_refused else log.warning
            said = "object store refuses" if is_refused else "object store away"
            write(said, reason=self.trouble, waiting=waiting, seconds=round(now - self._since))

    def worked(self, now: float, waiting: int) -> None:
        """Note that something was stored."""
        if self.trouble is not None and self._is_reported:
            self._is_reported = False
            log.info("object store back", seconds=round(now - self._since), failures=self.failures, waiting=waiting)
        self.trouble, self.failures = None, 0
