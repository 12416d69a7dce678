"""Recordings and clips as MP4 files, put together by the storage process's own code or read from the store."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from media.storage import exports
from schemas.ids import ChannelId, ClipId
from schemas.storage import ClipMade, InitStored, SegmentStored, clip_prefix, session_prefix
from tests.media.material import aac, h264
from tests.media.mp4.stored import decode, play, store
from tests.web.site import Person, Site
from tests.web.store.events import started
from tests.web.store.events import stored as stored_event
from tests.web.stored import Stored
from web.downloads import disposition
from web.store import clips
from web.store.arrivals import SessionEvent

NUMBER = re.compile(r"-init-(\d+)\.mp4$")
SHORT = store(play(h264(3), aac(3)))
services = pytest.mark.services
CLIP = b"".join(bytes([number % 251]) * 1000 for number in range(2500))
"""A clip's file of 2.5 MB, in which every place can be told from its neighbours."""


@pytest.fixture
async def storage(site: Site) -> AsyncIterator[TestServer]:
    """What the storage process answers of exports, at the address where web looks for it."""
    app = web.Application()
    exports.add_to(app, site.running.services.stores)
    server = TestServer(app, host=site.settings.storage_host, port=site.settings.storage_port)
    await server.start_server()
    yield server
    await server.close()


async def _record(site: Site, **settings: object) -> tuple[Stored, str]:
    """Record a stream of 3 s, all of it in the store."""
    alice = await site.person("alice")
    await site.channel("news", alice, title='Storm: "Älva" / part 1')
    key = await site.key("news", alice)
    await site.data("PATCH", "/channels/news", settings, who=alice)
    channel, session = await site.go_live(key)
    made = Stored(site, alice, ChannelId(channel), session, key)
    prefix = session_prefix(made.channel, session, is_recorded=True)
    keep = site.running.services.stores.of(prefix)
    for name, data in SHORT.objects.items():
        await keep.put(f"{prefix}/{name.rpartition('/')[2]}", data, content_type="video/mp4")
    events: list[SessionEvent] = [started(session, made.channel)]
    for track in SHORT.tracks:
        numbers = [int(NUMBER.findall(one.init_key)[0]) for one in track.segments]
        events += [InitStored(session, track.rendition, number, track.kind, "?", 1) for number in set(numbers)]
        events += [
            SegmentStored(session, track.rendition, one.msn, number, one.start_s, one.duration_s, 0, one.size, "00")
            for one, number in zip(track.segments, numbers, strict=True)
        ]
    await made.tell(*events)
    return made, await made.vod()


async def _finish(made: Stored) -> None:
    await made.site.heartbeat()
    await made.site.unpublish(made.session)
    await made.tell(stored_event(made.session, {track.rendition: len(track.segments) for track in SHORT.tracks}))


async def _clip(made: Stored, who: Person) -> str:
    body = {"channelId": made.channel, "startMs": 0, "endMs": 2_000, "title": "What a goal"}
    return str((await made.site.data("POST", "/clips", body, who=who))["id"])


async def _made_clip(site: Site) -> tuple[str, str]:
    """Return the address of a clip whose file is in the store, and the file's key."""
    made, _ = await _record(site)
    clip = ClipId(await _clip(made, made.alice))
    key = f"{clip_prefix(made.channel, clip)}/clip.mp4"
    await site.running.services.stores.of(key).put(key, CLIP, content_type="video/mp4")
    async with site.running.services.pool.acquire() as connection, connection.transaction():
        await clips.note_made(connection, ClipMade(clip, [], "clip.mp4", len(CLIP), "clip.jpg", 1, 2.0))
    return f"{site.base}/clips/{clip}.mp4", key


@services
async def test_a_recording_is_downloaded_under_its_title(site: Site, storage: TestServer, tmp_path: Path) -> None:
    made, vod = await _record(site)
    async with site.client.get(f"{site.base}/vods/{vod}.mp4") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (409, "CONFLICT")
    await _finish(made)
    url = site.base + (await site.data("GET", f"/vods/{vod}"))["downloadUrl"]
    async with site.client.get(url) as response:
        assert (response.status, response.content_type) == (200, "video/mp4")
        named = response.headers["Content-Disposition"]
        assert (
            named == "attachment; filename=\"Storm lva part 1.mp4\"; filename*=UTF-8''Storm%20%C3%84lva%20part%201.mp4"
        )
        path = tmp_path / "download.mp4"
        path.write_bytes(await response.read())
    decoded = decode(path)
    assert len(decoded.pictures) == 90
    assert decoded.complaints == []
    async with site.client.head(url) as response:
        assert (response.status, response.headers["Content-Disposition"]) == (200, named)


@services
async def test_what_is_not_public_is_downloaded_with_its_token_only(site: Site, storage: TestServer) -> None:
    made, vod = await _record(site, vodVisibility="private")
    await _finish(made)
    path = (await site.data("GET", f"/vods/{vod}", who=made.alice))["downloadUrl"]
    assert path.startswith("/vods/~")
    expected = {path: 200, f"/vods/{vod}.mp4": 403, path.replace("~", "~0"): 403, "/vods/nowhere.mp4": 404}
    for address, status in expected.items():
        async with site.client.get(site.base + address) as response:
            assert response.status == status, address


@services
async def test_a_clip_that_is_not_made_yet_is_put_together(site: Site, storage: TestServer, tmp_path: Path) -> None:
    made, _ = await _record(site)
    clip = await _clip(made, made.alice)
    async with site.client.get(f"{site.base}/clips/{clip}.mp4") as response:
        assert response.status == 200
        path = tmp_path / "clip.mp4"
        path.write_bytes(await response.read())
    decoded = decode(path)
    assert len(decoded.pictures) == 60  # whole segments until its edges are made
    assert decoded.complaints == []


@services
async def test_without_a_storage_process_a_download_is_to_be_tried_again(site: Site) -> None:
    made, vod = await _record(site)
    await _finish(made)
    async with site.client.get(f"{site.base}/vods/{vod}.mp4") as response:
        answer = await response.json()
        assert (response.status, answer["error"]["code"]) == (503, "UNAVAILABLE")
        assert "Retry-After" in response.headers


@services
async def test_a_download_that_breaks_off_does_not_look_whole(site: Site, storage: TestServer) -> None:
    made, vod = await _record(site)
    await _finish(made)
    prefix = session_prefix(made.channel, made.session, is_recorded=True)
    last = SHORT.track("video").segments[-1].key.rpartition("/")[2]
    await site.running.services.stores.of(prefix).put(f"{prefix}/{last}", b"torn", content_type="video/mp4")
    async with site.client.get(f"{site.base}/vods/{vod}.mp4") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@services
async def test_the_storage_process_is_left_when_the_client_leaves(site: Site) -> None:
    made, vod = await _record(site)
    await _finish(made)
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 100_000)
        finally:
            left.set()

    app = web.Application()
    app.router.add_post("/mp4", endless)
    server = TestServer(app, host=site.settings.storage_host, port=site.settings.storage_port)
    await server.start_server()
    try:
        async with site.client.get(f"{site.base}/vods/{vod}.mp4") as response:
            assert await response.content.readexactly(1_000)
            response.close()
        async with asyncio.timeout(20):
            await left.wait()
    finally:
        await server.close()


@services
async def test_a_made_clip_is_read_from_the_store_by_ranges(site: Site) -> None:
    url, key = await _made_clip(site)
    async with site.client.get(url) as response:
        assert (response.status, await response.read()) == (200, CLIP)
        etag = response.headers["ETag"]
        assert response.headers["Content-Disposition"].startswith('inline; filename="What a goal.mp4"')
    size = len(CLIP)
    for asked, first, last in (
        ("bytes=0-99", 0, 99),
        ("bytes=1048000-2098000", 1_048_000, 2_098_000),
        ("bytes=2499990-", 2_499_990, size - 1),
        ("bytes=-7", size - 7, size - 1),
        ("bytes=5-99999999", 5, size - 1),
    ):
        async with site.client.get(url, headers={"Range": asked, "If-Range": etag}) as response:
            assert (response.status, response.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{size}")
            assert await response.read() == CLIP[first : last + 1]
    for asked, given, status in (("bytes=9999999-", etag, 416), ("bytes=0-9", '"old"', 200), ("nonsense", etag, 200)):
        async with site.client.get(url, headers={"Range": asked, "If-Range": given}) as response:
            assert response.status == status
    async with site.client.head(url) as response:
        assert (response.status, response.content_length, await response.read()) == (200, size, b"")
    await site.running.services.stores.of(key).delete([key])
    async with site.client.get(url) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("../../etc/passwd", "etc passwd"),
        ('a"; filename="b', "a ; filename= b"),
        ("line\r\nSet-Cookie: x", "line Set-Cookie x"),
        ("...", "video"),
        ("日本", "video"),
        ("x" * 300, "x" * 100),
    ],
)
def test_titles_become_names_that_no_system_minds(title: str, plain: str) -> None:
    named = disposition(title, kind="attachment")
    assert named.startswith(f'attachment; filename="{plain}.mp4"; filename*=UTF-8')
    assert named.isascii()
    assert named.isprintable()
