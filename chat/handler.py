"""The event socket on aiohttp: moves frames between sockets and `ChatSession`, watches buffers, says goodbye."""

import asyncio
import random
import socket
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from chat.frames import encode
from chat.hub import Hub
from chat.session import Action, Answer, ChatSession, Close, Enter, Exit
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId
from schemas.socket import Reconnect, SocketError

SOCKETS_MAX: Final = 8_000
"""Of one process."""
MESSAGE_MAX: Final = 4 * 1024
HEARTBEAT_S: Final = 25.0
"""Between pings; a socket without a pong for half of it more is closed."""
CLOSE_S: Final = 3.0
JOIN_S: Final = 5.0
UNSENT_MAX: Final = 256 * 1024
"""A reader that is this far behind is dropped; it comes back and is told the present state."""
KERNEL_BUFFER: Final = 64 * 1024
"""Else the kernel would hide a stalled reader behind megabytes of buffer."""
UNAUTHORIZED: Final = 4001
"""The close code that clients must not answer with a new try."""
RETRY_AFTER_MS: Final = 2_000
SPREAD_MS: Final = 5_000
log = structlog.get_logger()

Identify = Callable[[web.Request], Awaitable[UserId | None]]
"""Tells whose socket this is, None for anonymous. Raises `ApiError` when it may not be opened."""


class Socket:
    """A member of rooms: an open connection."""

    def __init__(self, transport: asyncio.Transport, on_drop: Callable[[str], None]) -> None:
        self._transport = transport
        self._on_drop = on_drop

    def send(self, frame: bytes) -> None:
        """Write a whole frame; drop the connection if its reader is too slow."""
        transport = self._transport
        if transport.is_closing():  # uvloop raises on a write to a closed transport
            return
        if transport.get_write_buffer_size() > UNSENT_MAX:
            self._on_drop("slow reader")
            transport.abort()
            return
        transport.write(frame)


class SocketServer:
    """All event sockets of one process. Its hub must be running."""

    def __init__(self, hub: Hub, identify: Identify, on_drop: Callable[[str], None]) -> None:
        self.hub = hub
        self._identify = identify
        self._on_drop = on_drop
        self._open: dict[web.WebSocketResponse, Socket] = {}
        self._is_closing = False

    @property
    def count(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET ws/chat, for as long as the socket is open."""
        if len(self._open) >= SOCKETS_MAX or self._is_closing:
            message = "This server takes no more sockets just now."
            raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
        user = await self._identify(request)
        # Compression costs 170 KB and three times the CPU for each socket, and no shared frame could be written raw.
        ws = web.WebSocketResponse(
            compress=False, heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_MAX, timeout=CLOSE_S, writer_limit=UNSENT_MAX
        )
        await ws.prepare(request)
        if "token" in request.query:
            # Nobody hands out tickets yet, so none is good.
            await ws.close(code=UNAUTHORIZED, message=b"this ticket is not valid")
            return ws
        transport = request.transport
        if transport is None:
            return ws
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
        member = Socket(transport, self._on_drop)
        session = ChatSession(user=user, now=time.monotonic())
        self._open[ws] = member
        try:
            await self._converse(ws, member, session)
        except Exception as error:  # a socket ends here; the answer to its request was sent long ago
            stack = "".join(traceback.format_tb(error.__traceback__))
            log.error("socket failed", error=type(error).__name__, stack=stack)
            self._on_drop("failure")
            await ws.close(code=WSCloseCode.INTERNAL_ERROR, message=b"something went wrong here")
        finally:
            del self._open[ws]
            for channel_id in session.channels:
                self.hub.leave(member, channel_id)
        return ws

    async def _converse(self, ws: web.WebSocketResponse, member: Socket, session: ChatSession) -> None:
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                self._on_drop("not text")
                await ws.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"text only")
                return
            for action in session.receive(message.data, time.monotonic()):
                if isinstance(action, Close):
                    self._on_drop(action.reason)
                    await ws.close(code=action.code, message=action.reason.encode())
                    return
                await self._do(action, member, session)

    async def _do(self, action: Action, member: Socket, session: ChatSession) -> None:
        match action:
            case Answer(message):
                member.send(encode(message))
            case Exit(channel_id):
                self.hub.leave(member, channel_id)
            case Enter(channel_id):
                await self._enter(channel_id, member, session)
            case Close():
                pass

    async def _enter(self, channel_id: ChannelId, member: Socket, session: ChatSession) -> None:
        try:
            async with asyncio.timeout(JOIN_S):
                if await self.hub.join(member, channel_id):
                    return
        except self.hub.failures:
            error = SocketError(ErrorCode.UNAVAILABLE, "The channel can't be read just now.", RETRY_AFTER_MS)
        else:
            error = SocketError(ErrorCode.NOT_FOUND, "There is no such channel.")
        session.refused(channel_id)
        member.send(encode(error))

    async def close(self) -> None:
        """Send all sockets elsewhere, spread over `SPREAD_MS`, and close them."""
        self._is_closing = True
        for member in self._open.values():
            member.send(encode(Reconnect(random.randrange(SPREAD_MS))))
        closing = [ws.close(code=WSCloseCode.GOING_AWAY, message=b"restart") for ws in list(self._open)]
        for outcome in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError | TimeoutError):
                raise outcome
