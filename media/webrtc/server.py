"""The webrtc process: WHIP publishers in, WHEP viewers out.

It stops in the order listener, peers, and waits until ingest has heard of every publisher's end.
"""

import asyncio

import aiohttp
import structlog

from config.settings import Settings
from config.stopping import stop_event
from media.internal import StartError, internal_app, listen
from media.signed import SignedClient
from media.webrtc.network import Network
from media.webrtc.presence import Presence
from media.webrtc.signalling import Signalling
from media.webrtc.udp import NoPort
from media.webrtc.watch.watching import Watching
from media.webrtc.whip.publishers import Publishers
from schemas.ids import NodeId, make_id

log = structlog.get_logger()


async def serve(settings: Settings, *, stop: asyncio.Event) -> None:
    """Run the process until `stop` is set. Raises `StartError`."""
    try:
        network = Network(settings)
    except NoPort as error:
        raise StartError(str(error)) from error
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            await _serve(settings, network, http, stop)
    finally:
        network.close()


async def _serve(settings: Settings, network: Network, http: aiohttp.ClientSession, stop: asyncio.Event) -> None:
    node_id = NodeId(make_id())  # a new one: after a restart nothing is left of what the old one's resources named
    publishers = Publishers(http, network, settings.origin_base_url, settings.max_bitrate_kbps)
    watching = Watching(http, settings.webrtc_max_viewers)
    presence = Presence(
        SignedClient(settings.internal_base_url, "webrtc", settings.secret, http),
        node_id=node_id,
        url=settings.webrtc_base_url,
        max_viewers=settings.webrtc_max_viewers,
        viewers=watching.viewers,
        publishers=lambda: len(publishers),
    )
    application = internal_app()
    Signalling(node_id, network, publishers, watching, ice_servers=settings.ice_servers).add_to(application)
    runner = await listen(application, settings.webrtc_host, settings.webrtc_port, "TALLY_WEBRTC_PORT")
    tasks = {
        asyncio.create_task(network.run(), name="network"),
        asyncio.create_task(presence.run(), name="presence"),
    }
    waiting = asyncio.create_task(stop.wait(), name="stop")
    try:
        log.info("webrtc ready", port=settings.webrtc_port, udp_port=network.port)
        await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await runner.cleanup()
        network.close()
        await watching.close()
        await publishers.close()
        waiting.cancel()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for each in ended:
        if isinstance(each, Exception):
            raise each


async def run(settings: Settings) -> None:
    """Run the process until SIGINT or SIGTERM."""
    await serve(settings, stop=stop_event())
