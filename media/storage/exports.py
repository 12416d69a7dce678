"""POST /mp4: stored segments as one MP4, streamed; for web alone, which hands it on to a viewer.

Nothing of it is kept: a few segments are fetched ahead, noted and sent. What fails before the first byte is an answer
with a sentence; what fails later breaks the connection, for a file that ends early must not look whole.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from itertools import pairwise
from typing import Protocol

import msgspec
import structlog
from aiohttp import web

from config.objects.keys import checked
from config.objects.store import NoSuchObject, ObjectStore, StoreError
from media.mp4.atoms import BadMedia
from media.mp4.segments import TrackInit, read_init
from media.mp4.streamed import Piece, StreamedMovie
from schemas.storage import Export, SourceSegment, SourceTrack

MAX_EXPORTS = 4
"""At a time: each takes its share of the way to the store, which uploads need too."""
RETRY_S = 20
MAX_BODY_BYTES = 32 << 20
"""Of a request; 12 h of two tracks are 11 MB."""
BODY_S = 30.0
MAX_SEGMENTS = 200_000
"""Of all tracks; four days in segments of 4 s."""
MAX_SEGMENT_BYTES = 256 << 20
MAX_INITS = 2_000
"""Initialization sections of all tracks; each change of a publisher's encoder makes one."""
MAX_INIT_BYTES = 64 << 10
AHEAD = 3
"""Segments on their way from the store while one is sent, and initialization sections fetched together."""
AHEAD_BYTES = 48 << 20
"""What those may be together, unless it is a single one."""
STALLED_S = 120.0
"""How long a client may take nothing at all."""
BUSY = "Too many downloads are being made at the moment."

log = structlog.get_logger()


class StoresLike(Protocol):
    """What is needed of `config.objects.opening.Stores`."""

    def of(self, key: str) -> ObjectStore:
        """Return the store of a key."""


class Source(msgspec.Struct, frozen=True):
    """An object and how many bytes it may have."""

    key: str
    size: int


class BadRequest(Exception):
    """The text says what is wrong with an export; web's fault."""


def add_to(app: web.Application, stores: StoresLike) -> None:
    """Answer POST /mp4 from these stores."""
    app.router.add_post("/mp4", Exporter(stores).answer)


class Exporter:
    """Makes a few files at a time."""

    def __init__(self, stores: StoresLike) -> None:
        self.running = 0
        self._stores = stores

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if self.running >= MAX_EXPORTS:
            return web.Response(status=503, text=BUSY, headers={"Retry-After": str(RETRY_S)})
        self.running += 1
        try:
            return await self._answer(request)
        finally:
            self.running -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            export = read_export(await _body(request))
        except BadRequest as error:
            return web.Response(status=400, text=str(error))
        async with contextlib.AsyncExitStack() as stack:
            try:
                inits = await self._inits(export.tracks)
                movie = StreamedMovie(export.tracks, inits, title=export.title, created_s=int(time.time()))
                segments = await stack.enter_async_context(contextlib.aclosing(self._segments(movie.pieces)))
                first = await anext(segments)  # after it most of what can be wrong with a store is known
                if first is None:
                    raise NoSuchObject(movie.pieces[0].segment.key)
                begin = movie.head() + movie.take(first)
            except (BadMedia, StoreError) as error:
                log.warning("export refused", title=export.title, reason=str(error))
                return _failure(error)
            response = web.StreamResponse(headers={"Content-Type": "video/mp4", "Cache-Control": "no-store"})
            response.enable_chunked_encoding()
            await response.prepare(request)
            await _send(request, response, begin, movie, segments)
            return response

    async def _inits(self, tracks: Sequence[SourceTrack]) -> dict[str, TrackInit]:
        keys = list(dict.fromkeys(segment.init_key for track in tracks for segment in _present(track)))
        if len(keys) > MAX_INITS:
            raise BadMedia(f"{len(keys)} initialization sections")
        sources = [Source(key, MAX_INIT_BYTES) for key in keys]
        async with contextlib.aclosing(self._fetched(sources)) as found:
            return {source.key: read_init(_there(source, data)) async for source, data in found}

    async def _segments(self, pieces: Sequence[Piece]) -> AsyncGenerator[bytes | None, None]:
        """Yield the segments; None for one that is not in storage any more."""
        sources = [Source(piece.segment.key, piece.segment.size) for piece in pieces]
        async with contextlib.aclosing(self._fetched(sources)) as found:
            async for _, data in found:
                yield data

    async def _fetched(self, sources: Sequence[Source]) -> AsyncGenerator[tuple[Source, bytes | None], None]:
        """Yield what is asked for in its order, while the next ones are already on their way."""
        todo, coming = deque(sources), deque[tuple[Source, asyncio.Task[bytes | None]]]()
        coming_bytes = 0
        try:
            while todo or coming:
                while todo and len(coming) < AHEAD and (not coming or coming_bytes + todo[0].size <= AHEAD_BYTES):
                    source = todo.popleft()
                    coming.append((source, asyncio.create_task(self._fetch(source), name=f"fetch {source.key}")))
                    coming_bytes += source.size
                source, task = coming[0]
                data = await task
                coming.popleft()
                coming_bytes -= source.size
                yield source, data
        finally:
            for _, task in coming:
                task.cancel()
            await asyncio.gather(*(task for _, task in coming), return_exceptions=True)

    async def _fetch(self, source: Source) -> bytes | None:
        """Return up to one byte more than announced: a longer object is not what it is said to be. None: it is gone."""
        try:
            return await self._stores.of(source.key).get(source.key, 0, source.size)
        except NoSuchObject:
            log.error("object missing", key=source.key)
            return None


def _there(source: Source, data: bytes | None) -> bytes:
    if data is None:
        raise NoSuchObject(source.key)
    return data


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    begin: bytes,
    movie: StreamedMovie,
    segments: AsyncIterator[bytes | None],
) -> None:
    try:
        await _write(response, begin)
        async for data in segments:
            await _write(response, movie.skip() if data is None else movie.take(data))
        await _write(response, movie.tail())
        await response.write_eof()
    except (StoreError, BadMedia) as error:
        log.warning("export broken off", reason=str(error))
        _break(request)
    except (ConnectionError, TimeoutError):
        log.info("export left by its client")
        _break(request)


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(STALLED_S):
        await response.write(data)


def _break(request: web.Request) -> None:
    """Close without the last chunk (RFC 9112, 7.1): whoever reads knows that something is missing."""
    if request.transport is not None:
        request.transport.abort()


def _failure(error: BadMedia | StoreError) -> web.Response:
    match error:
        case BadMedia():
            return web.Response(status=502, text="The recording cannot be read.")
        case NoSuchObject():
            return web.Response(status=502, text="A part of the recording is not in storage.")
    return web.Response(status=503, text="The storage does not answer.", headers={"Retry-After": str(RETRY_S)})


# --- the request --------------------------------------------------------------------------------------------


async def _body(request: web.Request) -> bytes:
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.content.iter_any():
                found += chunk
                if len(found) > MAX_BODY_BYTES:
                    raise BadRequest(f"The body has more than {MAX_BODY_BYTES} bytes.")
    except TimeoutError as error:
        raise BadRequest(f"The body did not come within {BODY_S:g} s.") from error
    return bytes(found)


def read_export(body: bytes) -> Export:
    """Return what is asked for. Raises `BadRequest`."""
    try:
        export = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise BadRequest(f"The body is no export: {error}.") from error
    kinds = [track.kind for track in export.tracks]
    if not kinds or len(set(kinds)) < len(kinds):
        raise BadRequest("An export has one or two tracks, at most one of each kind.")
    if sum(len(track.segments) for track in export.tracks) > MAX_SEGMENTS:
        raise BadRequest(f"An export has at most {MAX_SEGMENTS} segments.")
    for track in export.tracks:
        _check(track)
    return export


def _check(track: SourceTrack) -> None:
    if not _present(track):
        raise BadRequest(f"Rendition {track.rendition} has no media.")
    try:
        for segment in _present(track):
            checked(segment.key)
            checked(segment.init_key)
    except ValueError as error:
        raise BadRequest(f"Rendition {track.rendition}: {error}.") from error
    if not all(0 < segment.size <= MAX_SEGMENT_BYTES for segment in _present(track)):
        raise BadRequest(f"Rendition {track.rendition} has a segment of a size that cannot be.")
    if not all(0 <= segment.start_s < math.inf and 0 <= segment.duration_s < math.inf for segment in track.segments):
        raise BadRequest(f"Rendition {track.rendition} has a segment at a time that cannot be.")
    if any(after.msn <= before.msn for before, after in pairwise(track.segments)):
        raise BadRequest(f"Rendition {track.rendition} has segments out of order.")


def _present(track: SourceTrack) -> list[SourceSegment]:
    return [segment for segment in track.segments if not segment.is_gap]


_decoder = msgspec.json.Decoder(Export)
