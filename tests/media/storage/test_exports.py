"""Downloads as the storage process makes them, over real connections."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from config.objects.files import FileStore
from config.objects.store import ObjectStore, StoreUnavailable
from media.storage import exports
from media.storage.exports import BadRequest, add_to, read_export
from schemas.storage import Export, SourceTrack
from tests.media.material import aac, h264
from tests.media.mp4.stored import Stored, decode, play, store

services = pytest.mark.services

SHORT = store(play(h264(3), aac(3)))


class Stores:
    """One store for all keys, that may be away and counts."""

    def __init__(self, kept: ObjectStore) -> None:
        self._kept = kept
        self.asked: list[str] = []
        self.left = 1 << 30
        """How many more objects it gives out."""
        self.is_holding = asyncio.Event()
        self.is_holding.set()

    def of(self, key: str) -> ObjectStore:
        return self  # type: ignore[return-value]  # only `get` is asked for

    async def get(self, key: str, first: int = 0, last: int | None = None) -> bytes:
        self.asked.append(key)
        if self.left <= 0:
            raise StoreUnavailable("away")
        self.left -= 1
        await self.is_holding.wait()
        return await self._kept.get(key, first, last)


Serve = Callable[[Stored], Awaitable[tuple[Stores, str]]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Return a function that puts objects into a store and serves exports of it."""
    servers: list[TestServer] = []
    kept = FileStore(tmp_path / "objects")

    async def start(stored: Stored) -> tuple[Stores, str]:
        for key, data in stored.objects.items():
            await kept.put(key, data, content_type="video/mp4")
        app, stores = web.Application(), Stores(kept)
        add_to(app, stores)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        return stores, str(servers[-1].make_url("/mp4"))

    yield start
    for server in servers:
        await server.close()
    await kept.close()


def body(tracks: list[SourceTrack], title: str = "A title") -> bytes:
    return msgspec.json.encode(Export(title, tracks))


@services
async def test_a_download_is_a_whole_file(serve: Serve, tmp_path: Path) -> None:
    _, url = await serve(SHORT)
    async with aiohttp.ClientSession() as http, http.post(url, data=body(SHORT.tracks)) as response:
        assert response.status == 200
        assert response.content_type == "video/mp4"
        (tmp_path / "out.mp4").write_bytes(await response.read())
    found = decode(tmp_path / "out.mp4")
    assert found.complaints == []
    assert len(found.pictures) == 90


@services
async def test_an_object_that_is_gone_is_a_hole_in_its_track(serve: Serve, tmp_path: Path) -> None:
    stored = store(play(h264(6), aac(6)))
    (lost,) = [key for key in stored.objects if key.endswith("video-1.m4s")]
    _, url = await serve(Stored({key: data for key, data in stored.objects.items() if key != lost}, []))
    async with aiohttp.ClientSession() as http, http.post(url, data=body(stored.tracks)) as response:
        (tmp_path / "out.mp4").write_bytes(await response.read())
    found = decode(tmp_path / "out.mp4")
    assert found.complaints == []
    assert len(found.pictures) == 180 - 60
    assert found.pictures[60] == pytest.approx(4.0, abs=0.001)
    assert found.sounds[-1] == pytest.approx(6.0, abs=0.05)


@services
async def test_a_store_that_fails_in_the_middle_breaks_the_connection(serve: Serve) -> None:
    stores, url = await serve(SHORT)
    stores.left = 2 + 2  # the initialization sections, and two segments
    async with aiohttp.ClientSession() as http, http.post(url, data=body(SHORT.tracks)) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@services
@pytest.mark.parametrize("left", [0, 2])
async def test_a_store_that_is_away_is_said_before_the_first_byte(left: int, serve: Serve) -> None:
    stores, url = await serve(SHORT)
    stores.left = left
    async with aiohttp.ClientSession() as http, http.post(url, data=body(SHORT.tracks)) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
        assert (await response.text()).endswith(".")


@services
async def test_objects_that_are_missing_or_foreign_are_a_bad_gateway(serve: Serve) -> None:
    foreign = {key: b"<html>" + data if key.endswith("video-0.m4s") else data for key, data in SHORT.objects.items()}
    missing = {key: data for key, data in SHORT.objects.items() if "audio-init" not in key}
    for objects in (missing, foreign):
        _, url = await serve(Stored(objects, []))
        async with aiohttp.ClientSession() as http, http.post(url, data=body(SHORT.tracks)) as response:
            assert response.status == 502


@services
async def test_one_too_many_is_asked_to_come_back(serve: Serve) -> None:
    stores, url = await serve(SHORT)
    stores.is_holding.clear()
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_status(http, url)) for _ in range(exports.MAX_EXPORTS)]
        while len(stores.asked) < 2 * exports.MAX_EXPORTS:
            await asyncio.sleep(0.01)
        async with http.post(url, data=body(SHORT.tracks)) as response:
            assert response.status == 503
            assert await response.text() == exports.BUSY
        stores.is_holding.set()
    assert [task.result() for task in running] == [200] * exports.MAX_EXPORTS


async def _status(http: aiohttp.ClientSession, url: str) -> int:
    async with http.post(url, data=body(SHORT.tracks)) as response:
        await response.read()
        return response.status


def long_tracks() -> list[SourceTrack]:
    """Return 8,000 segments, which are all the same object."""
    return [
        msgspec.structs.replace(
            track, segments=[msgspec.structs.replace(track.segments[0], msn=number) for number in range(4000)]
        )
        for track in SHORT.tracks
    ]


@services
async def test_nothing_is_fetched_for_a_client_that_has_left(serve: Serve) -> None:
    tracks = long_tracks()
    stores, url = await serve(SHORT)
    async with aiohttp.ClientSession() as http:
        response = await http.post(url, data=io.BytesIO(body(tracks)))
        assert response.status == 200
        await response.content.readexactly(100)
        response.close()
    before = -1
    while before != len(stores.asked):  # until it is quiet
        before = len(stores.asked)
        await asyncio.sleep(0.2)
    assert before < 4000  # of 8,000


@services
async def test_a_client_that_reads_nothing_makes_nobody_fetch(serve: Serve) -> None:
    tracks = long_tracks()
    stores, url = await serve(SHORT)
    async with aiohttp.ClientSession() as http:
        response = await http.post(url, data=io.BytesIO(body(tracks)))
        assert response.status == 200
        before = -1
        while before != len(stores.asked):
            before = len(stores.asked)
            await asyncio.sleep(0.2)
        assert before < 4000
        response.close()


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{}",
        b'{"title": "", "tracks": [], "more": 1}',
        msgspec.json.encode(Export("", [])),
        msgspec.json.encode(Export("", [SHORT.tracks[0], SHORT.tracks[0]])),
        msgspec.json.encode(Export("", [SourceTrack("video", "video", [])])),
    ],
)
def test_what_is_no_export_is_a_bad_request(wrong: bytes) -> None:
    with pytest.raises(BadRequest):
        read_export(wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"key": "../../etc/passwd"},
        {"key": ""},
        {"init_key": "/etc/passwd"},
        {"size": 0},
        {"size": exports.MAX_SEGMENT_BYTES + 1},
        {"start_s": -1.0},
        {"msn": 1_000_000},
    ],
)
def test_a_segment_that_cannot_be_is_a_bad_request(change: dict[str, object]) -> None:
    track = SHORT.tracks[0]
    wrong = msgspec.structs.replace(track.segments[0], **change)
    with pytest.raises(BadRequest):
        read_export(body([msgspec.structs.replace(track, segments=[wrong, *track.segments[1:]])]))
