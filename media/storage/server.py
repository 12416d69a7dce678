"""The storage process: sessions in front, its own small listener behind.

It needs Redis and a store sooner or later, but waits for both: nothing is lost while they are away.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

import msgspec
import structlog
from aiohttp import web
from prometheus_client import REGISTRY

from config import redis as redis_connection
from config.objects.opening import Stores, open_stores
from config.settings import Settings
from config.stopping import stop_event
from media.internal import StartError, internal_app
from media.storage import exports
from media.storage.events import EventSink
from media.storage.eviction import Eviction, limit_bytes
from media.storage.jobs import run_jobs
from media.storage.keeping import Keeping
from media.storage.metrics import Figures
from media.storage.spool import SpoolInUse, StoredSpool
from media.storage.uploads import Uploads

log = structlog.get_logger()

SCRATCH = "scratch"
"""The directory of data in which clips are made."""
RECENTLY_S = 300.0
"""So long health speaks of segments that were given up."""


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of /healthz and /readyz."""

    status: str
    waiting: int
    troubles: list[str]


async def serve(settings: Settings, *, stop: asyncio.Event) -> None:
    """Run the storage process until `stop` is set. Raises `StartError`."""
    if settings.redis_url is None:
        raise StartError("TALLY_REDIS_URL is not set: start everything with `tally serve`, or name your Redis")
    root = settings.data / "spool"
    try:
        spool = StoredSpool(root)
    except SpoolInUse as error:
        raise StartError(str(error)) from error
    except OSError as error:
        raise StartError(f"TALLY_DATA: {root} cannot be used: {error.strerror}") from error
    figures = Figures(spool.streams)
    figures.spool_limit_bytes = limit_bytes(settings.spool_max_gb, root)
    eviction = Eviction(root, settings.spool_max_gb, spool.streams, figures)
    redis = redis_connection.connect(settings.redis_url)
    REGISTRY.register(figures)
    try:
        async with open_stores(settings) as stores:
            uploads, sink = Uploads(stores, spool.streams, figures), EventSink(redis)
            keeping = Keeping(spool, uploads, sink, eviction)
            jobs = partial(run_jobs, redis, stores, sink, scratch=settings.data / SCRATCH, consumer=spool.name)
            health = _health(uploads, sink, eviction)
            await _work(settings, stores, [keeping.run, jobs], health, stop)
    finally:
        REGISTRY.unregister(figures)
        eviction.close()
        spool.close()
        await redis.aclose()


async def _work(
    settings: Settings,
    stores: Stores,
    works: Sequence[Callable[[], Coroutine[None, None, None]]],
    health: Callable[[], Health],
    stop: asyncio.Event,
) -> None:
    """Do all works until one fails or `stop` is set."""
    runner = web.AppRunner(_application(stores, health), access_log=None)
    await runner.setup()
    try:
        await _listen(runner, settings)
        log.info("storage ready", port=settings.storage_port)
        tasks = {asyncio.create_task(work(), name="work") for work in works}
        stopped = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
        log.info("storage stopping", waiting=health().waiting)
        for task in (*tasks, stopped):
            task.cancel()
        await asyncio.wait({*tasks, stopped})
    finally:
        await runner.cleanup()
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.storage_host, settings.storage_port).start()
    except OSError as error:
        raise StartError(
            f"storage cannot listen on port {settings.storage_port} (TALLY_STORAGE_PORT): {error}"
        ) from error


def _health(uploads: Uploads, sink: EventSink, eviction: Eviction) -> Callable[[], Health]:
    def answer() -> Health:
        troubles = list(uploads.troubles)
        if sink.trouble is not None:
            troubles.append(sink.trouble)
        now = asyncio.get_running_loop().time()
        if eviction.full_at and now - eviction.full_at < RECENTLY_S:
            troubles.append("the spool is full: segments are given up")
        return Health("degraded" if troubles else "ok", uploads.waiting, troubles)

    return answer


def _application(stores: Stores, health: Callable[[], Health]) -> web.Application:
    app = internal_app(health)
    exports.add_to(app, stores)
    return app


async def run(settings: Settings) -> None:
    """Run the storage process until SIGINT or SIGTERM."""
    await serve(settings, stop=stop_event())
