"""The ingest process: listeners in front, sessions in the middle, the internal origin behind.

It starts from behind: what its spool holds of sessions is served again, web hears of it, then publishers may come. It
stops in the order listeners, publishers, origin, each within a deadline, and leaves its sessions to the next process.
"""

import asyncio
import ssl
from functools import partial

import aiohttp
import structlog
from aiohttp import web
from prometheus_client import REGISTRY

from config import redis as redis_connection
from config.limits import usable_cores
from config.sealing import Seal
from config.settings import Settings
from config.stopping import stop_event
from media.callbacks import Callbacks
from media.internal import StartError
from media.journal.metrics import DiskCollector
from media.keys import KeyTable
from media.links.server import Links
from media.metrics import CoresCollector, LinksCollector, NodeCollector
from media.node import Node
from media.origin import make_runner
from media.pictures.link import Pictures
from media.pictures.metrics import PicturesCollector
from media.pipeline import Pipeline, Workshop
from media.recovery import recover
from media.registry import Registry
from media.rtmp.server import RtmpServer
from media.spool import Spool, SpoolInUse
from media.srt.lib import NoLibrary, load
from media.srt.server import SrtServer
from media.transcode.ability import able_encoder
from media.transcode.admission import Admission

log = structlog.get_logger()


ANNOUNCE_S = 3.0
"""How long publishers are kept out after the start until web has heard of the sessions that were resumed."""


SRT_OFF = "off (TALLY_SRT_PORT)"
"""What web is told of a node that is not to listen: nobody is shown an address of SRT then."""


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the context of the RTMPS listener, or None when no certificate is set. Raises `StartError`."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"TALLY_TLS_CERTIFICATE and TALLY_TLS_KEY cannot be loaded: {error}") from error
    return context


async def serve(settings: Settings, *, stop: asyncio.Event) -> None:
    """Run the ingest process until `stop` is set. Raises `StartError` when a port is taken."""
    if settings.redis_url is None:
        raise StartError("TALLY_REDIS_URL is not set: start everything with `tally serve`, or name your Redis")
    tls = tls_context(settings)
    try:
        spool = await asyncio.to_thread(Spool, settings.data / "spool")
    except SpoolInUse as error:
        raise StartError(f"TALLY_DATA: another ingest process works in {settings.data}") from error
    except OSError as error:
        raise StartError(f"TALLY_DATA: the spool cannot be made in {settings.data}: {error.strerror}") from error
    redis = redis_connection.connect(settings.redis_url)
    pictures = Pictures(spool, slate_picture=settings.slate)
    workshop = await _workshop(settings, spool, pictures)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http:
        callbacks = Callbacks(settings.internal_base_url, settings.secret, spool.node_id, http)
        node = Node(
            node_id=spool.node_id,
            origin_url=settings.origin_base_url,
            grace_s=settings.grace_s,
            spool=spool,
            callbacks=callbacks,
            registry=Registry(redis),
            make_pipeline=partial(Pipeline, workshop),
        )
        links = Links(node, node.feeds)
        runner = make_runner(node.streams, lambda: spool.disk.trouble, links.routes(), lambda: _srt_state(srt, node))
        await runner.setup()
        collectors = (
            NodeCollector(node),
            LinksCollector(links),
            CoresCollector(workshop.admission),
            PicturesCollector(pictures),
            DiskCollector(spool.disk),
        )
        for collector in collectors:
            REGISTRY.register(collector)
        rtmp = RtmpServer(node, node.find)
        keys = KeyTable(callbacks, redis, Seal(settings.secret))
        srt = _srt_server(node, keys, settings)
        for recovered in await asyncio.to_thread(recover, spool, settings.grace_s):
            node.resume(recovered)
        life: asyncio.Task[None] | None = None
        helpers = {asyncio.create_task(pictures.run(), name="pictures")}
        if srt is not None:
            helpers.add(asyncio.create_task(keys.run(), name="keys"))
        try:
            await _listen_origin(runner, settings)
            life = asyncio.create_task(node.run(), name="node")
            await _announced(node)
            await _listen_rtmp(rtmp, settings, tls)
            if srt is not None:
                _listen_srt(srt, settings)
            log.info("ingest ready", node=spool.node_id, rtmp_port=settings.rtmp_port, rtmps=tls is not None)
            stopped = asyncio.create_task(stop.wait(), name="stop")
            await asyncio.wait({stopped, life, *helpers}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            log.info("ingest stopping", sessions=len(node.sessions))
        finally:
            if srt is not None:
                await srt.close()
            await rtmp.close()
            await links.close()
            if life is not None and not life.done():
                await node.suspend()
            tasks = helpers if life is None else {*helpers, life}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await runner.cleanup()
            await asyncio.to_thread(spool.close)
            for collector in collectors:
                REGISTRY.unregister(collector)
            await redis.aclose()
        for task in tasks:
            if not task.cancelled():
                task.result()


async def _workshop(settings: Settings, spool: Spool, pictures: Pictures) -> Workshop:
    encoder, preset = await able_encoder(settings.encoder, settings.encoder_preset)
    admission = Admission(usable_cores(), settings.transcode_cores)
    log.info("ladder ready", cores=round(admission.capacity, 2), encoder=encoder, preset=preset)
    return Workshop(
        part_s=settings.part_s,
        segment_s=settings.segment_s,
        spool=spool,
        rungs=settings.rungs,
        admission=admission,
        encoder=encoder,
        preset=preset,
        pictures=pictures,
    )


async def _announced(node: Node) -> None:
    """Let web hear first what was resumed: a publisher who comes back must find his session."""
    try:
        async with asyncio.timeout(ANNOUNCE_S):
            await node.has_announced.wait()
    except TimeoutError:
        log.warning("web does not answer, publishers are let in all the same", waited_s=ANNOUNCE_S)


async def _listen_origin(runner: web.AppRunner, settings: Settings) -> None:
    site = web.TCPSite(runner, settings.origin_host, settings.origin_port)
    try:
        await site.start()
    except OSError as error:
        raise StartError(
            f"the origin cannot listen on port {settings.origin_port} (TALLY_ORIGIN_PORT): {error}"
        ) from error


async def _listen_rtmp(rtmp: RtmpServer, settings: Settings, tls: ssl.SSLContext | None) -> None:
    try:
        if settings.rtmp_port:
            await rtmp.start(settings.rtmp_host, settings.rtmp_port)
    except OSError as error:
        raise StartError(f"RTMP cannot listen on port {settings.rtmp_port} (TALLY_RTMP_PORT): {error}") from error
    try:
        if tls is not None and settings.rtmps_port:
            await rtmp.start(settings.rtmp_host, settings.rtmps_port, protocol="rtmps", ssl=tls)
    except OSError as error:
        raise StartError(f"RTMPS cannot listen on port {settings.rtmps_port} (TALLY_RTMPS_PORT): {error}") from error


def _srt_server(node: Node, keys: KeyTable, settings: Settings) -> SrtServer | None:
    """Return the server, None where there is to be none or libsrt is missing: everything else runs without it."""
    if not settings.srt_port:
        node.srt_trouble = SRT_OFF
        return None
    try:
        return SrtServer(load(), node, keys)
    except NoLibrary as error:
        node.srt_trouble = str(error)
        log.warning("srt unavailable", reason=str(error))
        return None


def _srt_state(srt: SrtServer | None, node: Node) -> str:
    if srt is not None:
        return "ok"
    return "off" if node.srt_trouble == SRT_OFF else f"unavailable: {node.srt_trouble}"


def _listen_srt(srt: SrtServer, settings: Settings) -> None:
    try:
        srt.start(settings.srt_host, settings.srt_port, settings.srt_latency_ms)
    except (OSError, ValueError) as error:
        raise StartError(f"SRT cannot listen on UDP port {settings.srt_port} (TALLY_SRT_PORT): {error}") from error


async def run(settings: Settings) -> None:
    """Run the ingest process until SIGINT or SIGTERM."""
    await serve(settings, stop=stop_event())
