"""How a pull or a restream is, for its owner."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from schemas import api
from schemas.relay import JOB_LEASE_S, JobReport, job_key
from web.services import Services

RELAY_HAS_ROOM = "relay_has_room"
"""Redis key that is there while a relay process would take more jobs."""
IDLE = api.JobState("idle")
CONNECTING = api.JobState("connecting")
NOBODY = "No relay process takes this: none runs, or all are busy."


class Look(msgspec.Struct, frozen=True):
    """What is known of some jobs: their last reports, and whether somebody would take those that nobody has."""

    reports: dict[str, JobReport]
    has_room: bool

    def state_of(self, job: str, *, is_due: bool, seen_at: datetime | None) -> api.JobState:
        """Return a job's state; `seen_at` is when a process that has it was heard of."""
        if not is_due:
            return IDLE
        report = self.reports.get(job)
        if report is not None:
            return _state_of(report)
        is_taken = seen_at is not None and datetime.now(UTC) - seen_at < timedelta(seconds=JOB_LEASE_S)
        return CONNECTING if is_taken or self.has_room else api.JobState("waiting", reason=NOBODY)


async def look(services: Services, jobs: Sequence[str]) -> Look:
    """Ask Redis about these jobs."""
    has_room, *stored = await services.redis.mget([RELAY_HAS_ROOM, *map(job_key, jobs)])
    read = (msgspec.json.decode(report, type=JobReport) for report in stored if report is not None)
    return Look({report.id: report for report in read}, has_room is not None)


async def forget(services: Services, job: str) -> None:
    """Believe no report from before this moment."""
    await services.redis.delete(job_key(job))


def _state_of(report: JobReport) -> api.JobState:
    return api.JobState(
        report.state,
        reason=report.reason,
        since=_time(report.since_ms),
        retry_at=_time(report.retry_at_ms),
        bitrate_bps=report.bitrate_bps,
        sent_bytes=report.moved_bytes,
        failures=report.failures,
    )


def _time(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)
