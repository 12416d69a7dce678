"""The other processes' end of the way to ingest: read a session's packets live, or publish as any publisher does.

Exception
  NoSuchFeed      that session does not run on that ingest process
  FeedLost        the feed broke off: ingest went away, or nobody read it fast enough; open it again
  Refused         (media.publication) the platform says no; WrongChannel: the key is another channel's
  Unavailable     (media.publication) nobody can answer right now; try again

async with open_feed(http, origin_url, session_id, ["video", "sound"]) as feed:
    async for message in feed:
        match message: ...

publication = await publish(http, origin_url, attempt, on_cut=...)
publication.configure(config)
publication.push(packet)
await publication.end("the publisher stopped", is_lost=False)
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import msgspec
import structlog

from media.links.messages import (
    Attempt,
    Configured,
    CutOff,
    Denied,
    Describe,
    Ended,
    FromFeed,
    FromIngest,
    Goodbye,
    Granted,
    Measured,
    Offered,
    ToIngest,
)
from media.links.outbox import HEARTBEAT_S, MAX_SOCKET_BYTES, Outbox
from media.packets import CodecConfig, Packet
from media.publication import Description, Note, PublishAttempt, Refused, Unavailable, WrongChannel
from media.wire import BadFrame, frames, pack
from schemas.ids import SessionId
from schemas.ingest import NetworkHealth

log = structlog.get_logger()

OPEN_S = 12.0
"""How long ingest may take to answer: it may have to ask web."""
MAX_UNSENT_BYTES = 8 << 20
"""Of a publication; ingest that takes less than is sent for this long is as good as away."""
END_S = 5.0
"""How long a goodbye may take."""
UNREAD = "The server does not take the stream fast enough."
GONE = "The connection inside the server broke off."

_from_feed = msgspec.msgpack.Decoder(FromFeed)
_from_ingest: "msgspec.msgpack.Decoder[Granted | Denied | CutOff]" = msgspec.msgpack.Decoder(FromIngest)


class NoSuchFeed(Exception):
    """The session does not run there (any more)."""


class FeedLost(Exception):
    """The feed ended without the session's end."""


class Feed:
    """What ingest says of a session, in its order; the last message is `Ended`. Read it without pauses.

    Iterating raises `FeedLost` where the feed breaks off. Whoever does not keep up is dropped by ingest.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ready: deque[FromFeed] = deque()
        self._has_ended = False

    def __aiter__(self) -> "Feed":
        return self

    async def __anext__(self) -> FromFeed:
        while not self._ready:
            if self._has_ended:
                raise StopAsyncIteration
            await self._read()
        message = self._ready.popleft()
        self._has_ended = isinstance(message, Ended)
        return message

    async def _read(self) -> None:
        received = await self._socket.receive()
        if received.type is not aiohttp.WSMsgType.BINARY:
            raise FeedLost(received.extra or received.type.name.lower())
        try:
            self._ready.extend(_from_feed.decode(frame) for frame in frames(received.data))
        except (BadFrame, msgspec.DecodeError) as error:
            raise FeedLost(f"ingest is of another version: {error}") from error


@asynccontextmanager
async def open_feed(
    http: aiohttp.ClientSession,
    origin_url: str,
    session_id: SessionId,
    tracks: Collection[str],
    *,
    is_urgent: bool = False,
) -> AsyncIterator[Feed]:
    """Read these tracks of a session (names in `media.links.messages`; none: only what there is and who may watch).

    The first messages are `Tracks` and `Shown`; then for each track its `Configure`, the running GOP as `Media` with
    `is_past`, and what comes. A track that is not there yet begins when it comes. `is_urgent`: a
    twentieth of a second matters, so ingest hands on each packet by itself. Raises `NoSuchFeed`, `Unavailable`.
    """
    url = f"{origin_url}/{session_id}/feed"
    socket = await _connected(http, url, {"tracks": ",".join(tracks)} | ({"urgent": "1"} if is_urgent else {}))
    async with socket:
        yield Feed(socket)


async def _connected(http: aiohttp.ClientSession, url: str, query: dict[str, str]) -> aiohttp.ClientWebSocketResponse:
    try:
        async with asyncio.timeout(OPEN_S):
            return await http.ws_connect(
                url,
                params=query,
                heartbeat=HEARTBEAT_S,
                compress=0,
                max_msg_size=MAX_SOCKET_BYTES,
            )
    except aiohttp.WSServerHandshakeError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise NoSuchFeed from error
        raise Unavailable(f"ingest answers {error.status}") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unavailable(f"ingest does not answer: {type(error).__name__}") from error


class RemotePublication:
    """A publisher's stay in an ingest process (`Publication`), both tracks' stamps in 90 kHz. Made by `publish`.

    All but `end` never wait: what is said goes out by itself. After the end, whoever ended it, nothing is taken.
    """

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        granted: Granted,
        on_cut: Callable[[str], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self.granted = granted
        """The session and the channel that it publishes to."""
        self._socket = socket
        self._on_cut, self._on_lost = on_cut, on_lost
        self._outbox = Outbox(socket.send_bytes, MAX_UNSENT_BYTES)
        self._configs: dict[str, CodecConfig] = {}
        self._has_ended = False
        self._life = asyncio.create_task(self._live(), name=f"publication {granted.session_id}")

    def configure(self, config: CodecConfig) -> None:
        """Take a track's configuration; repeated equal ones are free."""
        if self._configs.get(config.kind.value) != config:
            self._configs[config.kind.value] = config
            self._say(Configured(config))

    def push(self, packet: Packet) -> None:
        """Take a packet with `dts` and `pts` in 90 kHz of the publisher's clock."""
        self._say(Offered(packet))

    def describe(self, description: Description) -> None:
        """Take what the publisher says of its stream."""
        self._say(Describe(description))

    def annotate(self, note: Note) -> None:
        """Leave data out: none of the protocols out here has any."""

    def measure(self, network: NetworkHealth) -> None:
        """Take what the protocol knows of the way here; about once a second."""
        self._say(Measured(network))

    async def end(self, reason: str, *, is_lost: bool = True) -> None:
        """Leave; the first call counts. What was pushed before still arrives, if ingest takes it within `END_S`."""
        if not self._has_ended:
            self._say(Goodbye(reason, is_lost))
            self._has_ended = True
            self._outbox.finish()
        await asyncio.wait({self._life}, timeout=END_S)
        if not self._life.done():
            self._life.cancel()
            await asyncio.wait({self._life})

    def _say(self, message: ToIngest) -> None:
        if not self._has_ended and not self._outbox.put(pack(message)):
            self._over(self._on_lost, UNREAD)

    def _over(self, tell: Callable[[str], None], reason: str) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._outbox.drop()
            tell(reason)

    async def _live(self) -> None:
        """Send what is said until all is, and hear whether the platform ends it."""
        hearing = asyncio.create_task(self._hear(), name="publication cut")
        try:
            await self._outbox.run()
        except (aiohttp.ClientError, OSError) as error:
            log.debug("publication lost", error=type(error).__name__)
        finally:
            self._over(self._on_lost, GONE)
            hearing.cancel()
            await asyncio.wait({hearing})
            await self._socket.close()

    async def _hear(self) -> None:
        received = await self._socket.receive()
        try:
            if received.type is aiohttp.WSMsgType.BINARY and isinstance(said := _heard(received.data), CutOff):
                self._over(self._on_cut, said.reason)
                return
        except Unavailable as error:
            log.warning("ingest not understood", error=str(error))
        self._over(self._on_lost, GONE)


async def publish(
    http: aiohttp.ClientSession,
    origin_url: str,
    attempt: PublishAttempt,
    channel: str = "",
    *,
    on_cut: Callable[[str], None],
    on_lost: Callable[[str], None] | None = None,
) -> RemotePublication:
    """Ask an ingest process to take a publisher. `channel` ("" is any): id or name of the one the key must be of.

    Of `on_cut(sentence)` and `on_lost(sentence)` at most one is called, once, and only before `end`: the platform ended
    it, and coming back is no use; or the connection to ingest broke, and the session waits for its publisher as after
    any loss (not given: `on_cut` is called). Raises `Refused`, `WrongChannel` (one of `Refused`) and `Unavailable`;
    takes up to `OPEN_S`.
    """
    try:
        socket = await _connected(http, f"{origin_url}/publish", {})
    except NoSuchFeed as error:
        raise Unavailable("ingest is of another version") from error
    try:
        granted = await _granted(socket, attempt, channel)
    except BaseException:
        await socket.close()
        raise
    return RemotePublication(socket, granted, on_cut, on_lost or on_cut)


async def _granted(socket: aiohttp.ClientWebSocketResponse, attempt: PublishAttempt, channel: str) -> Granted:
    try:
        async with asyncio.timeout(OPEN_S):
            await socket.send_bytes(pack(Attempt(attempt, channel)))
            received = await socket.receive()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unavailable(f"ingest does not answer: {type(error).__name__}") from error
    if received.type is not aiohttp.WSMsgType.BINARY:
        raise Unavailable(f"ingest closed: {received.extra or received.type.name}")
    match _heard(received.data):
        case Granted() as granted:
            return granted
        case Denied("unavailable", reason):
            raise Unavailable(reason)
        case Denied("wrong_channel", reason):
            raise WrongChannel(reason)
        case Denied(kind, reason):
            raise Refused(reason, kind)  # type: ignore[arg-type]  # the other two are above
        case CutOff(reason):
            raise Refused(reason)


def _heard(data: bytes) -> FromIngest:
    try:
        (frame,) = frames(data)
        return _from_ingest.decode(frame)
    except (ValueError, BadFrame, msgspec.DecodeError) as error:
        raise Unavailable(f"ingest is of another version: {error}") from error
