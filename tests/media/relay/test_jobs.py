"""Claims of media.relay.jobs: what is ordered runs, what is no longer ordered ends."""

import asyncio

import msgspec
import pytest

from media.relay import jobs as module
from media.relay.job import Job
from media.relay.jobs import Jobs
from schemas.ids import ChannelId
from schemas.relay import PullOrder, RelayOrders, RestreamOrder


class Endless(Job):
    kind = "pull"

    def __init__(self, order: PullOrder) -> None:
        super().__init__(order.id, order.channel_name)
        self.order: PullOrder | RestreamOrder = order
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.has_ended = False

    def renew(self, order: PullOrder | RestreamOrder) -> None:
        self.order = order

    async def attempt(self) -> None:
        self.works()
        try:
            await asyncio.Event().wait()
        finally:
            await self.may_end.wait()
            self.has_ended = True


def order(number: int, url: str = "sealed", ticket: str = "t1") -> PullOrder:
    return PullOrder(f"j{number}", ChannelId(f"c{number}"), f"channel{number}", url, ticket)


def orders(*pulls: PullOrder) -> RelayOrders:
    return RelayOrders(list(pulls), [])


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_orders_are_started_once_and_ended_when_they_are_gone() -> None:
    jobs = Jobs({PullOrder: Endless})
    jobs.apply(orders(order(1), order(2)))
    jobs.apply(orders(order(1), order(2)))
    first, second = list(jobs)
    await settle()
    assert [report.id for report in jobs.reports()] == ["j1", "j2"]
    jobs.apply(orders(order(2)))
    await settle()
    assert isinstance(first, Endless)
    assert (first.has_ended, first.is_over) == (True, True)
    assert list(jobs) == [second]
    await jobs.close()
    assert isinstance(second, Endless)
    assert (second.has_ended, second.is_over) == (True, False)


async def test_a_new_ticket_goes_to_the_running_job() -> None:
    jobs = Jobs({PullOrder: Endless})
    jobs.apply(orders(order(1)))
    (job,) = jobs
    jobs.apply(orders(order(1, ticket="t2")))
    assert list(jobs) == [job]
    assert isinstance(job, Endless)
    assert isinstance(job.order, PullOrder)
    assert job.order.ticket == "t2"
    await jobs.close()


async def test_a_new_address_makes_a_new_job_when_the_old_one_has_ended() -> None:
    jobs = Jobs({PullOrder: Endless})
    jobs.apply(orders(order(1)))
    (old,) = jobs
    await settle()
    assert isinstance(old, Endless)
    old.may_end.clear()
    jobs.apply(orders(order(1, url="other")))
    await settle()
    jobs.apply(orders(order(1, url="other")))
    assert list(jobs) == []
    old.may_end.set()
    await settle()
    assert not old.is_over
    jobs.apply(orders(order(1, url="other")))
    (new,) = jobs
    assert new is not old
    await jobs.close()


async def test_no_more_are_taken_than_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_JOBS", 2)
    jobs = Jobs({PullOrder: Endless})
    jobs.apply(orders(*map(order, range(5))))
    assert (len(list(jobs)), jobs.room) == (2, 0)
    await jobs.close()


async def test_figures_outlive_their_jobs() -> None:
    jobs = Jobs({PullOrder: Endless})
    jobs.apply(orders(order(1)))
    next(iter(jobs)).count(700)
    jobs.apply(orders())
    await settle()
    jobs.apply(orders(order(2)))
    next(iter(jobs)).count(30)
    assert jobs.moved_bytes == {"pull": 730}
    await jobs.close()


async def test_orders_of_a_newer_web_that_nobody_here_can_do_are_left() -> None:
    jobs = Jobs({PullOrder: Endless})
    unknown = msgspec.convert(
        {"id": "r", "channelId": "c", "channelName": "n", "sessionId": "s", "originUrl": "o", "url": "u"}, RestreamOrder
    )
    jobs.apply(RelayOrders([], [unknown]))
    assert list(jobs) == []
