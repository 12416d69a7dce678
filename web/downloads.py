"""Recordings and clips as MP4 files.

    GET /vods/{id}.mp4, /clips/{id}.mp4, and under a token (schemas/access.py): /vods/~{token}/{id}.mp4, ...

A clip that was made has its file in storage: it is read from there, with ranges. Everything else the storage process
puts together while it is sent (`POST /mp4`): of that nobody knows the length before its end.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec
import structlog
from aiohttp import hdrs, web

from config.objects.store import NoSuchObject, ObjectStore, StoreError
from schemas.access import Visibility
from schemas.errors import ApiError, ErrorCode
from schemas.ids import SessionId
from schemas.storage import Export, clip_prefix
from web.addresses import Root, scope_of
from web.services import SERVICES
from web.sources import tracks
from web.store import clips, vods
from web.store.clips import ClipRow

CONNECT_S: Final = 3.0
NEXT_CHUNK_S: Final = 60.0
"""Between two pieces of what the storage process puts together: it may have to wait for the bucket."""
STALLED_S: Final = 120.0
"""How long a client may take nothing at all."""
CHUNK_BYTES: Final = 1 << 20
"""Of one read of an object, and of one write."""
SIGNED_S: Final = 3600
"""How long an address of the bucket works: a slow client's download may be begun anew with it."""
RETRY_AFTER_MS: Final = 5_000
NAME_MAX: Final = 100
MP4: Final = "video/mp4"
FOR_A_WHILE: Final = "public, max-age=300"
"""Of a clip's file, which does not change but may be deleted."""
UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f"*/:<>?\\|]+')
"""What some file system or browser does not take in names."""
CLIENT = web.AppKey("storage client", aiohttp.ClientSession)
log = structlog.get_logger()


def add_to(app: web.Application) -> None:
    """Add the routes, and the client of the storage process."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=NEXT_CHUNK_S)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as client:
            app[CLIENT] = client
            yield

    app.cleanup_ctx.append(context)
    for path in ("/{name:[0-9a-z]+}.mp4", "/~{token:[A-Za-z0-9._-]+}/{name:[0-9a-z]+}.mp4"):
        app.router.add_get(f"/vods{path}", vod_file)
        app.router.add_get(f"/clips{path}", clip_file)


async def vod_file(request: web.Request) -> web.StreamResponse:
    """GET a recording that is ready."""
    services = request.app[SERVICES]
    row = await vods.find(services.pool, request.match_info["name"])
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such recording.")
    await _refuse_closed(request, "vods", row.id, row.visibility)
    if row.ready_at is None:
        raise ApiError(ErrorCode.CONFLICT, "This is still being recorded. Download it when the stream is over.")
    title = row.title or f"{row.channel_name} {row.started_at:%Y-%m-%d}"
    return await _export(request, title, row.object_prefix, row.session_id, None)


async def clip_file(request: web.Request) -> web.StreamResponse:
    """GET a clip, whatever its state."""
    services = request.app[SERVICES]
    row = await clips.find(services.pool, request.match_info["name"])
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such clip.")
    await _refuse_closed(request, "clips", row.id, row.visibility)
    title = row.title or f"{row.channel_name} {row.created_at:%Y-%m-%d}"
    if row.made is None:
        return await _export(request, title, row.object_prefix, row.session_id, (row.first_msn, row.last_msn))
    return await _made(request, row, row.made.mp4_name, row.made.mp4_size, title)


async def _refuse_closed(request: web.Request, root: Root, name: str, visibility: Visibility) -> None:
    if visibility == "public":
        return
    token = request.match_info.get("token", "")
    if not await request.app[SERVICES].access.verify(token, scope_of(root, name)):
        raise ApiError(ErrorCode.FORBIDDEN, "This address does not open it, or not any more. Open its page again.")


def disposition(title: str, *, kind: str) -> str:
    """Return the Content-Disposition of a file that is named after a title (RFC 6266)."""
    name = " ".join(UNSAFE.sub(" ", title).split()).strip(". ")[:NAME_MAX].rstrip(". ") or "video"
    plain = " ".join(name.encode("ascii", "ignore").decode().split()) or "video"
    return f"{kind}; filename=\"{plain}.mp4\"; filename*=UTF-8''{quote(name, safe='')}.mp4"


# --- a clip's own file ---------------------------------------------------------------------------------------


async def _made(request: web.Request, row: ClipRow, name: str, size: int, title: str) -> web.StreamResponse:
    stores = request.app[SERVICES].stores
    key = f"{clip_prefix(row.channel_id, row.id)}/{name}"
    if address := stores.address(key, SIGNED_S):
        return web.Response(
            status=HTTPStatus.FOUND, headers={hdrs.LOCATION: address, hdrs.CACHE_CONTROL: "private, no-store"}
        )
    etag = f'"{row.id}-{size}"'
    span = _range(request, etag, size)
    if span is None:
        headers = {hdrs.CONTENT_RANGE: f"bytes */{size}"}
        return web.Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    first, last = span
    is_part = (first, last) != (0, size - 1)
    response = web.StreamResponse(status=HTTPStatus.PARTIAL_CONTENT if is_part else HTTPStatus.OK)
    response.content_type = MP4
    response.content_length = last - first + 1
    response.headers[hdrs.ETAG] = etag
    response.headers[hdrs.ACCEPT_RANGES] = "bytes"
    response.headers[hdrs.CACHE_CONTROL] = FOR_A_WHILE
    response.headers[hdrs.CONTENT_DISPOSITION] = disposition(title, kind="inline")
    if is_part:
        response.headers[hdrs.CONTENT_RANGE] = f"bytes {first}-{last}/{size}"
    await _send_object(request, response, stores.of(key), key, (first, last))
    return response


def _range(request: web.Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte that are asked for (RFC 9110, 14.2): all for what is no range, None beyond."""
    if request.headers.get(hdrs.IF_RANGE, etag) != etag:
        return 0, size - 1
    try:
        asked = request.http_range
    except ValueError:
        return 0, size - 1
    first = asked.start or 0
    if first < 0:
        first = max(0, size + first)
    if first >= size:
        return None
    return first, min(size, asked.stop or size) - 1


async def _send_object(
    request: web.Request, response: web.StreamResponse, store: ObjectStore, key: str, span: tuple[int, int]
) -> None:
    """Send a part of an object. Raises UNAVAILABLE before the first byte; later the connection breaks."""
    first, last = span
    try:
        chunk = await store.get(key, first, min(last, first + CHUNK_BYTES - 1))
    except NoSuchObject:
        raise ApiError(ErrorCode.NOT_FOUND, "This file is not in storage any more.") from None
    except StoreError as error:
        request.app[SERVICES].troubles.note("downloads: storage", error)
        raise _away() from error
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return
    with _broken_off(request):
        await _write(response, chunk)
        for at in range(first + CHUNK_BYTES, last + 1, CHUNK_BYTES):
            await _write(response, await store.get(key, at, min(last, at + CHUNK_BYTES - 1)))
        await response.write_eof()


# --- what the storage process puts together --------------------------------------------------------------------


async def _export(
    request: web.Request, title: str, prefix: str, session: SessionId, msns: tuple[int, int] | None
) -> web.StreamResponse:
    services = request.app[SERVICES]
    response = web.StreamResponse()
    response.content_type = MP4
    response.headers[hdrs.CACHE_CONTROL] = "private, no-store"
    response.headers[hdrs.CONTENT_DISPOSITION] = disposition(title, kind="attachment")
    if request.method == hdrs.METH_HEAD:
        await response.prepare(request)
        return response
    sources = await tracks(services.pool, prefix, session, msns, is_best_only=True)
    if not sources:
        raise ApiError(ErrorCode.NOT_FOUND, "Nothing of this is in storage.")
    url = f"{services.settings.storage_base_url.rstrip('/')}/mp4"
    body = msgspec.json.encode(Export(title, sources))
    try:
        async with request.app[CLIENT].post(url, data=body, headers={hdrs.CONTENT_TYPE: "application/json"}) as made:
            await _refuse_failed(made)
            await response.prepare(request)
            with _broken_off(request):
                async for chunk in made.content.iter_chunked(CHUNK_BYTES):
                    await _write(response, chunk)
                await response.write_eof()
    except (aiohttp.ClientError, TimeoutError) as error:
        services.troubles.note("downloads: storage process", error)
        raise _away() from error
    return response


async def _refuse_failed(made: aiohttp.ClientResponse) -> None:
    if made.status == HTTPStatus.OK:
        return
    log.warning("download refused", status=made.status)
    if made.status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise _away()
    raise ApiError(ErrorCode.INTERNAL_ERROR, "This can't be made into a file.")


def _away() -> ApiError:
    message = "The storage does not answer, or makes too many files just now. Try again."
    return ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(STALLED_S):
        await response.write(data)


@contextlib.contextmanager
def _broken_off(request: web.Request) -> Iterator[None]:
    """Once an answer has begun: what fails breaks the connection, for a file that ends early must not look whole."""
    try:
        yield
    except (StoreError, aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        request.app[SERVICES].troubles.note("downloads: broken off", error)
        if request.transport is not None:
            request.transport.abort()
