"""The core of delivery, without a socket: finds each resource in memory, on its way, at its origin or in the archive.

    Delivery.judge(request)    -> Answer for what needs no look-up, else Wanted
    Delivery.find(wanted)      -> Entry at once, else a Flight to join
    Delivery.finish(...)       -> Answer out of an Entry
    await Delivery.answer(...) -> all three, for whoever has a task of its own

Lifetimes towards clients are the origin's or archive's own Cache-Control, passed through. Memory and flights know
nothing of tokens: who may have an entry is asked when it is answered.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Final, Protocol

import structlog
from redis.asyncio import Redis

from config.objects.store import StoreError
from schemas.access import Verdict
from schemas.errors import ErrorCode
from schemas.ids import ChannelId
from schemas.ingest import LiveEntry
from web.access import AccessKeys
from web.archive import shelf
from web.archive.archive import Archive
from web.failures import AWAY
from web.hls.answers import METHODS, Answer, preflight, select
from web.hls.clock import Clock
from web.hls.complaints import Complaints
from web.hls.counters import Counters
from web.hls.embeds import Embeds
from web.hls.entries import (
    NO_STORE,
    Entry,
    Holder,
    holder_of,
    make_error,
    make_permit,
    make_unavailable,
)
from web.hls.flights import Flight, Tower
from web.hls.heads import Fields, Request
from web.hls.memory import Memory
from web.hls.origin import OriginClient, Unreachable
from web.hls.registry import Memo, Registry, Unavailable
from web.hls.sources import Sources
from web.hls.targets import PLAYLISTS, BadDirective, Kind, NoSuchTarget, Wanted, parse_target

log = structlog.get_logger()

PERMIT_S: Final = 15
"""How long a cache may believe that somebody may watch: as long it takes until one who may not any more is stopped."""
REFUSAL_CACHE: Final = "public, max-age=5"
MAX_WAITERS: Final = 20_000
MAX_FLIGHTS: Final = 1024
MAX_KNOWN_TARGETS: Final = 4096
"""Parsed targets kept; when full all are forgotten, which costs each of them one parse."""
MAX_KNOWN_TARGET_BYTES: Final = 512
_NO_STREAM: Final = "there is no such stream, or it is not live"
_NO_ITEM: Final = "there is no such recording or clip"
_FORBIDDEN: Final = "this is not public, and the address holds no token that opens it: ask the API for one"
_ELSEWHERE: Final = "the player may not be shown on this site"
_ARCHIVE_AWAY: tuple[type[Exception], ...] = (StoreError, *AWAY)


class Viewers(Protocol):
    """Who watches what. Called on the event loop, so both must be quick and never wait."""

    def token(self, cookie: str | None, address: str, user_agent: str | None, /) -> str:
        """Return what makes this viewer one viewer; `cookie` is the whole Cookie header."""

    def saw(self, channel_id: ChannelId, token: str, /) -> None:
        """Take note that this viewer has just fetched a media playlist of the channel."""


class Delivery:
    """One per process. Between `start` and `close` it answers; both doors share its memory and flights.

    Without an `archive` there are live streams only, without `access` none that are not public; without `embeds` every
    site may show the player. `now` is a monotonic clock and `wall` the time of day, both in seconds.
    """

    def __init__(
        self,
        redis: Redis,
        viewers: Viewers,
        *,
        archive: Archive | None = None,
        access: AccessKeys | None = None,
        embeds: Embeds | None = None,
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
        self._archive = archive
        self._access = access
        self._embeds = embeds
        self._sources: Sources | None = None
        self._known: dict[str, Wanted] = {}
        self._on_second: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._complaints = Complaints(self.clock)
        self._no_stream = make_error(ErrorCode.NOT_FOUND, _NO_STREAM)
        self._no_target = make_error(ErrorCode.NOT_FOUND, "nothing is served under this path")
        self._no_item = make_error(ErrorCode.NOT_FOUND, _NO_ITEM)
        # Never kept by a cache: those who have a token share an address with those who have none there.
        self._forbidden = make_error(ErrorCode.FORBIDDEN, _FORBIDDEN, cache_control=NO_STORE)
        # Nor does anything vary by Referer, lest caches keep a copy for each page: edges check it themselves.
        self._elsewhere = make_error(ErrorCode.FORBIDDEN, _ELSEWHERE, cache_control=NO_STORE)
        self._busy = make_unavailable("too many viewers wait for this server")
        if archive is not None:
            self.counters.archive = archive.counts
        gauge = self.counters.gauge
        gauge("tally_hls_waiters", "Requests that wait for an origin", lambda: self.tower.waiting)
        gauge("tally_hls_flights", "Requests under way to origins", lambda: self.tower.count)
        gauge("tally_hls_memory_bytes", "Bytes of answers kept", lambda: self.memory.used_bytes)

    async def start(self) -> None:
        """Open the client of the origins, follow stream events, begin to count seconds."""
        self._sources = Sources(
            OriginClient(),
            self._archive,
            memory=self.memory,
            counters=self.counters,
            complaints=self._complaints,
            clock=self.clock,
            locate=self._locate,
            now=self.now,
        )
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
        if self._sources is not None:
            await self._sources.close()

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
        if self._sources is not None:
            self._sources.sweep()
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
        if wanted is None:
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
        if wanted.kind in PLAYLISTS and self.is_elsewhere(request.fields):
            return self.finish(request, self._elsewhere)
        return wanted

    def is_elsewhere(self, fields: Fields) -> bool:
        """Whether a request comes from a page that may not show the player."""
        return self._embeds is not None and not self._embeds.allows(fields)

    @property
    def known_targets(self) -> int:
        """How many parsed targets are remembered."""
        return len(self._known)

    def find(self, wanted: Wanted) -> Entry | Flight:
        """Return the entry when it is in memory, else the flight that brings it: join it, it lands with an entry.

        Who may have it is looked at once per second and address: most requests are those of a crowd for the same part.
        """
        if wanted.key is not None and wanted.admitted_tick == self.clock.tick_number:
            entry = self.memory.find(wanted.key, self.now())
            if entry is not None:
                self.counters.memory_hits += 1
                return entry
        if wanted.token and self._access is not None and self._access.is_unknown(wanted.token):
            key = f"~{wanted.token}/{wanted.root}/{wanted.name}/{wanted.session}/{wanted.file}"
            return self._join(key, lambda: self._learn(wanted))
        return self._look(wanted)

    def _look(self, wanted: Wanted) -> Entry | Flight:
        key = wanted.key
        if key is not None:
            entry = self.memory.find(key, self.now())
            if entry is not None and self._renew_visibility(wanted, entry):
                self.counters.memory_hits += 1
                found = self.checked(wanted, entry)
                if found is entry:
                    wanted.admitted_tick = self.clock.tick_number
                return found
        if wanted.kind is Kind.ACCESS:
            return self._join(f"access/{wanted.root}/{wanted.name}~{wanted.token}", lambda: self._fly(wanted, ""))
        if wanted.root != "hls":
            return self._look_on_shelf(wanted)
        memo = self._recall(wanted)
        live = None
        if memo is not None:
            live = memo.live
            if live is None:
                return self._no_stream
            if live.visibility != "public" and not self._is_proved(wanted, holder_of(live).scope):
                return self._forbidden
        if key is None:
            if live is None:
                key = f"@{wanted.name}/{wanted.file}"
            else:
                key = f"{live.session_id}/{wanted.file}"
                entry = self.memory.find(key, self.now())
                if entry is not None:
                    self.counters.memory_hits += 1
                    return entry
        place = key
        return self._join(place, lambda: self._fly(wanted, place))

    def _look_on_shelf(self, wanted: Wanted) -> Entry | Flight:
        if self._archive is None or wanted.root == "hls" or wanted.key is None:
            return self._no_item
        memo = self._archive.shelf.recall(wanted.root, wanted.name)
        if memo is not None:
            if memo.item is None:
                return self._no_item
            if memo.item.visibility != "public" and not self._is_proved(wanted, memo.item.scope):
                return self._forbidden
        key = wanted.key
        return self._join(key, lambda: self._fly(wanted, key))

    def _join(self, key: str, fly: Callable[[], Coroutine[None, None, Entry]]) -> Entry | Flight:
        flight = self.tower.find(key)
        if self.tower.waiting >= MAX_WAITERS or (flight is None and self.tower.count >= MAX_FLIGHTS):
            return self._busy
        if flight is not None:
            self.counters.joined += 1
            return flight
        return self.tower.launch(key, fly)

    # Who may have it

    def checked(self, wanted: Wanted, entry: Entry) -> Entry:
        """Return the entry; or the 404 of a session that is not of the channel in the URL, or the 403."""
        if entry.channel_id is not None and not entry.belongs_to(wanted.name):
            return self._no_stream
        if entry.visibility == "public" or self._is_proved(wanted, entry.scope):
            return entry
        return self._forbidden

    def _is_proved(self, wanted: Wanted, scope: str) -> bool:
        """Whether the token in the path opens this; looked at once per second and address."""
        if not wanted.token or self._access is None:
            return False
        if wanted.proved_tick == self.clock.tick_number:
            return True
        is_good = self._access.judge(wanted.token, scope) is Verdict.GOOD
        if is_good:
            wanted.proved_tick = self.clock.tick_number
        return is_good

    def _renew_visibility(self, wanted: Wanted, entry: Entry) -> bool:
        """Set who may have an entry of memory as it is now; False when that has to be looked up first."""
        if wanted.root == "hls":
            memo = self._registry.known(wanted.registry_key)
            if memo is not None and memo.live is not None:
                if not self._registry.is_believed(memo, self.now()):
                    return False
                entry.visibility = memo.live.visibility
            return True  # without a memo the entry itself says what was so when it came, less than a minute ago
        found = self._archive.shelf.recall(wanted.root, wanted.name) if self._archive else None
        if found is None or found.item is None:
            return False
        entry.visibility = found.item.visibility
        return True

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

    async def _fly(self, wanted: Wanted, key: str) -> Entry:
        """Bring an entry, or the error in its place."""
        try:
            if wanted.kind is Kind.ACCESS:
                return await self._permit(wanted)
            assert self._sources is not None, "start() comes first"
            if wanted.root != "hls":
                item = await self._archive.shelf.find(wanted.root, wanted.name) if self._archive else None
                return self._no_item if item is None else await self._sources.of_kept(wanted, item)
            live = await self._locate(wanted)
            return self._no_stream if live is None else await self._sources.of_live(wanted, live)
        except (Unavailable, shelf.Unavailable) as error:
            entry = self.memory.find(key, self.now())
            if entry is not None and entry.visibility == "public":  # nothing is opened by what is away
                return entry
            self._complaints.note("look-up unavailable", error)
            return make_unavailable("whether this can be watched cannot be found out right now")
        except Unreachable as error:
            self.counters.asked_origin("unreachable")
            self._complaints.note("origin unreachable", error)
            return make_unavailable("the stream's server does not answer")
        except _ARCHIVE_AWAY as error:
            self._complaints.note("archive unavailable", error)
            return make_unavailable("what was recorded cannot be read right now")
        except asyncio.CancelledError:
            self.counters.asked_origin("abandoned")
            raise
        except Exception:
            # a flight must land whatever happens: nobody else ends the waiting of those who joined it
            log.exception("flight failed", file=wanted.file)
            return make_unavailable("the server failed")

    async def _learn(self, wanted: Wanted) -> Entry:
        """Fetch the key that a token was signed by, then go on."""
        assert self._access is not None
        await self._access.renew()
        found = self._look(wanted)
        return await _Passenger(found).entry() if isinstance(found, Flight) else found

    def _recall(self, wanted: Wanted) -> Memo | None:
        if wanted.session is None:
            return self._registry.recall_channel(wanted.name)
        return self._registry.recall_session(wanted.session)

    async def _locate(self, wanted: Wanted) -> LiveEntry | None:
        if wanted.session is None:
            return await self._registry.find_channel(wanted.name)
        return await self._registry.find_session(wanted.session)

    # What caches ask

    async def _permit(self, wanted: Wanted) -> Entry:
        """Answer an edge that asks whether somebody may have what it holds in its cache."""
        holder = await self._holder(wanted)
        if holder is not None and holder.visibility == "public":
            return make_permit(PERMIT_S)
        # A cache may still hold files of what was deleted: they are nobody's.
        if holder is None or not self._is_proved(wanted, holder.scope):
            return make_error(ErrorCode.FORBIDDEN, _FORBIDDEN, kind=Kind.ACCESS, cache_control=REFUSAL_CACHE)
        expires_s = int(wanted.token.split(".")[1])
        return make_permit(max(0, min(PERMIT_S, expires_s - int(self._wall()))))

    async def _holder(self, wanted: Wanted) -> Holder | None:
        """Return whose a channel, recording or clip is, live or not."""
        if wanted.root != "hls":
            item = await self._archive.shelf.find(wanted.root, wanted.name) if self._archive else None
            return Holder(item.scope, item.visibility) if item else None
        live = await self._registry.find_channel(wanted.name)
        if live is not None:
            return holder_of(live)
        # Caches hold what was live a moment ago.
        found = await self._archive.shelf.channel(wanted.name) if self._archive else None
        return Holder(f"channel:{found[0]}", found[1]) if found else None


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
