"""The relay process: streams fetched from elsewhere, and sources sent on to other servers.

It has no database and no Redis: web tells it in answers to heartbeats what to do. It stops by saying goodbye on all
sides and leaves its jobs to another process, or to itself when it is started again.
"""

import asyncio
from functools import partial

import aiohttp
import structlog
from prometheus_client import REGISTRY

from config.settings import Settings
from config.stopping import stop_event
from media.internal import internal_app, listen
from media.relay.beats import Beats
from media.relay.jobs import Jobs, Makers
from media.relay.metrics import RelayCollector
from media.relay.pull.job import Pull
from media.relay.restream.job import Restream
from media.relay.workplace import Workplace
from media.signed import SignedClient
from schemas.ids import NodeId, make_id
from schemas.relay import PullOrder, RestreamOrder

log = structlog.get_logger()


def makers(workplace: Workplace) -> Makers:
    """Return what makes jobs of orders. A new kind of job is a line here."""
    return {PullOrder: partial(Pull, workplace), RestreamOrder: partial(Restream, workplace)}


async def serve(settings: Settings, *, stop: asyncio.Event) -> None:
    """Run the process until `stop` is set. Raises `StartError`."""
    node_id = NodeId(make_id())
    runner = await listen(internal_app(), settings.relay_host, settings.relay_port, "TALLY_RELAY_PORT")
    try:
        async with aiohttp.ClientSession() as http:
            jobs = Jobs(makers(Workplace(settings, http)))
            beats = Beats(SignedClient(settings.internal_base_url, "relay", settings.secret, http), node_id, jobs)
            collector = RelayCollector(jobs)
            REGISTRY.register(collector)
            log.info("relay ready", port=settings.relay_port, node=node_id)
            try:
                await _beat(beats, stop)
            finally:
                log.info("relay stopping", jobs=len(jobs.reports()))
                await jobs.close()
                await beats.farewell()
                REGISTRY.unregister(collector)
    finally:
        await runner.cleanup()


async def _beat(beats: Beats, stop: asyncio.Event) -> None:
    beating = asyncio.create_task(beats.run(), name="heartbeats")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({beating, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (beating, stopped):
            task.cancel()
        await asyncio.wait({beating, stopped})
    if not beating.cancelled():
        beating.result()


async def run(settings: Settings) -> None:
    """Run the process until SIGINT or SIGTERM."""
    await serve(settings, stop=stop_event())
