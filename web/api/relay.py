"""What the relay processes report and are told: each job has one process, which keeps it while it is heard of."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from schemas.ingest import LiveEntry, live_key
from schemas.relay import (
    JOB_LEASE_S,
    JobReport,
    PullOrder,
    RelayHeartbeat,
    RelayOrders,
    RestreamOrder,
    job_key,
)
from web.api.jobs import RELAY_HAS_ROOM
from web.services import Services
from web.store import jobs, pulls, restreams

TICKET_PREFIX = "pull_"


def ticket_of(secret: str, job: str) -> str:
    """Return the key with which the relay publishes a pull. It is nowhere stored: it follows from TALLY_SECRET."""
    made = hmac.new(secret.encode(), f"ticket of pull {job}".encode(), hashlib.sha256).digest()
    return TICKET_PREFIX + base64.b32encode(made[:20]).decode().lower()


async def heartbeat(services: Services, report: RelayHeartbeat) -> RelayOrders:
    """Keep how its jobs are, give it more where it has room, and say what it is to do from now on."""
    node, named = report.node_id, [job.id for job in report.jobs]
    is_leaving = not report.jobs and not report.room
    async with services.pool.acquire() as connection, connection.transaction():
        if is_leaving:
            for table in jobs.TABLES:
                await jobs.release(connection, table, node)
            return RelayOrders([], [])
        own: set[str] = set()
        for table in jobs.TABLES:
            own.update(await jobs.renew(connection, table, node, named))
        room = max(0, report.room)
        room -= await pulls.claim(connection, node, room, JOB_LEASE_S)
        await restreams.claim(connection, node, room, JOB_LEASE_S)
        to_pull = await pulls.of_node(connection, node, JOB_LEASE_S)
        to_send = await restreams.of_node(connection, node, JOB_LEASE_S)
    await _store_reports(services, [job for job in report.jobs if job.id in own])
    if report.room:
        await services.redis.set(RELAY_HAS_ROOM, b"1", ex=JOB_LEASE_S)
    return RelayOrders(_pull_orders(services, to_pull), await _restream_orders(services, to_send))


def _pull_orders(services: Services, claimed: Sequence[pulls.Claimed]) -> list[PullOrder]:
    return [
        PullOrder(
            id=job.id,
            channel_id=job.channel_id,
            channel_name=job.channel_name,
            url=job.url,
            ticket=ticket_of(services.settings.secret, job.id),
            is_trusted=job.is_trusted,
        )
        for job in claimed
    ]


async def _restream_orders(services: Services, claimed: Sequence[restreams.Claimed]) -> list[RestreamOrder]:
    """Where each live session is, only Redis knows; one that is not there (yet) is not sent on."""
    if not claimed:
        return []
    entries = await services.redis.mget([live_key(job.channel_id) for job in claimed])
    orders: list[RestreamOrder] = []
    for job, entry in zip(claimed, entries, strict=True):
        if entry is None:
            continue
        live = msgspec.json.decode(entry, type=LiveEntry)
        orders.append(
            RestreamOrder(
                id=job.id,
                channel_id=job.channel_id,
                channel_name=job.channel_name,
                session_id=live.session_id,
                origin_url=live.origin_url,
                url=job.target,
            )
        )
    return orders


async def _store_reports(services: Services, reports: Sequence[JobReport]) -> None:
    if not reports:
        return
    async with services.redis.pipeline(transaction=False) as pipeline:
        for report in reports:
            pipeline.set(job_key(report.id), msgspec.json.encode(report), ex=JOB_LEASE_S)
        await pipeline.execute()
