"""Who may have what: tokens in paths, through a whole web process with an origin."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from schemas.access import Visibility, sign
from schemas.ids import ChannelId, VodId
from schemas.ingest import LiveEntry
from tests.web.archive.conftest import Recorded, body_of
from tests.web.hls.origin_app import OriginApp, part_body, registry_writes
from web.access import rotate, scope_of_channel, scope_of_vod

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("forgetful")]

LIVE = scope_of_channel(ChannelId("c1"))
VOD = scope_of_vod(VodId("v1"))
PART = "s1/video-10-0.m4s"


@pytest.fixture
async def origin() -> AsyncIterator[OriginApp]:
    made = OriginApp()
    made.add_session("s1")
    await made.start()
    yield made
    await made.stop()


async def air(recorded: Recorded, origin: OriginApp, visibility: Visibility) -> LiveEntry:
    """Have the session live for these."""
    entry = msgspec.structs.replace(origin.entry("s1", "c1", "demo"), visibility=visibility)
    for key, value in registry_writes(entry, msgspec.json.encode(entry)).items():
        await recorded.services.redis.set(key, value, px=60_000)
    return entry


def token(recorded: Recorded, scope: str, lifetime_s: int = 600) -> str:
    return recorded.services.access.sign(scope, lifetime_s).text


async def statuses(recorded: Recorded, *paths: str) -> list[int]:
    return [(await recorded.get(path))[0] for path in paths]


async def test_a_private_recording_opens_to_its_token_alone(recorded: Recorded) -> None:
    await recorded.show("vods", "private")
    good, other = token(recorded, VOD), token(recorded, scope_of_vod(VodId("v2")))
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    for file in ("playlist.m3u8", "video.m3u8", "video-1.m4s", "video-init-1.mp4"):
        # twice, for the second time it is in memory, where nothing knows of tokens
        for _ in range(2):
            assert await statuses(recorded, f"/vods/~{good}/v1/{file}") == [200]
            refused = [f"/vods/v1/{file}", *(f"/vods/~{text}/v1/{file}" for text in (other, wrong, "x"))]
            assert await statuses(recorded, *refused) == [403] * 4
    async with recorded.site.client.get(f"{recorded.site.base}/vods/v1/playlist.m3u8") as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert (await response.json())["error"]["code"] == "FORBIDDEN"


async def test_relative_addresses_carry_the_token_on(recorded: Recorded) -> None:
    await recorded.show("vods", "subscribers")
    base = f"/vods/~{token(recorded, VOD)}/v1"
    assert "\nvideo.m3u8\n" in await recorded.text(f"{base}/playlist.m3u8")
    assert "\nvideo-1.m4s\n" in await recorded.text(f"{base}/video.m3u8")
    assert await recorded.get(f"{base}/video-1.m4s") == (200, body_of("video-1.m4s"))


async def test_what_is_made_private_closes_and_what_is_made_public_opens(recorded: Recorded) -> None:
    path = "/vods/v1/video-1.m4s"
    assert await statuses(recorded, path, "/vods/~nonsense/v1/video-1.m4s") == [200, 200]
    await recorded.show("vods", "private")
    await recorded.becomes(path, 403)
    await recorded.show("vods", "public")
    await recorded.becomes(path, 200)


async def test_a_token_of_a_key_made_elsewhere_opens_at_once(recorded: Recorded) -> None:
    await recorded.show("vods", "private")
    services = recorded.services
    await rotate(services.pool, at_once=False)
    old = token(recorded, VOD)
    async with services.pool.acquire() as connection:  # another process, which knows the new key
        row = await connection.fetchrow("SELECT id, key FROM access_keys WHERE retires_at IS NULL")
    assert row is not None
    new = sign(row["id"], row["key"], VOD, int(old.split(".")[1]))
    services.access._asked_at = float("-inf")  # the start of the process was a moment ago
    assert await statuses(recorded, f"/vods/~{new}/v1/playlist.m3u8", f"/vods/~{old}/v1/playlist.m3u8") == [200, 200]


async def test_a_private_stream_opens_to_its_channels_token(recorded: Recorded, origin: OriginApp) -> None:
    await air(recorded, origin, "followers")
    good = token(recorded, LIVE)
    for name in ("demo", "c1"):
        assert await statuses(recorded, f"/hls/~{good}/{name}/playlist.m3u8", f"/hls/{name}/playlist.m3u8") == [
            200,
            403,
        ]
    for file in ("video.m3u8", "video.m3u8?_HLS_msn=9&_HLS_part=0", "video-9-0.m4s", "rewind-video.m3u8"):
        for _ in range(2):
            assert await statuses(recorded, f"/hls/~{good}/demo/s1/{file}", f"/hls/demo/s1/{file}") == [200, 403]
    assert await statuses(recorded, f"/hls/~{token(recorded, VOD)}/demo/s1/video.m3u8") == [403]
    assert sum(count for path, count in origin.requests.items() if "_HLS" in path) == 1


async def test_a_stream_made_private_closes_within_seconds(
    recorded: Recorded, origin: OriginApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.hls.registry.FRESH_S", 0.0)
    monkeypatch.setattr("web.hls.registry.KNOWN_S", 0.0)
    await air(recorded, origin, "public")
    assert await recorded.get(f"/hls/demo/{PART}") == (200, part_body("s1", "video-10-0.m4s"))
    await air(recorded, origin, "private")
    await recorded.becomes(f"/hls/demo/{PART}", 403)
    assert origin.requests[f"/{PART}"] == 1  # it lies in memory


async def test_redis_that_is_away_opens_nothing(
    recorded: Recorded, origin: OriginApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await air(recorded, origin, "private")
    good = token(recorded, LIVE)
    assert await statuses(recorded, f"/hls/~{good}/demo/{PART}") == [200]
    monkeypatch.setattr("web.hls.registry.FRESH_S", 0.0)
    monkeypatch.setattr("web.hls.registry.KNOWN_S", 0.0)
    monkeypatch.setattr("web.hls.registry.STALE_S", 0.0)
    monkeypatch.setattr("web.hls.registry.LOOKUP_DEADLINE_S", 0.0)
    assert (await statuses(recorded, f"/hls/demo/{PART}"))[0] in (403, 503)
    assert (await statuses(recorded, "/hls/demo/playlist.m3u8"))[0] in (403, 503)


async def test_edges_ask_whether_somebody_may_watch(
    recorded: Recorded, origin: OriginApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.hls.registry.FRESH_S", 0.0)
    await recorded.add_clip(2, 4)
    public = ("/vods/v1/access", "/clips/k1/access", "/hls/demo/access", "/hls/c1/access")
    assert await statuses(recorded, *public) == [204] * 4
    assert await statuses(recorded, "/vods/gone/access", "/hls/nobody/access") == [403, 403]
    for table in ("vods", "clips", "channels"):
        await recorded.show(table, "private")
    assert await statuses(recorded, *public) == [403] * 4
    paths = [f"/vods/~{token(recorded, VOD)}/v1/access", f"/hls/~{token(recorded, LIVE)}/demo/access"]
    assert await statuses(recorded, *paths) == [204, 204]
    await air(recorded, origin, "public")  # the session has what its ingest says until that changes too
    assert await statuses(recorded, "/hls/demo/access") == [204]


async def test_a_permit_lives_no_longer_than_its_token(recorded: Recorded) -> None:
    await recorded.show("vods", "private")
    async with recorded.site.client.get(f"{recorded.site.base}/vods/~{token(recorded, VOD, 5)}/v1/access") as response:
        assert response.status == 204
        age = response.headers["Cache-Control"].removeprefix("public, max-age=")
        assert 0 <= int(age) <= 5
    async with recorded.site.client.get(f"{recorded.site.base}/vods/v1/access") as response:
        assert response.headers["Cache-Control"] == "public, max-age=5"


async def test_rewind_slides_and_its_old_segments_come_from_storage(recorded: Recorded, origin: OriginApp) -> None:
    await air(recorded, origin, "public")
    text = await recorded.text("/hls/demo/rewind.m3u8")
    assert "\ns1/rewind-video.m3u8\n" in text
    assert "s1/rewind-video-iframes.m3u8" in text
    playlist = await recorded.text("/hls/demo/s1/rewind-video.m3u8")
    assert "PLAYLIST-TYPE" not in playlist
    assert "\nvideo-3.m4s\n" in playlist
    origin.answer_with = 404
    assert await recorded.get("/hls/demo/s1/video-3.m4s") == (200, body_of("video-3.m4s"))
    assert await recorded.get("/hls/demo/s1/video-init-1.mp4") == (200, body_of("video-init-1.mp4"))
    assert await statuses(recorded, "/hls/demo/s1/video-99.m4s", "/hls/demo/s1/rewind-240p.m3u8") == [404, 404]
    await origin.stop()
    assert await recorded.get("/hls/demo/s1/audio-3.m4s") == (200, body_of("audio-3.m4s"))
    assert await statuses(recorded, "/hls/demo/s1/audio-77.m4s") == [503]  # perhaps the origin has it


@pytest.mark.parametrize("more_settings", [{"rewind_s": 6}])
async def test_the_window_is_the_operators(recorded: Recorded, origin: OriginApp) -> None:
    await air(recorded, origin, "public")
    assert "#EXT-X-MEDIA-SEQUENCE:7\n" in await recorded.text("/hls/demo/s1/rewind-video.m3u8")


@pytest.mark.parametrize("more_settings", [{"rewind_s": 0}])
async def test_without_a_window_there_is_no_rewind(recorded: Recorded, origin: OriginApp) -> None:
    await air(recorded, origin, "public")
    assert await statuses(recorded, "/hls/demo/rewind.m3u8", "/hls/demo/s1/rewind-video.m3u8") == [404, 404]


@pytest.mark.parametrize("more_settings", [{"embed_allow": "*.friend.example"}])
async def test_other_sites_get_no_playlists(recorded: Recorded, origin: OriginApp) -> None:
    await air(recorded, origin, "public")
    for path in ("/hls/demo/playlist.m3u8", "/hls/demo/s1/video.m3u8", "/vods/v1/playlist.m3u8"):
        assert (await recorded.get(path))[0] == 200
        for page in ("http://localhost:8080/demo", "https://www.friend.example/x"):
            assert (await recorded.get(path, Referer=page))[0] == 200
        status, body = await recorded.get(path, Origin="https://thief.example")
        assert status == 403
        assert b"FORBIDDEN" in body
    assert (await recorded.get("/vods/v1/video-1.m4s", Referer="https://thief.example/"))[0] == 200
