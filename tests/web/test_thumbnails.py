"""Thumbnails through a whole web process, real Redis and an origin."""

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from multidict import CIMultiDictProxy

from schemas.access import Visibility
from schemas.ids import ChannelId, make_id
from tests.web.hls.origin_app import OriginApp, registry_writes
from tests.web.site import Site, health
from web import thumbnails
from web.app import Part, public_app
from web.hls.origin import Fetched, OriginClient, Unreachable
from web.hls.registry import Registry, Unavailable
from web.thumbnails import Thumbnails, url_of

pytestmark = pytest.mark.services
JPEG = b"\xff\xd8\xff not a whole picture"


@pytest.fixture
async def origin() -> AsyncIterator[OriginApp]:
    made = OriginApp()
    made.extra["thumbnail.jpg"] = JPEG
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is believed for longer than it takes."""
    monkeypatch.setattr(thumbnails, "FRESH_S", 0.0)
    monkeypatch.setattr(thumbnails, "MISSING_S", 0.0)


async def go_live(
    site: Site,
    origin: OriginApp,
    session: str = "s1",
    channel: str = "c1",
    name: str = "demo",
    visibility: Visibility = "public",
) -> None:
    origin.add_session(session)
    entry = msgspec.structs.replace(origin.entry(session, channel, name), visibility=visibility)
    for key, value in registry_writes(entry, msgspec.json.encode(entry)).items():
        await site.running.services.redis.set(key, value, px=15_000)


async def get(
    site: Site, channel: str, *, method: str = "GET", tag: str = ""
) -> tuple[int, CIMultiDictProxy[str], bytes]:
    headers = {"If-None-Match": tag} if tag else {}
    async with site.client.request(method, f"{site.base}/thumbnails/{channel}.jpg", headers=headers) as response:
        return response.status, response.headers, await response.read()


async def test_a_stream_that_is_not_public_shows_nothing(site: Site, origin: OriginApp) -> None:
    await go_live(site, origin, visibility="followers")
    assert (await get(site, "demo"))[0] == 404
    assert origin.requests.total() == 0


async def test_a_live_channel_has_a_thumbnail_by_id_and_name(site: Site, origin: OriginApp) -> None:
    await go_live(site, origin)
    for channel in ("c1", "demo", "DEMO"):
        status, headers, body = await get(site, channel)
        assert (status, body) == (200, JPEG)
        assert headers["Content-Type"] == "image/jpeg"
        assert headers["Cache-Control"] == "public, max-age=10"
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert origin.requests == {"/s1/thumbnail.jpg": 1}


async def test_a_tag_spares_the_body(site: Site, origin: OriginApp) -> None:
    await go_live(site, origin)
    _, headers, _ = await get(site, "demo")
    tag = headers["ETag"]
    for given in (tag, f'"other", W/{tag}'):
        status, headers, body = await get(site, "demo", tag=given)
        assert (status, body, headers["ETag"]) == (304, b"", tag)
    assert (await get(site, "demo", tag='"other"'))[0] == 200
    status, headers, body = await get(site, "demo", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(JPEG)))


@pytest.mark.parametrize("channel", ["nobody", "no-name", "a" * 100, "%2e%2e"])
async def test_what_is_off_the_air_is_not_found_in_the_envelope(site: Site, channel: str) -> None:
    async with site.client.get(f"{site.base}/thumbnails/{channel}.jpg") as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "NOT_FOUND"
    async with site.client.get(f"{site.base}/thumbnails/x/y") as response:
        assert response.content_type == "application/json"


@pytest.mark.usefixtures("patient")
async def test_before_the_first_keyframe_there_is_none(site: Site, origin: OriginApp) -> None:
    picture = origin.extra.pop("thumbnail.jpg")
    await go_live(site, origin)
    origin.answer_with = 404
    assert (await get(site, "demo"))[0] == 404
    origin.answer_with, origin.extra["thumbnail.jpg"] = None, picture
    assert (await get(site, "demo"))[0] == 200


async def test_a_node_that_is_away_is_no_missing_picture(site: Site, origin: OriginApp) -> None:
    await go_live(site, origin)
    origin.answer_with = 503
    status, headers, body = await get(site, "demo")
    assert status == 503
    assert headers["Retry-After"] == "2"
    assert msgspec.json.decode(body)["error"]["code"] == "UNAVAILABLE"
    origin.answer_with = None
    assert (await get(site, "demo"))[0] == 200
    await origin.stop()
    assert (await get(site, "demo"))[0] == 200, "kept"


async def test_what_is_no_thumbnail_by_its_size_is_refused(site: Site, origin: OriginApp) -> None:
    origin.extra["thumbnail.jpg"] = bytes(thumbnails.MAX_BYTES + 1)
    await go_live(site, origin)
    assert (await get(site, "demo"))[0] == 503


async def test_many_who_ask_at_once_are_one_request(site: Site, origin: OriginApp) -> None:
    await go_live(site, origin)
    answers = await asyncio.gather(*(get(site, "demo") for _ in range(20)))
    assert {status for status, _, _ in answers} == {200}
    assert origin.requests.total() == 1


async def test_channels_say_where_their_thumbnail_is_while_they_are_live(site: Site) -> None:
    who = await site.person("ada")
    made = await site.channel("adas_channel", who)
    assert made["thumbnailUrl"] == ""
    channel, session = await site.grant(await site.key("adas_channel", who))
    await site.heartbeat(health(channel, session))
    before = int(time.time()) // 10
    (listed,) = await site.data("GET", "/channels?live=true")
    path, _, bucket = listed["thumbnailUrl"].partition("?at=")
    assert path == f"/thumbnails/{made['id']}.jpg"
    assert before <= int(bucket) <= before + 1


def test_the_address_changes_every_ten_seconds() -> None:
    channel = ChannelId(make_id())
    assert url_of(channel, 1_700_000_009.9) == f"/thumbnails/{channel}.jpg?at=170000000"
    assert url_of(channel, 1_700_000_010.0) == f"/thumbnails/{channel}.jpg?at=170000001"


class Clock:
    now = 0.0


async def test_a_picture_is_kept_for_five_seconds_and_only_so_many(
    site: Site, origin: OriginApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "MAX_KEPT", 2)
    for number in range(3):
        await go_live(site, origin, f"s{number}", f"c{number}", f"name{number}")
    clock, client = Clock(), OriginClient()
    registry = Registry(site.running.services.redis)
    found = Thumbnails(registry, client, lambda: clock.now)
    try:
        for number in range(3):
            assert await found.find(f"c{number}") is not None
        await found.find("c2")
        assert origin.requests.total() == 3
        await found.find("c0")
        assert origin.requests.total() == 4, "the oldest went"
        clock.now = 4.9
        await found.find("c0")
        assert origin.requests.total() == 4
        clock.now = 5.1
        origin.extra["thumbnail.jpg"] = JPEG + b"newer"
        newer = await found.find("c0")
        assert newer is not None
        assert newer.body == JPEG + b"newer"
    finally:
        await found.close()
        await registry.close()
        await client.close()


async def test_too_many_fetches_at_once_are_refused_and_one_leaver_leaves_the_others(
    site: Site, origin: OriginApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "MAX_FETCHES", 1)
    await go_live(site, origin, "s1", "c1", "one")
    await go_live(site, origin, "s2", "c2", "two")
    registry = Registry(site.running.services.redis)
    await registry.find_channel("c1")
    await registry.find_channel("c2")
    release = asyncio.Event()

    class Slow(OriginClient):
        async def fetch(self, url: str, deadline_s: float) -> Fetched:
            await release.wait()
            return await super().fetch(url, deadline_s)

    client = Slow()
    found = Thumbnails(registry, client)
    try:
        leaver, stayer = (asyncio.create_task(found.find("c1")) for _ in range(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await found.find("c2")
        leaver.cancel()
        release.set()
        got = await stayer
        assert got is not None
        assert got.body == JPEG
    finally:
        await found.close()
        await registry.close()
        await client.close()


async def test_a_failed_fetch_that_nobody_waits_for_is_quiet(site: Site, origin: OriginApp) -> None:
    await go_live(site, origin)
    origin.answer_with = 500
    client, registry = OriginClient(), Registry(site.running.services.redis)
    found = Thumbnails(registry, client)
    try:
        with pytest.raises(Unreachable):
            await found.find("c1")
    finally:
        await found.close()
        await registry.close()
        await client.close()


def test_the_route_is_part_of_the_public_application_only_with_the_api(site: Site) -> None:
    services = site.running.services
    assert any("thumbnails" in str(route.resource) for route in public_app(services, None).router.routes())
    parts: tuple[Part, ...] = ("hls",)
    hls_only = public_app(services, None, None, parts).router.routes()
    assert not any("thumbnails" in str(route.resource) for route in hls_only)
