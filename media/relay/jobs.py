"""The jobs of one relay process: what web orders is started, what it no longer orders is ended.

An order that changes makes a new job of the same id once the old one has ended; one whose ticket alone is new goes on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec
import structlog

from media.relay.job import Job
from schemas.relay import JobReport, PullOrder, RelayOrders, RestreamOrder

log = structlog.get_logger()

Order = PullOrder | RestreamOrder
Makers = Mapping[type[Order], Callable[..., Job]]
"""What makes a job of an order, by the order's type."""

MAX_JOBS = 100
"""Of one process: each of the busiest takes some percent of a core."""
CLOSE_S = 5.0
"""For all to say goodbye to both sides."""


class _Running(msgspec.Struct):
    order: Order
    job: Job
    task: asyncio.Task[None]


class Jobs:
    """`apply` what web answers; `close` ends all."""

    def __init__(self, makers: Makers) -> None:
        self._makers = makers
        self._running: dict[str, _Running] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._past_bytes: Counter[str] = Counter()
        self._past_failures: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Job]:
        return (each.job for each in self._running.values())

    @property
    def room(self) -> int:
        """Return how many more may come."""
        return max(0, MAX_JOBS - len(self._running) - len(self._ending))

    @property
    def moved_bytes(self) -> dict[str, int]:
        """Return what all jobs so far have received or sent, by kind."""
        total = Counter(self._past_bytes)
        for job in self:
            total[job.kind] += job.moved_bytes
        return total

    @property
    def failures(self) -> dict[str, int]:
        """Return how many tries of all jobs so far have failed, by kind."""
        total = Counter(self._past_failures)
        for job in self:
            total[job.kind] += job.failures
        return total

    def reports(self) -> list[JobReport]:
        """Return how all are."""
        return [job.report() for job in self]

    def apply(self, orders: RelayOrders) -> None:
        """Do this from now on and nothing else. An id whose old job still ends begins with a later call."""
        wanted: dict[str, Order] = {}
        wanted.update((order.id, order) for order in orders.pulls)
        wanted.update((order.id, order) for order in orders.restreams)
        for job_id, running in list(self._running.items()):
            order = wanted.get(job_id)
            if order is None or not _is_same(order, running.order):
                self._end(running, is_over=order is None)
            else:
                running.order = order
                running.job.renew(order)
        for job_id, order in wanted.items():
            if job_id not in self._running and job_id not in self._ending and self.room:
                self._start(order)

    async def close(self) -> None:
        """End all; their channels may go on with another process."""
        for running in list(self._running.values()):
            self._end(running, is_over=False)
        if self._ending:
            await asyncio.wait(self._ending.values(), timeout=CLOSE_S)

    def _start(self, order: Order) -> None:
        make = self._makers.get(type(order))
        if make is None:
            return
        job = make(order)
        task = asyncio.create_task(job.run(), name=f"{job.kind} {order.id}")
        self._running[order.id] = _Running(order, job, task)
        task.add_done_callback(partial(self._ended, order.id))

    def _end(self, running: _Running, *, is_over: bool) -> None:
        running.job.is_over = is_over
        self._ending[running.order.id] = running.task
        self._forget(running.order.id)
        running.task.cancel()

    def _forget(self, job_id: str) -> None:
        job = self._running.pop(job_id).job
        self._past_bytes[job.kind] += job.moved_bytes
        self._past_failures[job.kind] += job.failures

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        if self._ending.get(job_id) is task:
            del self._ending[job_id]
        elif job_id in self._running and self._running[job_id].task is task:
            self._forget(job_id)  # web orders it again
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("job died", job=job_id, exc_info=error)


def _is_same(new: Order, old: Order) -> bool:
    """Tell whether a running job may go on: all but the ticket is as it was."""
    if isinstance(new, PullOrder) and isinstance(old, PullOrder):
        return msgspec.structs.replace(new, ticket=old.ticket) == old
    return new == old
