"""Claims of media.relay.job: trying again, and saying how it is."""

import asyncio
import time

import pytest

from media.relay import job as module
from media.relay.job import OURS, Job, Setback


class Trying(Job):
    """Does what the test says, one try after another; then works for ever."""

    kind = "pull"

    def __init__(self, *ends: Exception | None) -> None:
        super().__init__("j1", "demo")
        self.ends = list(ends)
        self.tries = 0
        self.reports: list[tuple[str, str]] = []

    async def attempt(self) -> None:
        self.tries += 1
        if self.ends:
            end = self.ends.pop(0)
            if end is not None:
                raise end
            return
        self.works()
        await asyncio.Event().wait()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long a job waits, without the waiting."""
    asked: list[float] = []
    sleep = asyncio.sleep

    async def note(wait_s: float) -> None:
        asked.append(wait_s)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    return asked


async def until_running(job: Job) -> None:
    task = asyncio.create_task(job.run())
    async with asyncio.timeout(20):
        while job.state != "running":
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    task.cancel()
    await asyncio.wait({task})


async def test_pauses_double_with_jitter_up_to_the_longest(pauses: list[float]) -> None:
    job = Trying(*[Setback("No.")] * 9)
    await until_running(job)
    for pause_s, usual_s in zip(pauses, (1, 2, 4, 8, 16, 32, 60, 60, 60), strict=True):
        assert 0.8 * usual_s <= pause_s <= 1.2 * usual_s
    assert len({round(pause_s / usual_s, 6) for pause_s, usual_s in zip(pauses, (1, 2, 4, 8), strict=False)}) > 1


async def test_what_the_next_seconds_do_not_cure_waits_long_at_once(pauses: list[float]) -> None:
    await until_running(Trying(Setback("Forbidden.", is_lasting=True)))
    assert pauses[0] >= 48


async def test_a_job_says_why_it_waits_and_until_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 1000.0)
    job = Trying(Setback("The server does not answer."))
    task = asyncio.create_task(job.run())
    async with asyncio.timeout(20):
        while job.state != "waiting":
            await asyncio.sleep(0)
    report = job.report()
    assert (report.state, report.reason, report.failures) == ("waiting", "The server does not answer.", 1)
    assert report.retry_at_ms is not None
    assert 700_000 < report.retry_at_ms - report.since_ms < 1_300_000
    task.cancel()
    await asyncio.wait({task})


async def test_a_fault_of_ours_is_logged_and_tried_again(pauses: list[float]) -> None:
    job = Trying(KeyError("a bug with rtmp://host/live/KEY"), None)
    reasons = []
    enter = job._enter

    def note(state: module.State, reason: str = "", *, retry_in_s: float | None = None) -> None:
        reasons.append(reason)
        enter(state, reason, retry_in_s=retry_in_s)

    job._enter = note  # type: ignore[method-assign]
    await until_running(job)
    assert OURS in reasons
    assert not any("KEY" in reason for reason in reasons)


async def test_bytes_are_counted_and_their_rate_is_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    job = Trying()
    job.works()
    for _ in range(20):
        now += 0.2
        job.count(25_000)
    assert job.report().moved_bytes == 500_000
    assert job.report().bitrate_bps == pytest.approx(1_000_000, rel=0.1)
    now += 60
    assert job.report().bitrate_bps == 0
