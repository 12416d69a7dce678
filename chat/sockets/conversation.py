"""The life of one event socket: what it sends goes to its session, what is to be done goes to the hub and the log."""

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import WSMsgType, web

from chat.log.places import Position
from chat.people import Identity, Recheck
from chat.rooms.frames import pong
from chat.rooms.hub import Hub
from chat.rooms.metrics import ChatMetrics
from chat.rooms.room import Visit
from chat.sockets.session import Action, Answer, ChatSession, Close, Enter, Exit, Say
from chat.sockets.wire import Wire
from chat.speaking import Said
from schemas.errors import ApiError, ErrorBody, ErrorCode
from schemas.ids import ChannelId
from schemas.socket import Ack, Held, SendMessage, SocketError

RECHECK_S: Final = 60.0
"""How long an identity is believed of a socket that speaks."""
SAY_S: Final = 10.0
"""For one message, all its waits together."""
RETRY_AFTER_MS: Final = 2_000
UNAUTHORIZED: Final = 4001
"""The close code that clients must not answer with a new try."""
log = structlog.get_logger()

Speak = Callable[[Identity | None, Said], Awaitable[Ack | Held]]
"""`chat.speaking.Speaking.say`: raises `ApiError` and nothing else."""


class Conversation:
    """One per socket. Its joins are done before what comes behind them is read; messages are said one after the other,
    while pings are answered."""

    __slots__ = ("_hub", "_metrics", "_recheck", "_says", "_session", "_speak", "_speaking", "_ws", "wire")

    def __init__(
        self,
        ws: web.WebSocketResponse,
        wire: Wire,
        session: ChatSession,
        *,
        hub: Hub,
        speak: Speak,
        recheck: Recheck,
        metrics: ChatMetrics,
    ) -> None:
        self._ws = ws
        self.wire = wire
        self._session = session
        self._hub = hub
        self._speak = speak
        self._recheck = recheck
        self._metrics = metrics
        self._says: deque[SendMessage] | None = None
        self._speaking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Converse until the socket is closed."""
        try:
            async for message in self._ws:
                now = time.monotonic()
                self.wire.seen_at = now
                match message.type:
                    case WSMsgType.TEXT:
                        actions = self._session.receive(message.data, now)
                    case WSMsgType.BINARY:
                        actions = self._session.receive_binary(now)
                    case WSMsgType.PING:
                        actions = self._session.receive_ping(now)
                        if not actions:
                            self.wire.send(pong(bytes(message.data)))
                    case _:
                        continue
                if not await self._do_all(actions):
                    return
        finally:
            for channel_id in self._session.channels:
                self._hub.leave(self.wire, channel_id)
            if self._speaking is not None:
                await self._speaking  # what was said before the socket closed is said; it has a deadline

    async def sign_out(self) -> None:
        """Close the socket: its session or token has ended."""
        self.wire.dropped("signed out")
        await self.close(UNAUTHORIZED, "you are signed out")

    async def close(self, code: int, why: str) -> None:
        """Close the socket in the orderly way."""
        await self._ws.close(code=code, message=why.encode())

    def expelled(self, channel_id: ChannelId) -> None:
        """Tell the client that it is in a room no more."""
        self._session.refused(channel_id)
        message = "You may not watch this channel any more."
        self.wire.tell(SocketError(ErrorCode.FORBIDDEN, message, channel_id=channel_id))

    async def _do_all(self, actions: list[Action]) -> bool:
        for action in actions:
            match action:
                case Answer(message):
                    self.wire.tell(message)
                case Exit(channel_id):
                    self._hub.leave(self.wire, channel_id)
                case Enter():
                    await self._enter(action)
                case Say(message):
                    self._say_soon(message)
                case Close(code, reason):
                    self.wire.dropped(reason)
                    await self.close(code, reason)
                    return False
        return True

    async def _enter(self, enter: Enter) -> None:
        channel_id = enter.channel_id
        place = Position(enter.place[1], enter.place[0]) if enter.place else None
        try:
            await self._hub.join(self.wire, channel_id, Visit(self.wire.identity, enter.key, place))
        except ApiError as refusal:
            self._session.refused(channel_id)
            body = refusal.body
            self.wire.tell(SocketError(body.code, body.message, body.retry_after_ms, channel_id))

    # --- messages ---

    def _say_soon(self, message: SendMessage) -> None:
        if self._says is None:
            self._says = deque()  # bounded by the session: SAYS_MAX are waited for
        self._says.append(message)
        if self._speaking is None or self._speaking.done():
            self._speaking = asyncio.create_task(self._say_all(self._says), name="messages of a socket")

    async def _say_all(self, says: deque[SendMessage]) -> None:
        while says:
            message = says[0]
            error = await self._say(message)
            says.popleft()
            self._metrics.said.labels(error.code.value if error else "said").inc()
            for action in self._session.answered(message, error):
                if isinstance(action, Answer):
                    self.wire.tell(action.message)
                elif isinstance(action, Close):
                    self.wire.dropped(action.reason)
                    await self.close(action.code, action.reason)

    async def _say(self, message: SendMessage) -> ErrorBody | None:
        """Say it and answer; returns why it could not be said. Whatever it was, the same key may be tried again."""
        said = Said(message.channel_id, message.content, message.idempotency_key, message.reply_to, message.picture_at)
        try:
            async with asyncio.timeout(SAY_S):
                if not await self._is_still_signed_in():
                    return ErrorBody(ErrorCode.UNAUTHORIZED, "You are signed out.")
                self.wire.tell(await self._speak(self.wire.identity, said))
        except ApiError as refusal:
            return refusal.body
        except self._hub.failures:
            text = "That took too long. Try again with the same key."
            return ErrorBody(ErrorCode.UNAVAILABLE, text, retry_after_ms=RETRY_AFTER_MS)
        except Exception as error:  # of ours: the author is told, the socket goes on
            stack = "".join(traceback.format_tb(error.__traceback__))
            log.error("message failed", error=type(error).__name__, stack=stack)
            return ErrorBody(ErrorCode.INTERNAL_ERROR, "Something went wrong here.")
        return None

    async def _is_still_signed_in(self) -> bool:
        """Look at the identity again now and then; its names and colours may have changed, too."""
        now, identity = time.monotonic(), self.wire.identity
        if identity is None or now - self.wire.rechecked_at <= RECHECK_S:
            return True
        found = await self._recheck(identity)
        if found is None:
            await self.sign_out()
            return False
        self.wire.rechecked_at = now
        self.wire.identity = found
        return True
