"""One thing that the relay does again and again until it is told to stop: a stream fetched, a source sent on.

A job tries, works until something fails, says why, and waits a little longer each time, with jitter, so that neither
the other side nor a thousand jobs of one broken server are hammered. `pull` and `restream` say what a try is.

Errors: `Setback` (this try is over; the text is a sentence for the job's owner and holds no key and no password).
"""

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections import deque
from typing import Literal

import structlog

from schemas.relay import JobReport, PullOrder, RestreamOrder

log = structlog.get_logger()

State = Literal["connecting", "running", "waiting"]

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between two tries; it doubles from the first to the longest."""
JITTER = 0.2
"""A pause is shorter or longer by up to this part of it."""
STEADY_S = 30.0
"""A try that worked for so long makes the next pause the first again."""
BITRATE_PERIOD_S = 4.0
"""Bit rates are of the last so many seconds."""
OURS = "Something went wrong here; the operator finds it in the log."


class Setback(Exception):
    """A try that failed. `is_lasting`: the next seconds will not cure it."""

    def __init__(self, reason: str, *, is_lasting: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.is_lasting = reason, is_lasting


class Job(ABC):
    """`run` it in a task of its own and cancel that; `report` at any time."""

    kind: str
    """"pull" or "restream": a label of metrics and logs."""

    def __init__(self, job_id: str, channel: str) -> None:
        self.id = job_id
        self.is_over = False
        """Nobody wants it any more: the end that comes is a goodbye, not an accident."""
        self.state: State = "connecting"
        self.moved_bytes = 0
        self.failures = 0
        self._channel = channel
        self._reason = ""
        self._since_ms = _now_ms()
        self._retry_at_ms: int | None = None
        self._running_since = 0.0
        self._moved: deque[tuple[float, int]] = deque()
        self._log = log.bind(job=job_id, kind=self.kind, channel=channel)

    @abstractmethod
    async def attempt(self) -> None:
        """Work until it fails. Call `works` once it does. Raises `Setback`; returning is the end of what there was."""

    def renew(self, order: PullOrder | RestreamOrder) -> None:  # noqa: B027  # most jobs have nothing to renew
        """Take the newest order: it differs from the one before in nothing that a running job depends on."""

    async def run(self) -> None:
        """Try until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            self._enter("connecting")
            self._running_since = 0.0
            setback = await self._try()
            if self._running_since and time.monotonic() - self._running_since >= STEADY_S:
                pause_s = FIRST_PAUSE_S
            wait_s = LONGEST_PAUSE_S if setback.is_lasting else pause_s
            wait_s *= 1 + random.uniform(-JITTER, JITTER)
            self.failures += 1
            self._enter("waiting", setback.reason, retry_in_s=wait_s)
            self._log.info("job waits", reason=setback.reason, wait_s=round(wait_s, 1), failures=self.failures)
            await asyncio.sleep(wait_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def works(self) -> None:
        """Say that media flows."""
        if self.state != "running":
            self._running_since = time.monotonic()
            self._enter("running")
            self._log.info("job runs")

    def count(self, size: int) -> None:
        """Count bytes that were received or sent."""
        self.moved_bytes += size
        now = time.monotonic()
        if self._moved and now - self._moved[-1][0] < 0.1:  # hundreds of packets are not hundreds of entries
            self._moved[-1] = (self._moved[-1][0], self._moved[-1][1] + size)
        else:
            self._moved.append((now, size))
        self._forget(now)

    def report(self) -> JobReport:
        """Return how it is."""
        now = time.monotonic()
        self._forget(now)
        bits = 8 * sum(size for _, size in self._moved)
        return JobReport(
            id=self.id,
            state=self.state,
            reason=self._reason,
            since_ms=self._since_ms,
            retry_at_ms=self._retry_at_ms,
            bitrate_bps=round(bits / BITRATE_PERIOD_S) if self.state == "running" else 0,
            moved_bytes=self.moved_bytes,
            failures=self.failures,
        )

    async def _try(self) -> Setback:
        try:
            await self.attempt()
        except Setback as setback:
            return setback
        except Exception:
            self._log.exception("job failed")
            return Setback(OURS)
        return Setback("It has ended.")

    def _enter(self, state: State, reason: str = "", *, retry_in_s: float | None = None) -> None:
        self.state, self._reason, self._since_ms = state, reason, _now_ms()
        self._retry_at_ms = None if retry_in_s is None else self._since_ms + round(retry_in_s * 1000)

    def _forget(self, now: float) -> None:
        while self._moved and now - self._moved[0][0] > BITRATE_PERIOD_S:
            self._moved.popleft()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
