"""RTMP and RTMPS listeners: moves bytes between sockets and `RtmpConnection`, and media into a `Publication`, or out
of a session's feeds to a player.

A connection's life: `connection_made`, bytes, a publish request that `Publications` grants or refuses while reading
pauses, media, and one end with one counted reason, whoever caused it.
"""

import asyncio
import os
import ssl as tls
from collections import Counter as Tally
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any, Literal, cast

import structlog
from prometheus_client import Counter, Gauge

from media.links.messages import FromFeed
from media.packets import Packet
from media.publication import Hastened, Note, Publication, Publications, PublishAttempt, Refused, Unavailable, masked
from media.rtmp.connection import (
    AudioTag,
    DataTag,
    Event,
    Failed,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    RtmpConnection,
    State,
    VideoTag,
)
from media.rtmp.errors import ProtocolError, Unsupported
from media.rtmp.flv import FlvReader, Media
from media.rtmp.notes import DataReader
from media.rtmp.playout import MAX_UNREAD_BYTES, TRACKS, Live, NoPlay, Playout, judge

log = structlog.get_logger()

MAX_CONNECTIONS = 1024
"""Of one server; more are closed at once."""
MAX_IDLE_PER_ADDRESS = 32
"""Connections of one address that don't publish (yet), so that one peer can't take all places."""
OPEN_S = 15.0
"""Longest wait for the platform's yes or no; `Publications.open` has a shorter one of its own."""
CLOSE_S = 1.0
"""How long a peer has to read our last words."""
END_S = 10.0
"""Longest wait for publications to end when the server closes."""
TLS_HANDSHAKE_S = 10.0
BACKLOG = 256
HELD_PAUSE_BYTES = 1024 * 1024
"""What a peer may send ahead of our answer to publish before we stop reading; until then a lost peer is noticed."""
WRITE_HIGH_BYTES = 64 * 1024
"""Answers a peer may leave unread before we stop reading from it."""
READ_TICK_S = 0.050
"""How long a publisher's socket rests after a read. Encoders send each frame by itself; waking for every one of them
costs several times what the frame costs, and a frame that waits for half of this on average is not late; only where
somebody watches with the lowest latency (`Hastened`) it would be."""
READ_BYTES = 256 * 1024
"""The most that one tick takes from a socket; a publisher who fills it is ahead of real time and is read on at once."""

closed_total = Counter("tally_rtmp_closed_total", "RTMP connections closed, by reason.", ["reason"])
connections_open = Gauge("tally_rtmp_connections", "RTMP connections open.")

RtmpProtocolName = Literal["rtmp", "rtmps"]

players_open = Gauge("tally_rtmp_players", "RTMP connections that play a stream.")
SUPPORTED = "Use H.264, HEVC or AV1 with AAC, MP3 or Opus."


class RtmpServer:
    """Listens on any number of addresses and feeds one `Publications`. Start and close it in one event loop."""

    def __init__(self, publications: Publications, find: Callable[[str], Live | None] = lambda _channel: None) -> None:
        """`find` returns the running session of a channel, by its name or id, for those who play."""
        self.publications = publications
        self.find = find
        self.players = 0
        self.closed: Tally[str] = Tally()
        """Connections closed so far, by reason; the same counts as the metric."""
        self._listeners: list[asyncio.Server] = []
        self._connections: set[_Peer] = set()
        self._idle: Tally[str] = Tally()
        self._tasks: set[asyncio.Task[None]] = set()
        self._emptied = asyncio.Event()
        self._resting: list[_Peer] = []
        self._tick: asyncio.TimerHandle | None = None
        self.buffer = memoryview(bytearray(READ_BYTES))
        """Where a tick reads to; every peer copies out of it at once."""

    async def start(
        self, host: str, port: int, *, protocol: RtmpProtocolName = "rtmp", ssl: tls.SSLContext | None = None
    ) -> int:
        """Listen; return the port, which matters when 0 was asked for. Raises `OSError` when the port is taken."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            lambda: _Peer(self, protocol),
            host,
            port,
            ssl=ssl,
            backlog=BACKLOG,
            ssl_handshake_timeout=TLS_HANDSHAKE_S if ssl else None,
            ssl_shutdown_timeout=CLOSE_S if ssl else None,
        )
        self._listeners.append(listener)
        bound: int = listener.sockets[0].getsockname()[1]
        log.info("rtmp listening", protocol=protocol, host=host, port=bound)
        return bound

    async def close(self) -> None:
        """Stop listening, end every publication and close every connection."""
        for listener in self._listeners:
            listener.close()
        for peer in list(self._connections):
            peer.shut_down()
        try:
            async with asyncio.timeout(END_S):
                while self._tasks:
                    await asyncio.wait(self._tasks)
                if self._connections:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            log.warning("publications did not end", tasks=len(self._tasks), connections=len(self._connections))
            for task in self._tasks:
                task.cancel()
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners.clear()

    @property
    def connections(self) -> int:
        """Connections open right now."""
        return len(self._connections)

    # For connections

    def admit(self, peer: "_Peer") -> str | None:
        """Count a new connection in, unless there is no place: return the reason then."""
        if len(self._connections) >= MAX_CONNECTIONS:
            return "too_many_connections"
        if self._idle[peer.address] >= MAX_IDLE_PER_ADDRESS:
            return "too_many_idle"
        self._connections.add(peer)
        self._idle[peer.address] += 1
        connections_open.inc()
        return None

    def set_idle(self, peer: "_Peer", *, is_idle: bool) -> None:
        """Count a connection as waiting or as publishing."""
        self._idle[peer.address] += 1 if is_idle else -1
        if not self._idle[peer.address]:
            del self._idle[peer.address]

    def dismiss(self, peer: "_Peer") -> None:
        """Count a connection out."""
        self._connections.discard(peer)
        connections_open.dec()
        if not self._connections:
            self._emptied.set()

    def rest(self, peer: "_Peer") -> None:
        """Let a publisher's socket rest until the tick that all of them share."""
        self._resting.append(peer)
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(READ_TICK_S, self._wake_all)

    def _wake_all(self) -> None:
        self._tick = None
        resting, self._resting = self._resting, []
        for peer in resting:
            try:
                peer.wake()
            except Exception as error:  # ends this one's session, as asyncio would have; the others must wake too
                peer.fail(error)

    def count_closed(self, reason: str) -> None:
        """Count a closed connection."""
        self.closed[reason] += 1
        closed_total.labels(reason).inc()

    def count_players(self, change: int) -> None:
        """Count players in and out."""
        self.players += change
        players_open.set(self.players)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run a connection's work; `close` waits for it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _nothing() -> None:
    """Stop what has not begun."""


class _Peer(asyncio.Protocol):
    """One connection's socket side."""

    _numbers = count(1)

    def __init__(self, server: RtmpServer, protocol: RtmpProtocolName) -> None:
        self._server = server
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._core = RtmpConnection(self._loop.time())
        self._flv = FlvReader()
        self._data = DataReader()
        self._transport: asyncio.Transport | None = None
        self._publication: Publication | None = None
        self._hastened: Hastened | None = None  # the publication, if it can tell
        self._stop_playing: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reason: str | None = None  # why it closes, as a slug
        self._detail = ""
        self._is_admitted = False
        self._is_idle = True
        self._is_authorising = False
        self._is_unread = False  # the peer doesn't read our answers
        self._is_resting = False  # until the next tick
        self._fd = -1  # of a plain connection; TLS has its own bytes in between
        self._is_closing = False
        self._started_at = 0.0
        self._log = log
        self.address = ""

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peername = transport.get_extra_info("peername")
        self.address = str(peername[0]) if peername else ""
        self._log = log.bind(protocol=self._protocol, conn_id=next(self._numbers), peer=masked(self.address))
        refusal = self._server.admit(self)
        if refusal is not None:
            self._server.count_closed(refusal)
            self._transport.abort()
            return
        self._is_admitted = True
        if self._protocol == "rtmp":
            self._fd = transport.get_extra_info("socket").fileno()
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        self._arm_timer()

    def data_received(self, data: bytes) -> None:
        events = self._core.receive_data(data, self._loop.time())
        self._take(events)
        if self._publication is not None and len(data) < READ_BYTES and not self._is_resting and not self._is_urgent():
            self._is_resting = True
            self._update_reading()
            self._server.rest(self)

    def _is_urgent(self) -> bool:
        return self._hastened is not None and self._hastened.is_urgent

    def wake(self) -> None:
        """Read again: the tick has come.

        The transport is paused, so the socket is read here: having it resumed, waited for and paused again takes twice
        as long. Whatever is not plain data is left to the transport.
        """
        self._is_resting = False
        if self._fd >= 0 and self._publication is not None and not self._is_unread and not self._is_closing:
            buffer = self._server.buffer
            try:
                size = os.readv(self._fd, [buffer])
            except OSError:  # nothing there yet, or an end that the transport will meet too
                size = 0
            if size:
                self.data_received(bytes(buffer[:size]))
                if self._is_resting:
                    return
        self._update_reading()

    def fail(self, error: Exception) -> None:
        """End the connection for a fault of ours."""
        self._log.error("connection failed", exc_info=error)
        self._set_reason("internal_error", "a fault of the server")
        if self._transport is not None:
            self._transport.abort()

    def eof_received(self) -> bool:
        self._set_reason("peer_closed", "publisher closed the connection")
        return False  # asyncio closes the transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever happened: end what is running, count the reason once."""
        self._transport = None
        self._fd = -1
        if self._timer is not None:
            self._timer.cancel()
        if exc is not None:
            # ffmpeg leaves with our acknowledgements unread, which makes its close a reset.
            self._set_reason("peer_reset", "publisher reset the connection")
        self._set_reason("peer_closed", "publisher closed the connection")
        self._end_publication()
        self._end_playing()
        self._core.close()
        if self._is_admitted:
            self._set_idle(is_idle=False)
            self._server.dismiss(self)
            self._server.count_closed(self._reason or "")
            self._log.debug("connection closed", reason=self._reason, detail=self._detail)

    def pause_writing(self) -> None:
        self._is_unread = True
        self._update_reading()

    def resume_writing(self) -> None:
        self._is_unread = False
        self._update_reading()

    # Events

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, VideoTag):
                self._take_tag(self._flv.video, event)
            elif isinstance(event, AudioTag):
                self._take_tag(self._flv.audio, event)
            elif isinstance(event, PublishRequested):
                self._is_authorising = True
                self._server.spawn(self._authorise(event), "rtmp authorise")
            elif isinstance(event, PlayRequested):
                self._play(event)
            elif isinstance(event, PlayEnded):
                self._end_playing()
                self._arm_timer()
            elif isinstance(event, PublishEnded):
                self._end_publication(event.reason, is_lost=False)
                self._set_idle(is_idle=True)
                self._arm_timer()
            elif isinstance(event, DataTag):
                self._take_data(event)
            elif isinstance(event, Failed):
                self._set_reason(event.reason, event.detail)
                self._end_publication(f"{event.reason}: {event.detail}")
                self._close_soon()
        self._flush()
        if self._is_authorising:
            self._update_reading()

    def _take_data(self, tag: DataTag) -> None:
        self._log.debug("< data", name=tag.name[:64])
        publication = self._publication
        if publication is None:
            return
        said = self._data.read(tag, self._loop.time())
        if isinstance(said, Note):
            publication.annotate(said)
        elif said is not None:
            publication.describe(said)

    def _take_tag(self, read: Callable[[int, bytes], Sequence[Media]], tag: VideoTag | AudioTag) -> None:
        publication = self._publication
        if publication is None:
            return
        try:
            for unit in read(tag.timestamp, tag.payload):
                if isinstance(unit, Packet):
                    publication.push(unit)
                else:
                    publication.configure(unit)
        except Unsupported as error:
            self._say_and_close(error.reason, f"Unsupported codec: {error.codec}. {SUPPORTED}")
        except ProtocolError as error:
            self._say_and_close(error.reason, f"Broken media: {error.detail}.")

    # Publishing

    async def _authorise(self, request: PublishRequested) -> None:
        """Get the platform's answer. A peer that leaves meanwhile doesn't stop it: the grant must be given back."""
        publication = await self._ask(request)
        self._is_authorising = False
        if publication is None:
            self._close_soon()
        elif self._core.state is State.AUTHORISING:
            self._start_publishing(publication, request.encoder)
        else:
            self._server.spawn(self._end(publication, self._detail, is_lost=True), "rtmp end publication")
        self._update_reading()

    async def _ask(self, request: PublishRequested) -> Publication | None:
        attempt = PublishAttempt(
            protocol=self._protocol,
            key=request.key,
            params=request.params,
            remote_address=self.address,
            encoder=request.encoder,
        )
        try:
            async with asyncio.timeout(OPEN_S):
                return await self._server.publications.open(attempt, self._cut)
        except Refused as refusal:
            self._log.info("publish refused", reason=refusal.reason, encoder=request.encoder)
            self._set_reason("refused", refusal.reason)
            if self._core.state is State.AUTHORISING:
                self._core.refuse_publish("NetStream.Publish.BadName", refusal.reason)
        except (Unavailable, TimeoutError) as error:
            # No onStatus: OBS takes an error for a wrong key and gives up, after a plain close it tries again.
            self._log.warning("publish put off", detail=str(error) or "no answer", encoder=request.encoder)
            self._set_reason("unavailable", str(error) or "no answer")
        except Exception:
            self._log.exception("publish failed", encoder=request.encoder)
            self._set_reason("internal_error", "no answer to publish")
        return None

    def _start_publishing(self, publication: Publication, encoder: str) -> None:
        self._publication = publication
        self._hastened = publication if isinstance(publication, Hastened) else None
        self._flv = FlvReader()
        self._data = DataReader()
        self._started_at = self._loop.time()
        self._set_idle(is_idle=False)
        self._log.debug("publisher accepted", encoder=encoder)
        self._core.accept_publish()
        self._take(self._core.held_events(self._loop.time()))
        if not self._is_closing:
            self._arm_timer()

    def _cut(self, sentence: str) -> None:
        """The platform ends the session."""
        self._say_and_close("cut", sentence)

    def _say_and_close(self, reason: str, sentence: str) -> None:
        self._set_reason(reason, sentence)
        self._core.end_publish(sentence)
        self._end_publication(sentence, is_lost=False)
        self._close_soon()

    def _end_publication(self, reason: str = "", *, is_lost: bool = True) -> None:
        publication, self._publication = self._publication, None
        if publication is None:
            return
        reason = reason or self._detail
        self._log.debug(
            "publisher gone",
            reason=reason,
            duration_s=round(self._loop.time() - self._started_at, 1),
            received_bytes=self._core.received_bytes,
            ignored_tags=dict(self._flv.ignored),
        )
        self._server.spawn(self._end(publication, reason, is_lost=is_lost), "rtmp end publication")

    async def _end(self, publication: Publication, reason: str, *, is_lost: bool = True) -> None:
        try:
            await publication.end(reason, is_lost=is_lost)
        except Exception:
            self._log.exception("publication did not end cleanly")

    def shut_down(self) -> None:
        """The server closes: no last words, so that encoders connect again."""
        self._set_reason("shutdown", "server is shutting down")
        self._end_publication()  # its session waits for it, in the next process
        self._close_soon()

    # Playing

    def _play(self, wish: PlayRequested) -> None:
        """Begin to send a session, or say why not."""
        server = self._server
        judged = judge(wish, server.find(wish.name), server.players)
        if isinstance(judged, NoPlay):
            self._set_reason(judged.reason, judged.sentence)
            self._core.refuse_play(judged.code, judged.sentence)
            self._close_soon()
        else:
            self._core.accept_play()
            self._arm_timer()
            self._begin_playing(judged.live, Playout(self._core, has_key=judged.has_key))

    def _begin_playing(self, live: Live, playout: Playout) -> None:
        def take(message: FromFeed) -> None:
            over = playout.take(message)
            self._flush()
            if over:
                self._set_reason("play_over", over)
                self._core.end_play(over)
                self._close_soon()
            elif self._transport is not None and self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
                self._set_reason("slow_player", "did not read what it plays")
                self._transport.abort()

        self._set_idle(is_idle=False)
        self._server.count_players(1)
        self._stop_playing = _nothing  # counted, in case it is over before the past is told
        try:
            self._stop_playing = live.feeds.subscribe(TRACKS, take)
        except Unavailable as error:
            self._set_reason("play_unavailable", str(error))
            self._core.end_play(str(error))
            self._close_soon()
        self._log.debug("player accepted")

    def _end_playing(self) -> None:
        stop, self._stop_playing = self._stop_playing, None
        if stop is not None:
            stop()
            self._server.count_players(-1)
            self._set_idle(is_idle=True)

    # Socket

    def _flush(self) -> None:
        data = self._core.data_to_send()
        if data and self._transport is not None and not self._is_closing:
            self._transport.writelines(data)

    def _close_soon(self) -> None:
        """Send our last words and close; cut the line when the peer doesn't go within `CLOSE_S`.

        Closing with bytes of the peer unread would reset the connection, and Windows then throws away what the peer
        hasn't read: so close our half, and read on.
        """
        self._flush()
        transport = self._transport
        if transport is None or self._is_closing:
            return
        self._is_closing = True
        self._core.close()
        transport.resume_reading()
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(CLOSE_S, transport.abort)

    def _update_reading(self) -> None:
        if self._transport is None or self._is_closing or self._transport.is_closing():
            return
        if self._is_unread or self._is_resting or (self._is_authorising and self._core.held_bytes > HELD_PAUSE_BYTES):
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _arm_timer(self) -> None:
        """Look at the deadline when it is due; media only moves it, so most looks arm the timer again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._core.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._take(self._core.handle_timeout(self._loop.time()))
        if not self._is_closing and self._transport is not None:
            self._arm_timer()

    # Bookkeeping

    def _set_reason(self, reason: str, detail: str) -> None:
        """Remember why the connection ends; the first reason is the cause of the others."""
        if self._reason is None:
            self._reason, self._detail = reason, detail

    def _set_idle(self, *, is_idle: bool) -> None:
        if self._is_idle is not is_idle:
            self._is_idle = is_idle
            self._server.set_idle(self, is_idle=is_idle)
