"""IRC clients of one process: over TCP (`protocol` makes what a listener needs) and `GET /ws/irc` (`handle`).

The TCP port also takes WebSockets, at any path: libraries such as tmi.js let one choose host and port, but no path.
"""

import asyncio
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, cast

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from chat.irc.capabilities import Capability
from chat.irc.talk import House, Talk
from chat.irc.wire import IrcWire
from chat.sockets.wire import UNSENT_MAX, tune
from schemas.errors import ApiError, ErrorCode
from schemas.socket import Reconnect

SWEEP_S: Final = 5.0
"""Between looks at who is silent, and whose token may have ended."""
RECHECK_S: Final = 3.0
CLOSE_S: Final = 3.0
HTTP: Final = b"GET "
FRAME_MAX: Final = 64 * 1024
EARLY_MAX: Final = 64 * 1024
"""Bytes that may come over TCP before they are listened to."""
RETRY_AFTER_MS: Final = 2_000
ORDERLY: Final = frozenset({"quit", "restart"})
"""Ends that are nobody's trouble."""
log = structlog.get_logger()

Addressed = Callable[[web.BaseRequest], str]
"""Returns who connected, behind proxies of ours whoever they saw."""
Counted = Callable[[str], str]
"""Returns as whom an address over TCP is counted, "" for one that stands for many."""


class IrcServer:
    """One per process. `run` it; `close` sends its clients elsewhere."""

    def __init__(
        self, house: House, address_of: Addressed, counted: Counted, *, on_drop: Callable[[str], None]
    ) -> None:
        self.house = house
        self._failures: tuple[type[Exception], ...] = (*house.failures, TimeoutError)
        self._address_of = address_of
        self._counted = counted
        self._on_drop = on_drop
        self._open: set[Talk] = set()
        self._clients: set[asyncio.Future[None]] = set()
        """What is done when a client is served no more."""
        self._is_closing = False
        self._http = web.Server(self._handle_alone)
        house.hub.watch(house.rooms.observe)

    @property
    def count(self) -> int:
        """How many clients are connected."""
        return len(self._open)

    async def run(self) -> None:
        """Watch over the clients until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            for talk in list(self._open):
                talk.tick()
                if talk.is_doubtful:
                    await self._recheck(talk)

    async def _recheck(self, talk: Talk) -> None:
        try:
            async with asyncio.timeout(RECHECK_S):
                await talk.recheck()
        except self._failures as error:
            self.house.trouble("irc recheck", error)  # the next look asks again

    async def close(self) -> None:
        """Tell all clients to connect anew, and close them."""
        self._is_closing = True
        for talk in list(self._open):
            talk.wire.tell(Reconnect(0))
            talk.end("restart", "This server is about to stop.")
        if self._clients:
            _, late = await asyncio.wait(self._clients, timeout=CLOSE_S)
            for client in late:
                client.cancel()
        await self._http.shutdown(CLOSE_S)

    # --- TCP ---

    def protocol(self) -> asyncio.Protocol:
        """Return what serves one TCP connection: the factory of a listener."""
        return _TcpClient(self)

    def begin(self, client: "_TcpClient", transport: asyncio.Transport) -> None:
        """Serve a TCP connection in a task of its own."""
        task = asyncio.create_task(self._serve_tcp(client, transport), name="irc client")
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve_tcp(self, client: "_TcpClient", transport: asyncio.Transport) -> None:
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else ""
        try:
            with self._place(self._counted(address)):
                _tune(transport)
                client.talk = talk = self._talk(transport, is_websocket=False)
                client.resume()
                ended = asyncio.create_task(client.ended.wait(), name="end of an irc client")
                await self._run(talk, ended)
        except ApiError as refusal:
            if not transport.is_closing():
                transport.write(f"ERROR :{refusal.body.message}\r\n".encode())
        finally:
            if client.handshake and not self._is_closing and not transport.is_closing():
                self._hand_over(transport, client.handshake)
            else:
                transport.close()

    def _hand_over(self, transport: asyncio.Transport, handshake: bytes) -> None:
        protocol = self._http()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(handshake)
        transport.resume_reading()

    async def _handle_alone(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve a WebSocket that came to the TCP port, without the middleware of the application."""
        try:
            return await self.handle(request)
        except ApiError as refusal:
            return web.Response(text=refusal.body.message, status=refusal.status)

    # --- WebSocket ---

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """GET ws/irc, for as long as the socket is open."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._place(self._address_of(request)):
            self._clients.add(ended)
            try:
                return await self._serve_websocket(request)
            finally:
                self._clients.discard(ended)
                ended.cancel()

    async def _serve_websocket(self, request: web.BaseRequest) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(
            compress=False, max_msg_size=FRAME_MAX, timeout=CLOSE_S, writer_limit=UNSENT_MAX, protocols=("irc",)
        )
        await ws.prepare(request)
        if request.transport is not None:
            _tune(request.transport)
            talk = self._talk(request.transport, is_websocket=True)
            await self._run(talk, asyncio.create_task(_read(ws, talk), name="lines of an irc client"))
        await ws.close(code=WSCloseCode.GOING_AWAY if self._is_closing else WSCloseCode.OK)
        return ws

    # --- both ---

    def _place(self, address: str) -> ExitStack:
        if self._is_closing:
            message = "This server is about to stop."
            raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
        stack = ExitStack()
        stack.enter_context(self.house.places.taken(address))
        return stack

    def _talk(self, transport: asyncio.Transport, *, is_websocket: bool) -> Talk:
        plain = self.house.formats.of(Capability.PLAIN)
        wire = IrcWire(transport, plain, is_websocket=is_websocket, on_drop=self._on_drop)
        return Talk(self.house, wire)

    async def _run(self, talk: Talk, ended: asyncio.Task[object]) -> None:
        """Talk until the client has left, or is to be closed."""
        self._open.add(talk)
        talking = asyncio.create_task(talk.run(), name="irc talk")
        try:
            done, _ = await asyncio.wait((talking, ended), return_when=asyncio.FIRST_COMPLETED)
            if talking in done and (reason := talking.result()) not in ORDERLY:
                self._on_drop(reason)
        except Exception as error:  # a connection ends here
            stack = "".join(traceback.format_tb(error.__traceback__))
            log.error("irc client failed", error=type(error).__name__, stack=stack)
            self._on_drop("failure")
        finally:
            self._open.discard(talk)
            for task in (talking, ended):
                task.cancel()
            await asyncio.gather(talking, ended, return_exceptions=True)


def _tune(transport: asyncio.Transport) -> None:
    try:
        tune(transport)
    except OSError as error:  # it is closed already, which is seen in the next moment
        log.debug("irc client gone", error=str(error))


async def _read(ws: web.WebSocketResponse, talk: Talk) -> None:
    """Take what comes on a WebSocket; a message is one line or more, and ends the last one."""
    async for message in ws:
        if message.type is WSMsgType.TEXT:
            talk.receive(f"{message.data}\n".encode(errors="replace"))
        elif message.type is WSMsgType.BINARY:
            talk.receive(message.data + b"\n")
        await talk.has_room()


class _TcpClient(asyncio.Protocol):
    """Moves bytes; reads nothing while much is asked for that is not done yet."""

    def __init__(self, server: IrcServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._resuming: asyncio.Task[None] | None = None
        self.talk: Talk | None = None
        self.ended = asyncio.Event()
        self._is_new = True
        self._early = b""
        self.handshake = b""
        """What came first, if that is of HTTP: then it is a WebSocket."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes
        self._transport = stream = cast(asyncio.Transport, transport)
        stream.pause_reading()
        self._server.begin(self, stream)

    def resume(self) -> None:
        """Read on, once there is a talk."""
        if self._transport is not None and not self._transport.is_closing():
            early, self._early = self._early, b""
            if early:
                self.data_received(early)
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.talk is None:  # uvloop begins to read although it was told to pause
            self._early += data
            if len(self._early) > EARLY_MAX and self._transport is not None:
                self._transport.abort()
            return
        if self._is_new and data.startswith(HTTP):
            self.handshake = data
            self.ended.set()
            if self._transport is not None:
                self._transport.pause_reading()
            return
        self._is_new = False
        self.talk.receive(data)
        if self.talk.is_full and self._transport is not None and (self._resuming is None or self._resuming.done()):
            self._transport.pause_reading()
            self._resuming = asyncio.create_task(self._resume_later(self.talk), name="irc client with much to do")

    async def _resume_later(self, talk: Talk) -> None:
        await talk.has_room()
        self.resume()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        if self._resuming is not None:
            self._resuming.cancel()
        self.ended.set()
