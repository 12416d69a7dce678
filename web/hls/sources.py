"""Where entries come from: the origin of a live stream, and the archive for what origins do not have.

    await Sources.of_live(wanted, live)     -> Entry
    await Sources.of_kept(wanted, item)     -> Entry

Both raise what is ours: `Unreachable`, `StoreError`, and what `web.failures.AWAY` names.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from schemas.errors import ErrorCode
from schemas.ingest import LiveEntry
from web.archive.archive import Archive
from web.archive.objects import Absent, Found
from web.archive.shelf import Shelved
from web.hls.clock import Clock
from web.hls.complaints import Complaints
from web.hls.counters import Counters
from web.hls.entries import (
    SHORT_LIFE,
    Entry,
    Holder,
    holder_of,
    make_absence,
    make_entry,
    make_redirect,
    make_unavailable,
)
from web.hls.memory import Memory
from web.hls.origin import BLOCKED_DEADLINE_S, PLAIN_DEADLINE_S, Away, Fetched, OriginClient, Unreachable
from web.hls.targets import PLAYLISTS, Kind, Wanted

PLAIN_MEMORY_S: Final = 0.2
"""Multivariant and undirected media playlists, and errors: shorter than a part, so that nobody falls a part behind,
and five requests per second at the origin whatever the crowd."""
POSITIONED_MEMORY_S: Final = 6.0
"""A playlist answered to a position: its URL is asked for once per viewer, within a few parts of each other."""
MEDIA_MEMORY_S: Final = 60.0
"""Media never changes; after a minute few viewers are that far behind."""
PICTURE_MEMORY_S: Final = 2.0
"""A thumbnail is new every 10 s, which its clients wait for already."""
STALE_S: Final = 10.0
"""The last good plain playlist is answered for so long while its origin is away: a process that was killed is back by
then. Nobody falls behind by it, for nothing new is published meanwhile."""
MAX_STALE: Final = 1024
RETRY_S: Final = 0.25
"""Between tries of a blocked request at an origin that is away."""
_MAX_AGE: Final = re.compile(r"max-age=([0-9]{1,10})", re.ASCII)
_DEFAULT_TYPES: Final = {
    Kind.MULTIVARIANT: "application/vnd.apple.mpegurl",
    Kind.PLAYLIST: "application/vnd.apple.mpegurl",
    Kind.SIDE_PLAYLIST: "application/vnd.apple.mpegurl",
    Kind.CAPTIONS: "text/vtt; charset=utf-8",
    Kind.PICTURE: "image/jpeg",
}
_NO_FILE: Final = "the stream has no such file, not yet or no more"
_STORED: Final = (Kind.SEGMENT, Kind.INIT, Kind.CAPTIONS, Kind.PICTURE)
"""What of a live stream may be in the object store when its origin does not have it (any more)."""
_BAD_POSITION: Final = "the position asked for is too far in the future, or not understood"
Locate = Callable[[Wanted], Awaitable[LiveEntry | None]]


class Sources:
    """One per process, of `Delivery`. `locate` asks the registry; `now` is a monotonic clock in seconds."""

    def __init__(
        self,
        origin: OriginClient,
        archive: Archive | None,
        *,
        memory: Memory,
        counters: Counters,
        complaints: Complaints,
        clock: Clock,
        locate: Locate,
        now: Callable[[], float],
    ) -> None:
        self._origin = origin
        self._archive = archive
        self._memory = memory
        self._counters = counters
        self._complaints = complaints
        self._clock = clock
        self._locate = locate
        self._now = now
        self._stale: OrderedDict[str, tuple[Entry, float]] = OrderedDict()

    def sweep(self) -> None:
        """Let go of what is too old to be answered even while its origin is away."""
        now = self._now()
        while self._stale and next(iter(self._stale.values()))[1] <= now:
            self._stale.popitem(last=False)

    async def close(self) -> None:
        """Close the connections to origins."""
        await self._origin.close()

    async def of_live(self, wanted: Wanted, live: LiveEntry) -> Entry:
        """Return a file of a live stream, or what is said instead."""
        key = f"{live.session_id}/{wanted.file}"
        entry = self._memory.find(key, self._now())
        if entry is not None:
            entry.visibility = live.visibility
            return entry
        if wanted.kind is Kind.REWIND:
            return await self._rewind(wanted, live, key)
        try:
            fetched, live = await self._ask_origin(wanted, live)
        except Unreachable as error:
            entry = await self._without_origin(wanted, live, key)
            if entry is None:
                raise
            self._counters.asked_origin("unreachable")
            self._complaints.note("origin unreachable", error)
            return entry
        if fetched.status == HTTPStatus.NOT_FOUND and wanted.kind in _STORED and self._archive is not None:
            entry = await self._from_store(wanted, live, key)
            if entry is not None:
                return entry
        entry, lifetime_s = self._judge_fetched(wanted, live, key, fetched)
        self._keep(wanted, entry, lifetime_s)
        return entry

    async def _ask_origin(self, wanted: Wanted, live: LiveEntry) -> tuple[Fetched, LiveEntry]:
        """Ask the origin; what may block anyway is asked again while the origin is away, until its deadline.

        A node that is started again goes on with its streams: who waited for the next part gets it then.
        """
        may_block = wanted.is_positioned or wanted.kind is Kind.PART
        until = self._now() + (BLOCKED_DEADLINE_S if may_block else PLAIN_DEADLINE_S)
        while True:
            url = f"{live.origin_url.rstrip('/')}/{live.session_id}/{wanted.file}"
            try:
                fetched = await self._origin.fetch(url, max(RETRY_S, until - self._now()))
            except Away:
                if not may_block or self._now() + RETRY_S >= until:
                    raise
                self._counters.asked_origin("away")
                await asyncio.sleep(RETRY_S)
                live = await self._locate(wanted) or live
            else:
                self._counters.asked_origin(str(fetched.status))
                return fetched, live

    async def _without_origin(self, wanted: Wanted, live: LiveEntry, key: str) -> Entry | None:
        """Return what can be answered while the origin is away."""
        stale, until = self._stale.get(key, (None, 0.0))
        if stale is not None and self._now() < until:
            stale.visibility = live.visibility
            self._keep_briefly(stale)
            return stale
        return await self._from_store(wanted, live, key) if wanted.kind in _STORED else None

    def _keep(self, wanted: Wanted, entry: Entry, lifetime_s: float) -> None:
        if lifetime_s <= 0:
            return
        self._memory.put(entry, lifetime_s, self._now())
        if wanted.kind in PLAYLISTS and not wanted.is_positioned and entry.status == HTTPStatus.OK:
            self._stale.pop(entry.key, None)
            self._stale[entry.key] = (entry, self._now() + STALE_S)
            if len(self._stale) > MAX_STALE:
                self._stale.popitem(last=False)

    def _keep_briefly(self, entry: Entry) -> None:
        """A crowd at the door of an origin that is away asks it a few times per second, not once each."""
        self._memory.put(entry, PLAIN_MEMORY_S, self._now())

    # The archive

    async def _rewind(self, wanted: Wanted, live: LiveEntry, key: str) -> Entry:
        holder = holder_of(live)
        if self._archive is None:
            return self._absent(wanted, holder, key)
        try:
            found = await self._archive.rewind(live.session_id, wanted.file)
        except Absent:
            return self._absent(wanted, holder, key)
        return self._filed(wanted, holder, key, found)

    async def _from_store(self, wanted: Wanted, live: LiveEntry, key: str) -> Entry | None:
        """Return a file of a live stream out of the object store; None when it is not there."""
        if self._archive is None:
            return None
        try:
            is_public = live.visibility == "public"
            found = await self._archive.stored_file(live.session_id, wanted.file, is_public=is_public)
        except Absent:
            return None
        return self._filed(wanted, holder_of(live), key, found)

    async def of_kept(self, wanted: Wanted, item: Shelved) -> Entry:
        """Return a file of a recording or clip, or its absence."""
        assert self._archive is not None, "nothing else finds items"
        key = f"{wanted.root}/{item.id}/{wanted.file}"
        entry = self._memory.find(key, self._now())
        if entry is not None:
            entry.visibility = item.visibility
            return entry
        holder = Holder(item.scope, item.visibility)
        try:
            found = await self._archive.of(item, wanted.file)
        except Absent:
            return self._absent(wanted, holder, key)
        return self._filed(wanted, holder, key, found)

    def _filed(self, wanted: Wanted, holder: Holder, key: str, found: Found) -> Entry:
        cache_control = found.cache_control
        if found.location:
            entry = make_redirect(wanted, holder, key, found.location, cache_control=cache_control, clock=self._clock)
        else:
            entry = make_entry(
                wanted,
                holder,
                key,
                found.body,
                content_type=found.content_type,
                cache_control=cache_control,
                clock=self._clock,
            )
        self._memory.put(entry, found.memory_s, self._now())
        return entry

    def _absent(self, wanted: Wanted, holder: Holder, key: str) -> Entry:
        entry = make_absence(wanted, holder, key, ErrorCode.NOT_FOUND, _NO_FILE)
        self._memory.put(entry, PLAIN_MEMORY_S, self._now())
        return entry

    # What the origin said

    def _judge_fetched(self, wanted: Wanted, live: LiveEntry, key: str, fetched: Fetched) -> tuple[Entry, float]:
        """Return the entry and how long memory may answer it."""
        holder = holder_of(live)
        match fetched.status:
            case HTTPStatus.OK:
                content_type = fetched.content_type or _DEFAULT_TYPES.get(wanted.kind, "video/mp4")
                cache_control = fetched.cache_control or SHORT_LIFE
                entry = make_entry(
                    wanted,
                    holder,
                    key,
                    fetched.body,
                    content_type=content_type,
                    cache_control=cache_control,
                    clock=self._clock,
                )
                return entry, min(_longest_memory_s(wanted), _max_age_s(cache_control))
            case HTTPStatus.NOT_FOUND:
                return make_absence(wanted, holder, key, ErrorCode.NOT_FOUND, _NO_FILE), PLAIN_MEMORY_S
            case HTTPStatus.BAD_REQUEST:
                return make_absence(wanted, holder, key, ErrorCode.INVALID_REQUEST, _BAD_POSITION), PLAIN_MEMORY_S
            case _:
                self._complaints.note("origin refused", fetched.status)
                return make_unavailable("the stream's server cannot answer right now"), 0.0


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
