"""The SRT listener in the event loop: publishers into `Publications`, players out of sessions.

A caller is decided before it is accepted, from memory (`_admit`, in libsrt's thread); web is asked after it, while its
first bytes wait. Then its transport stream is read here, packet by packet, until it ends with one counted reason.
"""

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any
from typing import Protocol as Interface

import structlog
from prometheus_client import Counter, Gauge

from media.feeds import Feeds
from media.keys import Entry, KeyTable
from media.packets import CodecConfig, Packet
from media.publication import Hastened, Publication, PublishAttempt, Refused, Unavailable, masked
from media.srt.lib import Library, Option, Rejection, SrtError
from media.srt.listener import Closed, Event, Listener, Measured, Opened, Received
from media.srt.play import TRACKS, Stage
from media.srt.streamid import BadMode, Malformed, Publish, Request, parse
from media.ts.demux import Demuxer, NotTransportStream, Unsupported
from schemas.access import Visibility
from schemas.ingest import read_priority, wants_takeover, wants_test

log = structlog.get_logger()

MAX_CALLERS = 1024
"""Of one node, publishers and players; more are turned away."""
MAX_HELD_BYTES = 16 << 20
"""What a publisher may send until web has said yes: 6 s of 20 Mbit/s."""
NO_MEDIA_S = 10.0
"""A publisher that has shown no picture and no sound for this long is sent away."""
OPEN_S = 15.0
"""Longest wait for the platform's yes or no; `Publications.open` has a shorter one of its own."""
END_S = 10.0
"""Longest wait for publications to end when the server closes."""

OUR_FAULT = "A fault of the server ended the stream."

closed_total = Counter("tally_srt_closed_total", "SRT connections closed, by reason.", ["reason"])
rejected_total = Counter("tally_srt_rejected_total", "SRT callers turned away before they were accepted.", ["code"])
connections_open = Gauge("tally_srt_connections", "SRT connections open, by what they do.", ["role"])
damaged_total = Counter("tally_srt_damaged_units_total", "Access units left out because something was missing.")


class Live(Interface):
    """A running session, as far as it is looked at here. What is no coroutine may be called from any thread."""

    feeds: Feeds
    visibility: Visibility

    def has_room_for(self, priority: int, now: float) -> bool:
        """Whether a publisher of this priority would be let in."""
        ...


class Sessions(Interface):
    """The node."""

    def find(self, channel: str) -> Live | None:
        """Return the running session of a channel; may be called from any thread."""
        ...

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str = "") -> Publication:
        """See `media.node.Node.open`."""
        ...


class SrtServer:
    """Listens on one port. Start and close it in one event loop."""

    def __init__(self, library: Library, sessions: Sessions, keys: KeyTable) -> None:
        self.sessions = sessions
        self.closed: Tally[str] = Tally()
        """Connections closed so far, by reason; the same counts as the metric."""
        self.rejected: Tally[int] = Tally()
        """Callers turned away before they were accepted, by code."""
        self._library = library
        self._keys = keys
        self._listener: Listener | None = None
        self._publishers: dict[int, _Incoming] = {}
        self._players: dict[int, Stage] = {}
        self._stages: dict[str, Stage] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = count(1)

    def start(self, host: str, port: int, latency_ms: int) -> int:
        """Listen; return the port, which matters when 0 was asked for. Raises `OSError` when the port is taken."""
        self._listener = Listener(self._library, self._admit, self._take)
        try:
            bound = self._listener.start(host, port, latency_ms)
        except SrtError as error:
            self._listener = None
            raise OSError(str(error)) from error
        log.info("srt listening", host=host, port=bound, latency_ms=latency_ms)
        return bound

    async def close(self) -> None:
        """Stop listening, end every publication and close every connection."""
        if self._listener is None:
            return
        await self._listener.close()
        try:
            async with asyncio.timeout(END_S):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            log.warning("publications did not end", tasks=len(self._tasks))
            for task in self._tasks:
                task.cancel()

    @property
    def connections(self) -> int:
        """Connections open right now."""
        return len(self._publishers) + len(self._players)

    # --- in libsrt's thread ------------------------------------------------------------------------------------

    def _admit(self, sock: int, streamid: bytes, address: str) -> int:
        """Decide about a caller before it is accepted. All connections wait meanwhile: only memory is looked at."""
        code, why = self._decide(sock, streamid)
        if code:
            self.rejected[code] += 1
            rejected_total.labels(str(int(code))).inc()
            log.info("srt caller turned away", code=int(code), reason=why, peer=masked(address))
        return code

    def _decide(self, sock: int, streamid: bytes) -> tuple[int, str]:
        if self.connections >= MAX_CALLERS:
            return Rejection.OVERLOAD, f"there are {MAX_CALLERS} connections"
        try:
            wish = parse(streamid)
            priority = read_priority(wish.params) if isinstance(wish, Publish) else 0
        except BadMode as error:
            return Rejection.BAD_MODE, str(error)
        except (Malformed, ValueError) as error:
            return Rejection.BAD_REQUEST, str(error)
        if not self._keys.is_loaded:
            return Rejection.DOWN, "web has not said yet which keys there are"
        found = self._publishable(wish, priority) if isinstance(wish, Publish) else self._playable(wish)
        if not isinstance(found, Entry):
            return found
        if found.passphrase is None:
            return Rejection.INTERNAL, "the channel's passphrase cannot be read"
        if found.passphrase:
            self._library.set(sock, Option.PASSPHRASE, found.passphrase)
        return 0, ""

    def _publishable(self, wish: Publish, priority: int) -> "Entry | tuple[int, str]":
        entry = self._keys.with_key(wish.key)
        if entry is None:
            return Rejection.FORBIDDEN, "the stream key is not valid"
        if wish.channel and self._keys.channel(wish.channel) != entry:
            return Rejection.FORBIDDEN, "the stream key is of another channel"
        session = self.sessions.find(entry.channel_id)
        if session is None or wants_takeover(wish.params) or wants_test(wish.params):
            return entry
        if not session.has_room_for(priority, time.monotonic()):
            return Rejection.CONFLICT, "the channel is already live from somewhere else"
        return entry

    def _playable(self, wish: Request) -> "Entry | tuple[int, str]":
        entry = self._keys.channel(wish.channel)
        session = self.sessions.find(entry.channel_id) if entry is not None else None
        if entry is None or session is None:
            return Rejection.NOT_FOUND, "there is no such channel, or it is not live"
        if not self._may_watch(wish, entry, session):
            return Rejection.FORBIDDEN, "the channel is not public"
        return entry

    def _may_watch(self, wish: Request, entry: Entry, session: Live) -> bool:
        return session.visibility == "public" or self._has_key(wish, entry)

    def _has_key(self, wish: Request, entry: Entry) -> bool:
        return self._keys.with_key(wish.key) == entry

    # --- in the loop -------------------------------------------------------------------------------------------

    def _take(self, events: list[Event]) -> None:
        for event in events:
            try:
                self._take_one(event)
            except Exception:  # ends this connection; the others must go on
                log.exception("srt connection failed", what=type(event).__name__)
                if publisher := self._publishers.get(event.sock):
                    publisher.fail("internal_error", OUR_FAULT)
                self._close(event.sock)
        if self._listener is not None:
            self._listener.is_hasty = any(publisher.is_urgent for publisher in self._publishers.values())

    def _take_one(self, event: Event) -> None:
        match event:
            case Received():
                if publisher := self._publishers.get(event.sock):
                    publisher.receive(event.data)
            case Measured():
                if publisher := self._publishers.get(event.sock):
                    publisher.measure(event)
            case Opened():
                self._open(event)
            case Closed():
                self._gone(event)

    def _open(self, event: Opened) -> None:
        try:
            wish = parse(event.streamid)
        except (Malformed, BadMode):  # it was read before, and said something else
            self._close(event.sock)
            return
        if isinstance(wish, Publish):
            publisher = _Incoming(self, event, wish, next(self._numbers))
            self._publishers[event.sock] = publisher
            connections_open.labels("publisher").inc()
            self.spawn(publisher.authorise(), "srt authorise")
        else:
            self._play(event, wish)

    def _play(self, event: Opened, wish: Request) -> None:
        """Put a player on its session's stage. What was decided before may have changed."""
        assert self._listener is not None
        self._listener.expect_nothing(event.sock)
        entry = self._keys.channel(wish.channel)
        session = self.sessions.find(entry.channel_id) if entry is not None else None
        if entry is None or session is None or not self._may_watch(wish, entry, session):
            self._close(event.sock)
            return
        stage = self._stages.get(entry.channel_id)
        if stage is None or stage.is_over:
            stage = Stage(self._listener.send, self._dismiss)
            try:
                stage.begin(lambda take: session.feeds.subscribe(TRACKS, take))
            except Unavailable:
                self._close(event.sock)
                return
            self._stages[entry.channel_id] = stage
        self._players[event.sock] = stage
        connections_open.labels("player").inc()
        log.info("srt player joined", channel=entry.channel_name, peer=masked(event.address), players=len(stage) + 1)
        stage.add(event.sock, has_key=self._has_key(wish, entry))

    def _dismiss(self, sock: int, reason: str) -> None:
        log.info("srt player dismissed", reason=reason)
        self._count(reason)
        self._close(sock)

    def _gone(self, event: Closed) -> None:
        publisher = self._publishers.pop(event.sock, None)
        if publisher is not None:
            connections_open.labels("publisher").dec()
            publisher.gone(event)
            self._count(publisher.reason)
        stage = self._players.pop(event.sock, None)
        if stage is not None:
            connections_open.labels("player").dec()
            stage.remove(event.sock)
            self._stages = {name: each for name, each in self._stages.items() if not each.is_over}

    def _count(self, reason: str) -> None:
        self.closed[reason] += 1
        closed_total.labels(reason).inc()

    def _close(self, sock: int) -> None:
        if self._listener is not None:
            self._listener.close_caller(sock)

    # For publishers

    def dismiss(self, publisher: "_Incoming") -> None:
        """Close a publisher's connection."""
        self._close(publisher.sock)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run a connection's work; `close` waits for it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Incoming:
    """One publisher's connection."""

    def __init__(self, server: SrtServer, opened: Opened, wish: Publish, number: int) -> None:
        self.sock = opened.sock
        self.reason = ""
        """Why it ends, as few words; "" while it does not."""
        self._server = server
        self._wish = wish
        self._address = opened.address
        self._version = opened.version
        self._demuxer = Demuxer()
        self._publication: Publication | None = None
        self._hastened: Hastened | None = None  # the publication, if it can tell
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._damaged = 0
        self._has_media = False
        self._opened_at = time.monotonic()
        self._log = log.bind(protocol="srt", conn_id=number, peer=masked(opened.address))

    @property
    def is_urgent(self) -> bool:
        """Whether somebody watches it with the lowest latency."""
        return self._hastened is not None and self._hastened.is_urgent

    async def authorise(self) -> None:
        """Get the platform's answer. A peer that leaves meanwhile doesn't stop it: the grant must be given back."""
        publication = await self._ask()
        if publication is None:
            self._server.dismiss(self)
        elif self.reason:
            await self._end(publication, self.reason, is_lost=True)
        else:
            self._publication = publication
            self._hastened = publication if isinstance(publication, Hastened) else None
            try:
                self._take_held()
            except Exception:  # ends this connection
                self._log.exception("srt connection failed", what="held")
                self.fail("internal_error", OUR_FAULT)

    def _take_held(self) -> None:
        held, self._held = self._held, []
        for data in held:
            self.receive(data)

    async def _ask(self) -> Publication | None:
        attempt = PublishAttempt("srt", self._wish.key, self._wish.params, self._address, f"SRT {self._version}")
        try:
            async with asyncio.timeout(OPEN_S):
                return await self._server.sessions.open(attempt, self._cut, self._wish.channel)
        except Refused as refusal:
            self._log.info("publish refused", reason=refusal.reason)
            self._stop("refused")
        except (Unavailable, TimeoutError) as error:
            self._log.warning("publish put off", detail=str(error) or "no answer")
            self._stop("unavailable")
        except Exception:
            self._log.exception("publish failed")
            self._stop("internal_error")
        return None

    def receive(self, data: bytes) -> None:
        """Take bytes of its transport stream."""
        if self.reason:
            return
        if self._publication is None:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes > MAX_HELD_BYTES:
                self.fail("unavailable", "web does not answer, and too much has come")
            return
        try:
            events = self._demuxer.receive_data(data)
        except Unsupported as error:
            self.fail("unsupported_codec", f"Unsupported codec: {error.codec}. Use H.264 or HEVC.")
            return
        except NotTransportStream as error:
            self.fail("no_transport_stream", str(error))
            return
        self._push(events)

    def _push(self, events: list[CodecConfig | Packet]) -> None:
        publication = self._publication
        for event in events:
            if publication is None or self.reason:
                return
            if isinstance(event, Packet):
                publication.push(event)
            else:
                self._has_media = True
                publication.configure(event)

    def measure(self, event: Measured) -> None:
        """Tell how the way here is; look whether media has come at all."""
        damaged = self._demuxer.counts.damaged_units
        damaged_total.inc(damaged - self._damaged)
        self._damaged = damaged
        if self._publication is not None:
            self._publication.measure(event.network)
            if not self._has_media and time.monotonic() - self._opened_at > NO_MEDIA_S:
                self.fail("no_media", "neither pictures nor sound that can be read have come")

    def gone(self, event: Closed) -> None:
        """The connection is over."""
        if not self.reason:
            try:
                self._push(self._demuxer.finish())
            except Exception:  # it ends anyway
                self._log.exception("srt connection failed", what="end")
            self._stop("peer_lost" if event.is_lost else "peer_closed")
            self._finish(event.reason, is_lost=event.is_lost)
        self._held = []
        self._log.debug("srt connection closed", reason=self.reason, detail=event.reason, counts=self._demuxer.counts)

    def _cut(self, sentence: str) -> None:
        """The platform ends the session. SRT has no words for why."""
        self._log.info("publisher cut", reason=sentence)
        self._stop("cut")
        self._finish(sentence, is_lost=False)
        self._server.dismiss(self)

    def fail(self, reason: str, sentence: str) -> None:
        """What it sends is of no use."""
        self._log.info("publisher sent away", reason=sentence)
        self._stop(reason)
        self._finish(sentence, is_lost=False)
        self._server.dismiss(self)

    def _stop(self, reason: str) -> None:
        """Remember why the connection ends; the first reason is the cause of the others."""
        self.reason = self.reason or reason

    def _finish(self, sentence: str, *, is_lost: bool) -> None:
        publication, self._publication = self._publication, None
        if publication is not None:
            self._server.spawn(self._end(publication, sentence, is_lost=is_lost), "srt end publication")

    async def _end(self, publication: Publication, sentence: str, *, is_lost: bool) -> None:
        try:
            await publication.end(sentence, is_lost=is_lost)
        except Exception:
            self._log.exception("publication did not end cleanly")
