"""The core of delivery, without a socket: finds each resource in memory, on its way, or at its origin.

    Delivery.judge(request)    -> Answer for what needs no look-up, else Wanted
    Delivery.find(wanted)      -> Entry at once, else a Flight to join
    Delivery.finish(...)       -> Answer out of an Entry
    await Delivery.answer(...) -> all three, for whoever has a task of its own

Lifetimes towards clients are the origin's own Cache-Control, passed through.
"""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final, Protocol

import structlog
from redis.asyncio import Redis

from schemas.errors import ErrorCode
from schemas.ids import ChannelId
from schemas.ingest import LiveEntry
from web.hls.answers import METHODS, Answer, preflight, select
from web.hls.clock import Clock
from web.hls.counters import Counters
from web.hls.entries import NO_STORE, SHORT_LIFE, Entry, make_absence, make_entry, make_error
from web.hls.flights import Flight, Tower
from web.hls.heads import Request
from web.hls.memory import Memory
from web.hls.origin import BLOCKED_DEADLINE_S, PLAIN_DEADLINE_S, Fetched, OriginClient, Unreachable
from web.hls.registry import Memo, Registry, Unavailable
from web.hls.targets import PLAYLISTS, BadDirective, Kind, NoSuchTarget, Wanted, parse_target

log = structlog.get_logger()

PLAIN_MEMORY_S: Final = 0.2
"""Multivariant and undirected media playlists, and errors: shorter than a part, so that nobody falls a part behind,
and five requests per second at the origin whatever the crowd."""
POSITIONED_MEMORY_S: Final = 6.0
"""A playlist answered to a position: its URL is asked for once per viewer, within a few parts of each other."""
MEDIA_MEMORY_S: Final = 60.0
"""Media never changes; after a minute few viewers are that far behind."""
PICTURE_MEMORY_S: Final = 2.0
"""A thumbnail is new every 10 s, which its clients wait for already."""
MAX_WAITERS: Final = 20_000
MAX_FLIGHTS: Final = 1024
MAX_KNOWN_TARGETS: Final = 4096
"""Parsed targets kept; when full all are forgotten, which costs each of them one parse."""
MAX_KNOWN_TARGET_BYTES: Final = 512
COMPLAIN_EVERY_S: Final = 10
RETRY_AFTER_S: Final = 1
"""An origin that was killed is back by then, or its stream has moved."""
_MAX_AGE: Final = re.compile(r"max-age=([0-9]{1,10})", re.ASCII)
_DEFAULT_TYPES: Final = {
    Kind.MULTIVARIANT: "application/vnd.apple.mpegurl",
    Kind.PLAYLIST: "application/vnd.apple.mpegurl",
    Kind.SIDE_PLAYLIST: "application/vnd.apple.mpegurl",
    Kind.CAPTIONS: "text/vtt; charset=utf-8",
    Kind.PICTURE: "image/jpeg",
}
_NO_STREAM: Final = "there is no such stream, or it is not live"
_NO_FILE: Final = "the stream has no such file, not yet or no more"
_BAD_POSITION: Final = "the position asked for is too far in the future, or not understood"


class Viewers(Protocol):
    """Who watches what. Called on the event loop, so both must be quick and never wait."""

    def token(self, cookie: str | None, address: str, user_agent: str | None, /) -> str:
        """Return what makes this viewer one viewer; `cookie` is the whole Cookie header."""

    def saw(self, channel_id: ChannelId, token: str, /) -> None:
        """Take note that this viewer has just fetched a media playlist of the channel."""


class Delivery:
    """One per process. Between `start` and `close` it answers; both doors share its memory and flights.

    `now` is a monotonic clock and `wall` the time of day, both in seconds.
    """

    def __init__(
        self,
        redis: Redis,
        viewers: Viewers,
        *,
        memory: Memory | None = None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.viewers = viewers
        self.now = now
        self.clock = Clock(wall())
        self.counters = Counters()
        self.memory = memory or Memory()
        self.tower = Tower()
        self._wall = wall
        self._registry = Registry(redis, now)
        self._origin: OriginClient | None = None
        self._known: dict[str, Wanted] = {}
        self._on_second: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._complaints = 0
        self._complained_tick = -COMPLAIN_EVERY_S
        self._no_stream = make_error(ErrorCode.NOT_FOUND, _NO_STREAM)
        self._no_target = make_error(ErrorCode.NOT_FOUND, "nothing is served under this path")
        self._busy = self._unavailable("too many viewers wait for this server")
        gauge = self.counters.gauge
        gauge("tally_hls_waiters", "Requests that wait for an origin", lambda: self.tower.waiting)
        gauge("tally_hls_flights", "Requests under way to origins", lambda: self.tower.count)
        gauge("tally_hls_memory_bytes", "Bytes of answers kept", lambda: self.memory.used_bytes)

    async def start(self) -> None:
        """Open the client of the origins, follow stream events, begin to count seconds."""
        self._origin = OriginClient()
        self._tasks = [
            asyncio.create_task(self._registry.follow(), name="stream events for delivery"),
            asyncio.create_task(self._seconds(), name="seconds of delivery"),
        ]

    async def close(self) -> None:
        """Cancel what is under way and close the client. Whoever still waits is not answered."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.tower.close()
        await self._registry.close()
        if self._origin is not None:
            await self._origin.close()

    def each_second(self, call: Callable[[], None]) -> None:
        """Have `call` called once per second, after the clock has moved."""
        self._on_second.append(call)

    async def _seconds(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.second()

    def second(self) -> None:
        """Begin the next second: `Date`, memory whose time is over, and whoever asked by `each_second`."""
        self.clock.tick(self._wall())
        self.memory.sweep(self.now())
        for call in self._on_second:
            call()

    # One request

    def judge(self, request: Request) -> Answer | Wanted:
        """Answer what needs no look-up: preflights, other methods, bodies, targets that name nothing."""
        if request.method == "OPTIONS":
            return self._counted(preflight(self.clock))
        if request.method not in ("GET", "HEAD"):
            allow = f"Allow: {METHODS}\r\n".encode()
            error = make_error(ErrorCode.METHOD_NOT_ALLOWED, f"only {METHODS} are served here", extra=allow)
            return self.finish(request, error)
        if request.fields.has_body:
            return self.finish(request, make_error(ErrorCode.PAYLOAD_TOO_LARGE, "no request here has a body"))
        wanted = self._known.get(request.target)
        if wanted is not None:
            return wanted
        try:
            wanted = parse_target(request.target)
        except NoSuchTarget:
            return self.finish(request, self._no_target)
        except BadDirective as error:
            return self.finish(request, make_error(ErrorCode.INVALID_REQUEST, str(error)))
        if len(request.target) <= MAX_KNOWN_TARGET_BYTES:
            if len(self._known) >= MAX_KNOWN_TARGETS:
                self._known.clear()
            self._known[request.target] = wanted
        return wanted

    @property
    def known_targets(self) -> int:
        """How many parsed targets are remembered."""
        return len(self._known)

    def find(self, wanted: Wanted) -> Entry | Flight:
        """Return the entry when it is in memory, else the flight that brings it: join it, it lands with an entry."""
        key = wanted.key
        if key is not None:
            entry = self.memory.find(key, self.now())
            if entry is not None:
                self.counters.memory_hits += 1
                return self.checked(wanted, entry)
        memo = self._recall(wanted)
        if memo is not None and memo.live is None:
            return self._no_stream
        if key is None:
            if memo is None or memo.live is None:
                key = f"@{wanted.channel}"
            else:
                key = f"{memo.live.session_id}/{wanted.file}"
                entry = self.memory.find(key, self.now())
                if entry is not None:
                    self.counters.memory_hits += 1
                    return entry
        flight = self.tower.find(key)
        if self.tower.waiting >= MAX_WAITERS or (flight is None and self.tower.count >= MAX_FLIGHTS):
            return self._busy
        if flight is not None:
            self.counters.joined += 1
            return flight
        return self.tower.launch(key, lambda: self._fly(wanted))

    def checked(self, wanted: Wanted, entry: Entry) -> Entry:
        """Return the entry, or the 404 of a session that is not of the channel in the URL."""
        return entry if entry.channel_id is None or entry.belongs_to(wanted.channel) else self._no_stream

    def finish(self, request: Request, entry: Entry) -> Answer:
        """Return what this request gets out of the entry, counted."""
        return self._counted(select(entry, request.method, request.fields, self.clock))

    async def answer(self, request: Request) -> Answer:
        """Answer a request; cancelling it leaves the flight."""
        judged = self.judge(request)
        if isinstance(judged, Answer):
            return judged
        found = self.find(judged)
        if isinstance(found, Flight):
            found = self.checked(judged, await _Passenger(found).entry())
        return self.finish(request, found)

    def _counted(self, answer: Answer) -> Answer:
        self.counters.answered(answer.kind, answer.status)
        return answer

    # One flight

    async def _fly(self, wanted: Wanted) -> Entry:
        """Bring an entry, or the error in its place."""
        try:
            live = await self._locate(wanted)
            return self._no_stream if live is None else await self._bring(wanted, live)
        except Unavailable as error:
            self._complain("registry unavailable", error)
            return self._unavailable("whether the stream is live cannot be found out right now")
        except Unreachable as error:
            self.counters.asked_origin("unreachable")
            self._complain("origin unreachable", error)
            return self._unavailable("the stream's server does not answer")
        except asyncio.CancelledError:
            self.counters.asked_origin("abandoned")
            raise
        except Exception:
            # a flight must land whatever happens: nobody else ends the waiting of those who joined it
            log.exception("flight failed", file=wanted.file)
            return self._unavailable("the server failed")

    def _recall(self, wanted: Wanted) -> Memo | None:
        if wanted.session is None:
            return self._registry.recall_channel(wanted.channel)
        return self._registry.recall_session(wanted.session)

    async def _locate(self, wanted: Wanted) -> LiveEntry | None:
        if wanted.session is None:
            return await self._registry.find_channel(wanted.channel)
        return await self._registry.find_session(wanted.session)

    async def _bring(self, wanted: Wanted, live: LiveEntry) -> Entry:
        assert self._origin is not None, "start() comes first"
        may_block = wanted.is_positioned or wanted.kind is Kind.PART
        url = f"{live.origin_url.rstrip('/')}/{live.session_id}/{wanted.file}"
        fetched = await self._origin.fetch(url, BLOCKED_DEADLINE_S if may_block else PLAIN_DEADLINE_S)
        self.counters.asked_origin(str(fetched.status))
        entry, lifetime_s = self._judge_fetched(wanted, live, fetched)
        if lifetime_s > 0:
            self.memory.put(entry, lifetime_s, self.now())
        return entry

    def _judge_fetched(self, wanted: Wanted, live: LiveEntry, fetched: Fetched) -> tuple[Entry, float]:
        """Return the entry and how long memory may answer it."""
        match fetched.status:
            case HTTPStatus.OK:
                content_type = fetched.content_type or _DEFAULT_TYPES.get(wanted.kind, "video/mp4")
                cache_control = fetched.cache_control or SHORT_LIFE
                entry = make_entry(
                    wanted, live, fetched.body, content_type=content_type, cache_control=cache_control, clock=self.clock
                )
                return entry, min(_longest_memory_s(wanted), _max_age_s(cache_control))
            case HTTPStatus.NOT_FOUND:
                return make_absence(wanted, live, ErrorCode.NOT_FOUND, _NO_FILE), PLAIN_MEMORY_S
            case HTTPStatus.BAD_REQUEST:
                return make_absence(wanted, live, ErrorCode.INVALID_REQUEST, _BAD_POSITION), PLAIN_MEMORY_S
            case _:
                self._complain("origin refused", fetched.status)
                return self._unavailable("the stream's server cannot answer right now"), 0.0

    def _unavailable(self, message: str) -> Entry:
        return make_error(ErrorCode.UNAVAILABLE, message, cache_control=NO_STORE, retry_after_s=RETRY_AFTER_S)

    def _complain(self, event: str, why: object) -> None:
        """Log a trouble once per period, with the count of those kept back."""
        self._complaints += 1
        if self.clock.tick_number - self._complained_tick >= COMPLAIN_EVERY_S:
            log.warning(event, why=str(why), times=self._complaints)
            self._complaints = 0
            self._complained_tick = self.clock.tick_number


def _longest_memory_s(wanted: Wanted) -> float:
    if wanted.kind is Kind.PICTURE:
        return PICTURE_MEMORY_S
    if wanted.kind not in PLAYLISTS:
        return MEDIA_MEMORY_S
    return POSITIONED_MEMORY_S if wanted.is_positioned else PLAIN_MEMORY_S


def _max_age_s(cache_control: str) -> float:
    """Return how long the origin lets anyone keep its answer."""
    match = _MAX_AGE.search(cache_control)
    return 0.0 if match is None or "no-store" in cache_control else float(match.group(1))


class _Passenger:
    """A waiter for a coroutine."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self._future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        flight.join(self)

    def landed(self, entry: Entry) -> None:
        if not self._future.done():
            self._future.set_result(entry)

    async def entry(self) -> Entry:
        try:
            return await self._future
        finally:
            self._flight.leave(self)
