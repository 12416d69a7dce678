"""Ingest's end of the way to the processes beside it: feeds of its sessions, and publishers that come through them.

What is said is in `messages.py`. Both routes are of the origin, which only our own processes reach; a browser that a
page led here says so in its Origin header, and is refused.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any
from typing import Protocol as Interface

import aiohttp
import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from media.feeds import Feeds
from media.links.messages import (
    Attempt,
    Configured,
    CutOff,
    Denied,
    Describe,
    Ended,
    FromFeed,
    Goodbye,
    Granted,
    Measured,
    Offered,
    ToIngest,
)
from media.links.outbox import HEARTBEAT_S, MAX_SOCKET_BYTES, Outbox
from media.publication import PublishAttempt, Refused, Unavailable, WrongChannel
from media.publisher import Publisher
from media.wire import BadFrame, frames, pack
from schemas.ids import SessionId

log = structlog.get_logger()

MAX_BEHIND_BYTES = 24 << 20
"""Of one feed; twice what is kept of a GOP. A reader that is further behind is dropped."""
MAX_FEEDS = 32
"""WebSockets that read one session: each process beside ingest needs a few."""
MAX_TRACKS = 16
ATTEMPT_S = 10.0
"""How long a publisher's first message may take."""
CLOSE_S = 1.0
"""How long a peer may take to close."""
LOST = "the process that the publisher is connected to broke off"
STOPPING = "the server is stopping"

_to_ingest: "msgspec.msgpack.Decoder[ToIngest]" = msgspec.msgpack.Decoder(ToIngest)


class Publishers(Interface):
    """The node, as far as publishers go."""

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str = "") -> Publisher:
        """See `media.node.Node.open`."""


class Links:
    """The two routes and all who use them. `find` returns the feeds of a running session."""

    def __init__(self, publishers: Publishers, find: Callable[[SessionId], Feeds | None]) -> None:
        self._publishers, self._find = publishers, find
        self._readers: Counter[SessionId] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self.publishing = 0
        """Publishers that are connected through other processes."""
        self.dropped_readers = 0
        """Feeds that were dropped because nobody read them fast enough."""

    @property
    def reading(self) -> int:
        """Feeds that are open."""
        return self._readers.total()

    def routes(self) -> list[web.RouteDef]:
        """Return what the origin has to serve."""
        return [web.get("/{session}/feed", self._feed), web.get("/publish", self._publish)]

    async def close(self) -> None:
        """Break everything off as a fault would: publishers come back, to the next process."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3 * CLOSE_S)
        for task in self._tasks:
            task.cancel()

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        if self._stopping.is_set():
            raise web.HTTPServiceUnavailable
        if "Origin" in request.headers:
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, compress=False, max_msg_size=MAX_SOCKET_BYTES, timeout=CLOSE_S
        )
        await socket.prepare(request)
        return socket

    async def _outlive(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Wait for this work. A client that goes away cancels the request, not the work, which cleans up by itself."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait({task})

    # --- feeds -------------------------------------------------------------------------------------------------

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        session_id = SessionId(request.match_info["session"])
        tracks = [name for name in request.query.get("tracks", "").split(",") if name]
        feeds = self._find(session_id)
        if feeds is None:
            raise web.HTTPNotFound
        if len(tracks) > MAX_TRACKS:
            raise web.HTTPBadRequest
        if self._readers[session_id] >= MAX_FEEDS:
            log.warning("feed refused", session=session_id, feeds=MAX_FEEDS)
            raise web.HTTPServiceUnavailable
        socket = await self._socket(request)
        reader = _Reader(socket, request.transport, session_id)
        self._readers[session_id] += 1
        try:
            is_urgent = "urgent" in request.query
            serving = self._serve_feed(reader, feeds, tracks, is_urgent=is_urgent)
            await self._outlive(serving, f"feed {session_id}")
        finally:
            self._readers[session_id] -= 1
            if not self._readers[session_id]:
                del self._readers[session_id]
        return socket

    async def _serve_feed(self, reader: "_Reader", feeds: Feeds, tracks: list[str], *, is_urgent: bool) -> None:
        try:
            leave = feeds.subscribe(tracks, reader.take, is_urgent=is_urgent)
        except Unavailable as error:
            await reader.socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=str(error).encode())
            return
        sending = asyncio.create_task(reader.outbox.run(), name="feed sending")
        # It has nothing to say: whatever comes is its end.
        hearing = asyncio.create_task(reader.socket.receive(), name="feed hearing")
        try:
            await _first_of(sending, hearing, self._stopping)
        finally:
            leave()
        if reader.is_dropped:
            self.dropped_readers += 1
        elif self._stopping.is_set():
            await reader.socket.close(code=WSCloseCode.GOING_AWAY, message=STOPPING.encode())
        else:
            await reader.socket.close()

    # --- publishers --------------------------------------------------------------------------------------------

    async def _publish(self, request: web.Request) -> web.StreamResponse:
        socket = await self._socket(request)
        await self._outlive(self._serve_publisher(socket), "publish over a link")
        return socket

    async def _serve_publisher(self, socket: web.WebSocketResponse) -> None:
        asked = await _attempt(socket)
        if asked is None:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"an attempt comes first")
            return
        cut: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def on_cut(sentence: str) -> None:
            if not cut.done():  # the link may have broken off this very moment
                cut.set_result(sentence)

        try:
            publisher = await self._publishers.open(asked.attempt, on_cut, asked.channel)
        except WrongChannel as error:
            await _deny(socket, Denied("wrong_channel", error.reason))
            return
        except Refused as error:
            await _deny(socket, Denied(error.kind, error.reason))
            return
        except (Unavailable, TimeoutError) as error:
            await _deny(socket, Denied("unavailable", str(error) or "The platform does not answer right now."))
            return
        self.publishing += 1
        try:
            await self._serve_granted(socket, publisher, cut)
        finally:
            self.publishing -= 1
            await publisher.end(STOPPING if self._stopping.is_set() else LOST)

    async def _serve_granted(
        self, socket: web.WebSocketResponse, publisher: Publisher, cut: "asyncio.Future[str]"
    ) -> None:
        grant = publisher.grant
        assert grant is not None
        try:
            await socket.send_bytes(pack(Granted(grant.session_id, grant.channel_id, grant.channel_name)))
            reading = asyncio.create_task(_read(socket, publisher), name="publisher reading")
            await _first_of(reading, cut, self._stopping)
            if cut.done() and not cut.cancelled():
                await socket.send_bytes(pack(CutOff(cut.result())))
            elif self._stopping.is_set():
                await socket.close(code=WSCloseCode.GOING_AWAY, message=STOPPING.encode())
        except (aiohttp.ClientError, OSError):  # its end is found again while closing
            log.debug("publisher's link lost", session=grant.session_id)
        await socket.close()


class _Reader:
    """A feed's way out: it is dropped when too much piles up, never waited for."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, session_id: SessionId
    ) -> None:
        self.socket = socket
        self.outbox = Outbox(self._send, MAX_BEHIND_BYTES)
        self.is_dropped = False
        self._transport = transport
        self._session_id = session_id

    async def _send(self, data: bytes) -> None:
        await self.socket.send_bytes(data)

    def take(self, message: FromFeed) -> None:
        """See `Feeds.subscribe`."""
        if self.is_dropped:
            return
        if isinstance(message, Ended):
            self.outbox.put(pack(message))
            self.outbox.finish()
        elif not self.outbox.put(pack(message)):
            self.is_dropped = True
            self.outbox.drop()
            log.warning("feed dropped: it is not read", session=self._session_id, unsent_mb=MAX_BEHIND_BYTES >> 20)
            if self._transport is not None:
                self._transport.abort()


async def _first_of(work: "asyncio.Task[None]", other: "asyncio.Future[Any]", stopping: asyncio.Event) -> None:
    """Wait for the first of these, and end both. Raises what `work` raised, unless it is the connection's end."""
    waiting = asyncio.create_task(stopping.wait(), name="links stopping")
    try:
        await asyncio.wait({work, other, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        unfinished = [each for each in (work, other, waiting) if not each.done()]
        for each in unfinished:
            each.cancel()
        if unfinished:
            await asyncio.wait(unfinished)
    if not work.cancelled() and (fault := work.exception()) and not isinstance(fault, aiohttp.ClientError | OSError):
        raise fault


async def _attempt(socket: web.WebSocketResponse) -> Attempt | None:
    try:
        received = await socket.receive(timeout=ATTEMPT_S)
        if received.type is WSMsgType.BINARY:
            (frame,) = frames(received.data)
            first = _to_ingest.decode(frame)
            return first if isinstance(first, Attempt) else None
    except (ValueError, BadFrame, msgspec.DecodeError, TimeoutError) as error:
        log.warning("publisher's link not understood", error=f"{type(error).__name__}: {error}")
    return None


async def _deny(socket: web.WebSocketResponse, answer: Denied) -> None:
    try:
        await socket.send_bytes(pack(answer))
    except (aiohttp.ClientError, OSError):
        log.debug("refused publisher has left")
    await socket.close()


async def _read(socket: web.WebSocketResponse, publisher: Publisher) -> None:
    """Hand on what a publisher's process says, until it leaves or says what nobody understands."""
    while (received := await socket.receive()).type is WSMsgType.BINARY:
        try:
            for frame in frames(received.data):
                await _take(publisher, _to_ingest.decode(frame))
        except (BadFrame, msgspec.DecodeError) as error:
            log.warning("publisher's link not understood", error=f"{type(error).__name__}: {error}")
            return


async def _take(publisher: Publisher, message: ToIngest) -> None:
    match message:
        case Offered(packet):
            publisher.push(packet)
        case Configured(config):
            publisher.configure(config)
        case Measured(network):
            publisher.measure(network)
        case Describe(description):
            publisher.describe(description)
        case Goodbye(reason, is_lost):
            await publisher.end(reason, is_lost=is_lost)
        case Attempt():
            log.warning("publisher's link asks twice")
