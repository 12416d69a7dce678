"""How a pull or a restream is, for its owner."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from schemas import api
from schemas.relay import JOB_LEASE_S, JobReport, job_key
from web.services import Services

IDLE = api.JobState("idle")
NOBODY = "No relay process has taken this yet: none runs, or all are busy."


async def reports(services: Services, jobs: Sequence[str]) -> dict[str, JobReport]:
    """Return the last report of each of these jobs that has one."""
    stored = await services.redis.mget([job_key(job) for job in jobs]) if jobs else []
    read = (msgspec.json.decode(report, type=JobReport) for report in stored if report is not None)
    return {report.id: report for report in read}


async def forget(services: Services, job: str) -> None:
    """Believe no report from before this moment."""
    await services.redis.delete(job_key(job))


def state_of(report: JobReport | None, *, is_due: bool, seen_at: datetime | None) -> api.JobState:
    """Return a job's state; `seen_at` is when a process that has it was heard of."""
    if not is_due:
        return IDLE
    if report is not None:
        return api.JobState(
            report.state,
            reason=report.reason,
            since=_time(report.since_ms),
            retry_at=_time(report.retry_at_ms),
            bitrate_bps=report.bitrate_bps,
            sent_bytes=report.moved_bytes,
            failures=report.failures,
        )
    is_taken = seen_at is not None and datetime.now(UTC) - seen_at < timedelta(seconds=JOB_LEASE_S)
    return api.JobState("connecting") if is_taken else api.JobState("waiting", reason=NOBODY)


def _time(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)
