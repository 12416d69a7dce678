"""One web process: two listeners, the tasks beside them, and an orderly end."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from chat.chat import Chat
from chat.irc.server import IrcServer
from chat.keeping.keeper import Keeper
from chat.rooms.hub import Hub
from chat.sockets.handler import SocketServer
from config import postgres, redis
from config.objects.opening import open_stores
from config.sealing import Seal
from config.settings import Settings
from config.stopping import stop_event
from web.access import AccessKeys
from web.app import PARTS, Part, internal_app, public_app
from web.archive.archive import Archive
from web.archive.moments import Recordings
from web.events import Events
from web.failures import AWAY
from web.hls.delivery import Delivery
from web.hls.embeds import Embeds
from web.hls.front import Front, make_front
from web.hls.route import add_to
from web.housekeeper import Housekeeper
from web.media_events import MediaEvents
from web.metrics import Metrics, Troubles
from web.passwords import Passwords
from web.rooms import Rooms
from web.services import Services
from web.viewers import Viewers
from web.webrtc.nodes import Nodes

BACKLOG: Final = 1024
DRAIN_S: Final = 5.0
"""How long requests under way may take when the process is asked to stop."""
KEEPALIVE_S: Final = 75.0
log = structlog.get_logger()


class PortTaken(Exception):
    """A listener can't be opened; the text says which and what to do."""


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Connect to PostgreSQL and Redis and make what handlers share."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    metrics = Metrics()
    troubles = Troubles(metrics)
    async with AsyncExitStack() as stack:
        pool = await postgres.open_pool(settings.database_url)
        stack.push_async_callback(_close_pool, pool)
        client = redis.connect(settings.redis_url)
        stack.push_async_callback(client.aclose)
        passwords = Passwords()
        stack.callback(passwords.close)
        access = AccessKeys(pool, troubles, settings.access_s)
        await access.start()
        stack.push_async_callback(access.close)
        chat = Chat(
            pool=pool,
            redis=client,
            redis_url=settings.redis_url,
            replicas=settings.redis_replicas,
            trouble=troubles.note,
            failures=AWAY,
        )
        stack.push_async_callback(chat.close)
        yield Services(
            settings=settings,
            pool=pool,
            redis=client,
            passwords=passwords,
            viewers=Viewers(client, metrics, troubles),
            events=Events(client, troubles),
            metrics=metrics,
            troubles=troubles,
            access=access,
            stores=await stack.enter_async_context(open_stores(settings)),
            nodes=Nodes(client),
            seal=Seal(settings.secret),
            chat=chat,
            recordings=Recordings(pool),
        )


async def _close_pool(pool: postgres.Pool) -> None:
    try:
        async with asyncio.timeout(DRAIN_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()


@dataclass
class Running:
    """A started web process, and where it listens."""

    services: Services
    public_port: int
    internal_port: int
    hub: Hub | None


@asynccontextmanager
async def running(settings: Settings, parts: Collection[Part] = PARTS) -> AsyncIterator[Running]:
    """Serve until the context is left; then stop listening, send sockets elsewhere, finish what is under way."""
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings))
        tasks = await stack.enter_async_context(_background())
        tasks.start("access keys", services.access.run())
        tasks.start("viewers", services.viewers.run())
        tasks.start("chat", services.chat.run())
        rooms = Rooms(services) if {"chat", "irc"} & set(parts) else None
        sockets = rooms.sockets() if rooms and "chat" in parts else None
        irc = rooms.irc() if rooms and "irc" in parts else None
        application = public_app(services, sockets, irc, parts)
        delivery = None
        if "hls" in parts:
            delivery = await _delivery(stack, services)
            services.metrics.registry.register(delivery.counters)
            add_to(application, delivery)
            await delivery.start()
            stack.push_async_callback(delivery.close)
        if rooms is not None:
            tasks.start("rooms", rooms.run())
        if sockets is not None:
            tasks.start("sockets", sockets.run())
        if irc is not None:
            tasks.start("irc", irc.run())
        if "api" in parts:
            tasks.start("housekeeper", Housekeeper(services).run())
            tasks.start("media events", MediaEvents(services).run())
            keeper = Keeper(services.redis, services.pool, services.troubles.note, failures=AWAY)
            services.metrics.registry.register(keeper.counts)
            tasks.start("keeper", keeper.run())
        public_port = await listen_public(stack, settings, application, delivery, sockets)
        if irc is not None:
            await _serve_irc(stack, settings, irc)
        internal_port = await _listen_internal(stack, settings, internal_app(services))
        hub = rooms.hub if rooms else None
        log.info("web started", port=public_port, internal_port=internal_port, parts=",".join(sorted(parts)))
        yield Running(services, public_port, internal_port, hub)


async def _delivery(stack: AsyncExitStack, services: Services) -> Delivery:
    settings = services.settings
    archive = Archive(settings, services.pool, services.stores, services.troubles)
    stack.push_async_callback(archive.close)
    embeds = Embeds(settings.public_url, settings.embed_allow) if settings.embed_allow else None
    return Delivery(services.redis, services.viewers, archive=archive, access=services.access, embeds=embeds)


async def listen_public(
    stack: AsyncExitStack,
    settings: Settings,
    application: web.Application,
    delivery: Delivery | None,
    sockets: SocketServer | None,
) -> int:
    """Open the public port and return it. With delivery, its protocol sees each connection first."""
    runner = await _set_up(stack, application)
    assert runner.server is not None
    front: Front | None = make_front(delivery, runner.server) if delivery else None
    factory = front or runner.server
    server = await _listen(settings, settings.http_host, settings.http_port, factory, "TALLY_HTTP_PORT")

    async def stop() -> None:
        server.close()
        if sockets is not None:
            await sockets.close()
        if front is not None:
            await front.close()

    stack.push_async_callback(stop)
    return _port_of(server)


async def _listen_internal(stack: AsyncExitStack, settings: Settings, application: web.Application) -> int:
    runner = await _set_up(stack, application)
    assert runner.server is not None
    host, port = settings.internal_host, settings.internal_port
    server = await _listen(settings, host, port, runner.server, "TALLY_INTERNAL_PORT")
    stack.callback(server.close)
    return _port_of(server)


async def _serve_irc(stack: AsyncExitStack, settings: Settings, irc: IrcServer) -> None:
    """Open the port of IRC, if it has one. It stops before the public port does, where it has clients too."""
    host, port = settings.irc_host, settings.irc_port
    server = await _listen(settings, host, port, irc.protocol, "TALLY_IRC_PORT") if port else None

    async def stop() -> None:
        if server is not None:
            server.close()
        await irc.close()

    stack.push_async_callback(stop)


async def _set_up(stack: AsyncExitStack, application: web.Application) -> web.AppRunner:
    runner = web.AppRunner(
        application,
        access_log=None,  # requests are logged by the middleware, without queries
        handle_signals=False,
        shutdown_timeout=DRAIN_S,
        keepalive_timeout=KEEPALIVE_S,
    )
    stack.push_async_callback(runner.cleanup)  # first: what a start that is given up has opened is closed too
    await runner.setup()
    return runner


async def _listen(
    settings: Settings, host: str, port: int, factory: Callable[[], asyncio.Protocol], setting: str
) -> asyncio.Server:
    # With one process the port is ours alone, so that a second installation is told that it is taken.
    is_shared = settings.web_processes > 1
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(factory, host, port, backlog=BACKLOG, reuse_port=is_shared)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise PortTaken(f"port {port} on {host}: {why}: stop what uses it, or set {setting}") from None


def _port_of(server: asyncio.Server) -> int:
    port = server.sockets[0].getsockname()[1]
    assert isinstance(port, int)
    return port


class Background:
    """Tasks that run beside the listeners until the process stops."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Start one. Should it fail, the group cancels everything and the process ends with its error."""
        self._tasks.append(self._group.create_task(work, name=name))

    def cancel(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def _background() -> AsyncIterator[Background]:
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        background = Background(group)
        try:
            yield background
        except Exception as error:  # goes on as it is, not wrapped in a group: it is no task's
            failure = error
        finally:
            background.cancel()
    if failure is not None:
        raise failure


async def serve(settings: Settings, parts: Collection[Part] = PARTS) -> None:
    """Run until SIGTERM or SIGINT. Raises `PortTaken`, `DatabaseUnavailable`."""
    stopping = stop_event()
    async with running(settings, parts):
        await stopping.wait()
        began = time.monotonic()
        log.info("web stopping")
    log.info("web stopped", seconds=round(time.monotonic() - began, 2))
