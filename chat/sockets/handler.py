"""The event sockets of a process on aiohttp: lets them in, has them converse, says goodbye."""

import asyncio
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import WSCloseCode, web

from chat.people import Identify, Identity, Recheck
from chat.rooms.formats import FRAME_PER_EVENT, FRAME_PER_TICK
from chat.rooms.hub import Hub
from chat.rooms.metrics import ChatMetrics
from chat.sockets.conversation import UNAUTHORIZED, Conversation, Speak
from chat.sockets.heartbeat import Heartbeat
from chat.sockets.places import Places
from chat.sockets.session import FRAME_MAX, ChatSession
from chat.sockets.wire import UNSENT_MAX, Wire, tune
from schemas.errors import ApiError, ErrorCode
from schemas.socket import Reconnect

CLOSE_S: Final = 3.0
RETRY_AFTER_MS: Final = 2_000
SPREAD_MS: Final = 5_000
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Who is let in. `address_of` returns who connected, behind proxies of ours whoever they saw."""

    identify: Identify
    recheck: Recheck
    address_of: Callable[[web.Request], str]
    places: Places


class SocketServer:
    """All event sockets of one process. `run` it, and its hub too."""

    def __init__(
        self, hub: Hub, speak: Speak, doors: Doors, *, metrics: ChatMetrics, on_drop: Callable[[str], None]
    ) -> None:
        self.hub = hub
        self._speak = speak
        self._doors = doors
        self._metrics = metrics
        self._on_drop = on_drop
        self._open: dict[Wire, Conversation] = {}
        self._is_closing = False
        self._heartbeat = Heartbeat(
            lambda: self._open, doors.recheck, self._sign_out, hub.trouble, failures=hub.failures
        )

    @property
    def count(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    async def run(self) -> None:
        """Watch over the sockets until cancelled."""
        await self._heartbeat.run()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET ws/chat, for as long as the socket is open."""
        if self._is_closing:
            message = "This server is about to stop."
            raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
        with self._doors.places.taken(self._doors.address_of(request)):
            try:
                identity = await self._doors.identify(request)
            except ApiError as error:
                if error.body.code is not ErrorCode.UNAUTHORIZED:
                    raise
                return await _turn_away(request)
            with self._doors.places.taken_by(identity.person.id if identity else None):
                return await self._serve(request, identity)

    async def _serve(self, request: web.Request, identity: Identity | None) -> web.WebSocketResponse:
        ws = _response()
        await ws.prepare(request)
        transport = request.transport
        if transport is None:
            return ws
        tune(transport)
        conversation = self._conversation(ws, transport, identity, is_batch=request.query.get("batch") == "1")
        self._open[conversation.wire] = conversation
        try:
            await conversation.run()
        except Exception as error:  # a socket ends here; the answer to its request was sent long ago
            stack = "".join(traceback.format_tb(error.__traceback__))
            log.error("socket failed", error=type(error).__name__, stack=stack)
            self._on_drop("failure")
            await ws.close(code=WSCloseCode.INTERNAL_ERROR, message=b"something went wrong here")
        finally:
            del self._open[conversation.wire]
        return ws

    def _conversation(
        self, ws: web.WebSocketResponse, transport: asyncio.Transport, identity: Identity | None, *, is_batch: bool
    ) -> Conversation:
        now = time.monotonic()
        wire = Wire(
            transport, FRAME_PER_TICK if is_batch else FRAME_PER_EVENT, identity, on_drop=self._on_drop, now=now
        )
        session = ChatSession(is_signed_in=identity is not None, now=now)
        conversation = Conversation(
            ws,
            wire,
            session,
            hub=self.hub,
            speak=self._speak,
            recheck=self._doors.recheck,
            metrics=self._metrics,
        )
        wire.on_expelled = conversation.expelled
        return conversation

    async def _sign_out(self, wire: Wire) -> None:
        conversation = self._open.get(wire)
        if conversation is not None:
            await conversation.sign_out()

    async def close(self) -> None:
        """Send all sockets elsewhere, spread over `SPREAD_MS`, and close them."""
        self._is_closing = True
        await self.hub.flusher.flush()
        conversations = list(self._open.values())
        for conversation in conversations:
            conversation.wire.tell(Reconnect(random.randrange(SPREAD_MS)))
        closing = [conversation.close(WSCloseCode.GOING_AWAY, "restart") for conversation in conversations]
        for outcome in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError | TimeoutError):
                raise outcome


def _response() -> web.WebSocketResponse:
    # Compression costs 170 KB and three times the CPU for each socket, and no shared frame could be written raw.
    # Pings and pongs are ours (`heartbeat.py`): aiohttp would have timers in each socket.
    return web.WebSocketResponse(
        compress=False,
        heartbeat=None,
        autoping=False,
        max_msg_size=FRAME_MAX,
        timeout=CLOSE_S,
        writer_limit=UNSENT_MAX,
    )


async def _turn_away(request: web.Request) -> web.WebSocketResponse:
    ws = _response()
    await ws.prepare(request)
    await ws.close(code=UNAUTHORIZED, message=b"this token is not valid")
    return ws
