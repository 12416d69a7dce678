"""Recordings and clips through a whole web process: every URI of every playlist leads to the stored bytes."""

import re

import aiohttp
import m3u8
import pytest

from schemas.ids import ClipId
from schemas.storage import ClipMade, EdgedTrack, EdgePiece
from tests.web.archive.conftest import Recorded, body_of
from tests.web.archive.rows import segment, segments

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("forgetful")]


async def follow(recorded: Recorded, base: str) -> set[str]:
    """Fetch everything that a multivariant playlist leads to; return the names of the media playlists."""
    multivariant = m3u8.loads(await recorded.text(f"{base}/playlist.m3u8"))
    names = {variant.uri for variant in multivariant.playlists} | {media.uri for media in multivariant.media}
    names |= {stills.uri for stills in multivariant.iframe_playlists}
    for name in names:
        playlist = m3u8.loads(await recorded.text(f"{base}/{name}"))
        assert playlist.segments
        for part in playlist.segments:
            uris = [part.uri] + ([part.init_section.uri] if part.init_section else [])
            for uri in uris:
                status, body = await recorded.get(f"{base}/{uri}")
                if part.gap_tag and uri == part.uri and not part.byterange:
                    continue
                assert status == 200, uri
                assert body in (body_of(uri), b"WEBVTT\n\n"), uri
    return names


async def test_a_recording_is_whole(recorded: Recorded) -> None:
    await recorded.add_captions(3, 4)
    await recorded.add([segment(10, is_gap=True, still_bytes=0), *segments(11, 13)])
    await recorded.finish()
    names = await follow(recorded, "/vods/v1")
    assert names == {"video.m3u8", "audio.m3u8", "video-iframes.m3u8", "captions.m3u8"}
    text = await recorded.text("/vods/v1/video.m3u8")
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert text.count("#EXT-X-GAP") == 1
    assert await recorded.get("/vods/v1/captions-3.vtt") == (200, body_of("captions-3.vtt"))
    assert await recorded.get("/vods/v1/captions-5.vtt") == (200, b"WEBVTT\n\n")
    async with recorded.site.client.get(f"{recorded.site.internal}/metrics") as response:
        counts = await response.text()
    for line in (
        'requests_total{class="2xx",kind="kept_file"}',
        'store_total{outcome="read"}',
        "archive_playlists_total",
    ):
        assert f"tally_hls_{line}" in counts


async def test_a_recording_can_be_watched_while_it_grows(recorded: Recorded) -> None:
    first = await recorded.text("/vods/v1/video.m3u8")
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in first
    await recorded.add([segment(11)])  # came before the one before it
    assert "video-11.m4s" not in await recorded.text("/vods/v1/video.m3u8")
    await recorded.add([segment(10)])
    await recorded.add_cue("c1", 21.0)
    delta = await recorded.text("/vods/v1/video.m3u8?_HLS_skip=YES&_HLS_msn=7")
    assert "#EXT-X-SKIP:SKIPPED-SEGMENTS=6" in delta
    assert 'ID="c1"' in delta
    whole = await recorded.text("/vods/v1/video.m3u8")
    assert whole.startswith(first.rpartition("#EXT-X-DISCONTINUITY-SEQUENCE")[0])
    assert [part.uri for part in m3u8.loads(whole).segments] == [f"video-{msn}.m4s" for msn in range(12)]
    await recorded.finish()
    assert "#EXT-X-ENDLIST" in await recorded.text("/vods/v1/video.m3u8?_HLS_skip=YES")


async def test_what_never_came_is_a_gap_once_everything_is_stored(recorded: Recorded) -> None:
    await recorded.add([segment(12)])
    await recorded.finish()
    playlist = m3u8.loads(await recorded.text("/vods/v1/video.m3u8"))
    assert [part.gap_tag for part in playlist.segments] == [None] * 10 + [True, True, None]
    assert sum(part.duration for part in playlist.segments) == pytest.approx(26.0)


async def test_names_for_the_newest_picture(recorded: Recorded) -> None:
    await recorded.add_file("thumbnail", 0, "thumbnail-7.jpg")
    await recorded.add_file("storyboard", 0, "storyboard-v2.vtt")
    assert await recorded.get("/vods/v1/thumbnail.jpg") == (200, body_of("thumbnail-7.jpg"))
    assert await recorded.get("/vods/v1/storyboard.vtt") == (200, body_of("storyboard-v2.vtt"))
    await recorded.add_file("sheet", 1, "storyboard-1-25.jpg")
    assert await recorded.get("/vods/v1/storyboard-1-25.jpg") == (200, body_of("storyboard-1-25.jpg"))


async def test_what_is_not_there_is_404(recorded: Recorded) -> None:
    for path in (
        "/vods/v2/playlist.m3u8",
        "/vods/v2/video-1.m4s",
        "/vods/v1/240p.m3u8",
        "/vods/v1/video-99.m4s",
        "/vods/v1/video-init-9.mp4",
        "/vods/v1/video-1-0.m4s",
        "/vods/v1/thumbnail.jpg",
        "/vods/v1/storyboard-9-9.jpg",
        "/clips/v1/playlist.m3u8",
        "/vods/v1/rewind.m3u8",
    ):
        assert (await recorded.get(path))[0] == 404, path


async def test_a_deleted_recording_is_gone_also_from_memory(recorded: Recorded) -> None:
    assert (await recorded.get("/vods/v1/video-1.m4s"))[0] == 200
    await recorded.services.pool.execute("UPDATE vods SET deleted_at = now()")
    await recorded.becomes("/vods/v1/video-1.m4s", 404)
    assert (await recorded.get("/vods/v1/playlist.m3u8"))[0] == 404


async def test_ranges_and_conditions_work_on_stored_files(recorded: Recorded) -> None:
    whole = body_of("video-1.m4s")
    assert await recorded.get("/vods/v1/video-1.m4s", Range="bytes=10-19") == (206, whole[10:20])
    async with recorded.site.client.get(f"{recorded.site.base}/vods/v1/video-1.m4s") as response:
        headers = response.headers
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert (await recorded.get("/vods/v1/video-1.m4s", **{"If-None-Match": headers["ETag"]}))[0] == 304


HEAD = EdgePiece(2, 2, "video-head-init.mp4", 1, "video-head.m4s", 1, 4.5, 1.5, "avc1.64001f")
MADE = ClipMade(
    clip_id=ClipId("k1"),
    tracks=[EdgedTrack("video", HEAD, None)],
    mp4_name="clip.mp4",
    mp4_size=1,
    thumbnail_name="thumbnail-clip.jpg",
    thumbnail_size=1,
    duration_s=5.5,
)


async def test_a_clip_plays_at_once_and_gets_its_pieces(recorded: Recorded) -> None:
    await recorded.add_clip(2, 4)
    assert await follow(recorded, "/clips/k1") == {"video.m3u8", "audio.m3u8"}
    await recorded.add_file("thumbnail", 0, "thumbnail-7.jpg")
    assert await recorded.get("/clips/k1/thumbnail.jpg") == (200, body_of("thumbnail-7.jpg"))
    await recorded.services.pool.execute("DELETE FROM clips")
    await recorded.add_clip(2, 4, MADE)
    for name in ("video-head-init.mp4", "video-head.m4s", "thumbnail-clip.jpg"):
        await recorded.put(f"clips/c1/k1/{name}")
    assert await follow(recorded, "/clips/k1") == {"video.m3u8", "audio.m3u8"}
    text = await recorded.text("/clips/k1/video.m3u8")
    assert re.findall(r"^video-.*m4s$", text, re.MULTILINE) == ["video-head.m4s", "video-3.m4s", "video-4.m4s"]
    assert await recorded.get("/clips/k1/thumbnail-clip.jpg") == (200, body_of("thumbnail-clip.jpg"))


async def test_a_clip_opens_nothing_beside_it(recorded: Recorded) -> None:
    await recorded.add_clip(2, 4)
    await recorded.add_captions(1, 2)
    await recorded.add_file("sheet", 0, "storyboard-0-25.jpg")
    names = ["video-1.m4s", "video-2.m4s", "video-4.m4s", "video-5.m4s", "captions-1.vtt", "captions-2.vtt"]
    names += ["storyboard-0-25.jpg", "storyboard.vtt", "video-iframes.m3u8"]
    statuses = [(await recorded.get(f"/clips/k1/{name}"))[0] for name in names]
    assert statuses == [404, 200, 200, 404, 404, 200, 404, 404, 404]


async def test_a_clip_outlives_its_recording(recorded: Recorded) -> None:
    await recorded.add_clip(2, 4)
    await recorded.services.pool.execute("DELETE FROM vods")
    await follow(recorded, "/clips/k1")


async def test_a_database_that_is_away_does_not_stop_who_watches(recorded: Recorded) -> None:
    assert (await recorded.get("/vods/v1/video-1.m4s"))[0] == 200
    await recorded.services.pool.close()
    statuses = [(await recorded.get(f"/vods/v1/{name}"))[0] for name in ("video-1.m4s", "video-2.m4s", "video.m3u8")]
    assert statuses == [200, 200, 503]
    assert (await recorded.get("/vods/v2/video-1.m4s"))[0] == 503  # nobody knows


async def test_connections_that_the_pages_use_are_answered_too(recorded: Recorded) -> None:
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(recorded.site.base, connector=connector) as browser:
        for path, status in (
            ("/api/channels", 200),
            ("/vods/v1/video-1.m4s", 200),
            ("/api/channels", 200),
            ("/vods/~abcd.1.x/v1/video-1.m4s", 200),
            ("/api/channels", 200),
            ("/clips/k1/playlist.m3u8", 404),
        ):
            async with browser.get(path) as response:
                assert response.status == status, path
                if path.startswith("/vods"):
                    assert response.headers["Access-Control-Allow-Origin"] == "*"
                    assert await response.read() == body_of("video-1.m4s")
