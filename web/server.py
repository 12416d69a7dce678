"""One web process: two listeners, the tasks beside them, and an orderly end."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from aiohttp import web

from chat.handler import Doors, SocketServer
from chat.hub import Hub
from chat.keeping.history import History
from chat.keeping.keeper import Keeper
from chat.log.listener import Listener
from chat.log.log import ChatLog
from chat.metrics import ChatMetrics
from chat.moderation.settings import ChannelSettings
from chat.people import Identity
from chat.places import Places
from chat.presence import Presence
from chat.sources import Sources
from chat.speaking import Said
from chat.standings import Standings
from chat.states import ChannelState
from chat.store import pins, rooms
from config import postgres, redis
from config.objects.opening import open_stores
from config.sealing import Seal
from config.settings import Settings
from config.stopping import stop_event
from schemas.chat import Pinned
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from schemas.socket import Ack, Held
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
from web.identity import identify_socket, may_read, recheck
from web.media_events import MediaEvents
from web.metrics import Metrics, Troubles
from web.passwords import Passwords
from web.proxies import client_address
from web.services import Services
from web.store import channels
from web.store.channels import ChannelRow
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
        chat_log = ChatLog(
            settings.redis_url, partial(rooms.recall, pool), troubles.note, replicas=settings.redis_replicas
        )
        history = History(pool, chat_log)
        stack.push_async_callback(history.close)
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
            chat_log=chat_log,
            history=history,
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


def _state_of(row: ChannelRow, grace_s: float) -> ChannelState:
    lost_at = row.interrupted_at
    returns_until_ms = None if lost_at is None else round((lost_at.timestamp() + grace_s) * 1000)
    return ChannelState(row.session_id, row.live_at, row.viewer_count, returns_until_ms)


@asynccontextmanager
async def running(settings: Settings, parts: Collection[Part] = PARTS) -> AsyncIterator[Running]:
    """Serve until the context is left; then stop listening, send sockets elsewhere, finish what is under way."""
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings))
        tasks = await stack.enter_async_context(_background())
        tasks.start("access keys", services.access.run())
        tasks.start("viewers", services.viewers.run())
        tasks.start("log of chats", services.chat_log.run())
        sockets, chat_log = _sockets(services) if "chat" in parts else (None, None)
        application = public_app(services, sockets, parts)
        delivery = None
        if "hls" in parts:
            delivery = await _delivery(stack, services)
            services.metrics.registry.register(delivery.counters)
            add_to(application, delivery)
            await delivery.start()
            stack.push_async_callback(delivery.close)
        if sockets is not None and chat_log is not None:
            tasks.start("chat log", chat_log.run())
            tasks.start("hub", sockets.hub.run())
            tasks.start("sockets", sockets.run())
            tasks.start("presence", Presence(services.redis, sockets.hub, services.troubles.note).run())
        if "api" in parts:
            tasks.start("housekeeper", Housekeeper(services).run())
            tasks.start("media events", MediaEvents(services).run())
            keeper = Keeper(services.redis, services.pool, services.troubles.note, failures=AWAY)
            services.metrics.registry.register(keeper.counts)
            tasks.start("keeper", keeper.run())
        public_port = await listen_public(stack, settings, application, delivery, sockets)
        internal_port = await _listen_internal(stack, settings, internal_app(services))
        hub = sockets.hub if sockets else None
        log.info("web started", port=public_port, internal_port=internal_port, parts=",".join(sorted(parts)))
        yield Running(services, public_port, internal_port, hub)


async def _delivery(stack: AsyncExitStack, services: Services) -> Delivery:
    settings = services.settings
    archive = Archive(settings, services.pool, services.stores, services.troubles)
    stack.push_async_callback(archive.close)
    embeds = Embeds(settings.public_url, settings.embed_allow) if settings.embed_allow else None
    return Delivery(services.redis, services.viewers, archive=archive, access=services.access, embeds=embeds)


def _sockets(services: Services) -> tuple[SocketServer, ChatLog]:
    async def read_states(ids: Sequence[ChannelId]) -> Mapping[ChannelId, ChannelState]:
        rows = await channels.find_many(services.pool, list(ids))
        return {row.id: _state_of(row, services.settings.grace_s) for row in rows}

    async def pinned_of(channel: ChannelId) -> Pinned | None:
        return (await pins.read_many(pool, [channel])).get(channel)

    async def speak(_identity: Identity | None, _said: Said) -> Ack | Held:
        raise ApiError(ErrorCode.UNAVAILABLE, "Nothing can be said here yet.")

    def address_of(request: web.Request) -> str:
        forwarded = request.headers.getall("X-Forwarded-For", ())
        return client_address(request.remote or "", forwarded, services.trusted_proxies)

    def dropped(why: str) -> None:
        services.metrics.sockets_dropped.labels(why).inc()

    redis_url = services.settings.redis_url
    assert redis_url is not None
    trouble, pool = services.troubles.note, services.pool
    chat_log = ChatLog(redis_url, partial(rooms.recall, pool), trouble, replicas=services.settings.redis_replicas)
    standings, settings = Standings(pool, trouble), ChannelSettings(pool, trouble)
    sources = Sources(
        read_states=read_states,
        may_read=partial(may_read, services),
        standing_of=standings.of,
        you_of=standings.you,
        settings_of=settings.of,
        pinned_of=pinned_of,
        failures=AWAY,
    )
    chat_metrics = ChatMetrics(services.metrics.registry)
    hub = Hub(
        services.redis,
        chat_log,
        lambda entry, moderators, fresh: Listener(redis_url, entry, moderators, fresh, trouble),
        sources,
        trouble=trouble,
        metrics=chat_metrics,
    )
    hub.watch(standings.observe)
    hub.watch(settings.watch)
    doors = Doors(
        identify=partial(identify_socket, services),
        recheck=partial(recheck, services),
        address_of=address_of,
        places=Places(services.settings.chat_sockets),
    )
    server = SocketServer(hub, speak, doors, metrics=chat_metrics, on_drop=dropped)
    services.metrics.sockets.set_function(lambda: server.count)
    return server, chat_log


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


async def _set_up(stack: AsyncExitStack, application: web.Application) -> web.AppRunner:
    runner = web.AppRunner(
        application,
        access_log=None,  # requests are logged by the middleware, without queries
        handle_signals=False,
        shutdown_timeout=DRAIN_S,
        keepalive_timeout=KEEPALIVE_S,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
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
