"""What is on right now, as a small picture: the newest thumbnail of a live stream, fetched from its node.

Kept for some seconds and fetched once for all who ask, so that a page full of cards costs a node nothing.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs, web

from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from web.calls import NAME
from web.hls.origin import OriginClient, Unreachable
from web.hls.registry import Registry, Unavailable
from web.services import SERVICES

ROUTE: Final = "/thumbnails/{channel}.jpg"
FILE: Final = "thumbnail.jpg"
BUCKET_S: Final = 10
"""A new thumbnail is made this often; the URL changes as often, so that browsers fetch it."""
FRESH_S: Final = 5.0
MISSING_S: Final = 2.0
"""A stream without a thumbnail has one soon."""
FETCH_DEADLINE_S: Final = 3.0
MAX_BYTES: Final = 512 * 1024
MAX_KEPT: Final = 512
"""Thumbnails in memory, some 40 KB each; beyond it the oldest goes."""
MAX_FETCHES: Final = 64
"""Under way to nodes at once; beyond it one is asked to come back."""
RETRY_AFTER_MS: Final = 2_000
HEADERS: Final = {hdrs.CACHE_CONTROL: f"public, max-age={BUCKET_S}", "Cross-Origin-Resource-Policy": "cross-origin"}


class Thumbnail(msgspec.Struct, frozen=True):
    """A JPEG with its tag, or that there is none; believed until `fresh_until`."""

    body: bytes
    etag: str
    fresh_until: float


def url_of(channel: ChannelId, now_s: float) -> str:
    """Return where the thumbnail of a live channel is at this time of day."""
    return f"/thumbnails/{channel}.jpg?at={int(now_s) // BUCKET_S}"


class Thumbnails:
    """One per web process. `now` is a monotonic clock in seconds."""

    def __init__(self, registry: Registry, origin: OriginClient, now: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._origin = origin
        self._now = now
        self._kept: dict[str, Thumbnail] = {}
        self._fetches: dict[str, asyncio.Task[Thumbnail]] = {}

    async def find(self, channel: str) -> Thumbnail | None:
        """Return the thumbnail of a live channel that everybody may watch, by id or name.

        Raises `Unavailable`, `Unreachable`. Who may watch another one finds its picture beside its media, behind a
        token.
        """
        entry = await self._registry.find_channel(channel)
        if entry is None or entry.visibility != "public":
            return None
        session = entry.session_id
        kept = self._kept.get(session)
        if kept is not None and self._now() < kept.fresh_until:
            return kept if kept.body else None
        fetch = self._fetches.get(session)
        if fetch is None:
            if len(self._fetches) >= MAX_FETCHES:
                raise Unavailable(f"{MAX_FETCHES} thumbnails are being fetched")
            url = f"{entry.origin_url.rstrip('/')}/{session}/{FILE}"
            fetch = self._fetches[session] = asyncio.create_task(self._fetch(url, session), name=f"thumbnail {session}")
            fetch.add_done_callback(lambda done: self._landed(session, done))
        # shielded: one visitor's leaving must not end the fetch of the others
        fetched = await asyncio.shield(fetch)
        return fetched if fetched.body else None

    async def _fetch(self, url: str, session: str) -> Thumbnail:
        answer = await self._origin.fetch(url, FETCH_DEADLINE_S)
        if answer.status == HTTPStatus.OK and len(answer.body) <= MAX_BYTES:
            tag = f'"{hashlib.sha256(answer.body).hexdigest()[:24]}"'
            found = Thumbnail(answer.body, tag, self._now() + FRESH_S)
        elif answer.status == HTTPStatus.NOT_FOUND:
            found = Thumbnail(b"", "", self._now() + MISSING_S)
        else:
            raise Unreachable(f"status {answer.status}, {len(answer.body)} bytes")
        self._kept.pop(session, None)
        self._kept[session] = found
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        return found

    def _landed(self, session: str, fetch: asyncio.Task[Thumbnail]) -> None:
        del self._fetches[session]
        if not fetch.cancelled():
            fetch.exception()  # seen, also when all who waited have left

    async def close(self) -> None:
        """End what is under way."""
        fetches = list(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)


THUMBNAILS = web.AppKey("thumbnails", Thumbnails)


def add_to(app: web.Application) -> None:
    """Add the route, and what it needs while the application runs."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        registry, origin = Registry(app[SERVICES].redis), OriginClient()
        thumbnails = app[THUMBNAILS] = Thumbnails(registry, origin)
        yield
        await thumbnails.close()
        await registry.close()
        await origin.close()

    app.cleanup_ctx.append(context)
    app.router.add_get(ROUTE, thumbnail, name="thumbnail")


async def thumbnail(request: web.Request) -> web.Response:
    """GET thumbnails/{channel}.jpg."""
    channel = request.match_info["channel"]
    try:
        found = await request.app[THUMBNAILS].find(channel.lower()) if NAME.fullmatch(channel) else None
    except (Unavailable, Unreachable) as error:
        request.app[SERVICES].troubles.note("thumbnails", error)
        message = "The stream's server does not answer. Try again."
        raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS) from error
    if found is None:
        raise ApiError(ErrorCode.NOT_FOUND, "This channel shows no picture now.")
    headers = {**HEADERS, hdrs.ETAG: found.etag}
    given = request.headers.get(hdrs.IF_NONE_MATCH, "")
    if found.etag in {tag.strip().removeprefix("W/") for tag in given.split(",")}:
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=found.body, content_type="image/jpeg", headers=headers)
