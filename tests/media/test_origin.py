"""The origin over HTTP: status, headers, waiting, and a real HLS client."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from media.live import LiveStream
from media.origin import make_runner
from media.packets import MediaEvent, Packet
from schemas.ids import SessionId
from tests.encoder import ffmpeg
from tests.media.listing import read
from tests.media.material import SESSION, WALL_CLOCK, aac, feed, h264, interleaved, make_stream, seconds, usual

pytestmark = pytest.mark.services


class Origin:
    """A served stream of 5 s (segment 2 has two parts)."""

    def __init__(self, url: str, stream: LiveStream, http: aiohttp.ClientSession, rest: list[MediaEvent]) -> None:
        self.url = url
        self.stream = stream
        self.http = http
        self.rest = rest

    async def get(self, path: str) -> tuple[int, bytes, str]:
        """Return status, body and Cache-Control."""
        async with self.http.get(f"{self.url}/{path}", timeout=aiohttp.ClientTimeout(10)) as response:
            return response.status, await response.read(), response.headers.get("Cache-Control", "")


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[Origin]:
    stream = make_stream(tmp_path)
    events = usual(8)
    early = [event for event in events if not isinstance(event, Packet) or seconds(event) < 5]
    feed(stream, early)
    runner = make_runner({SESSION: stream})
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession() as http:
        host, port = runner.addresses[0]
        yield Origin(f"http://{host}:{port}", stream, http, events[len(early) :])
    await runner.cleanup()


async def test_playlists_and_media_are_where_the_contract_says(origin: Origin) -> None:
    status, body, cache = await origin.get("session/playlist.m3u8")
    assert (status, cache) == (200, "public, max-age=1")
    assert b"session/video.m3u8" in body
    status, body, cache = await origin.get("session/video.m3u8")
    assert (status, cache) == (200, "public, max-age=1")
    assert read(body).parts[-1].uri == "video-2-1.m4s"
    for file in ("video-init-1.mp4", "audio-init-1.mp4", "video-1.m4s", "audio-1-2.m4s"):
        status, body, cache = await origin.get(f"session/{file}")
        assert (status, cache) == (200, "public, max-age=31536000, immutable")
        assert body == (await origin.stream.get(file, {})).body


async def test_types_are_those_of_hls(origin: Origin) -> None:
    for file, expected in (
        ("playlist.m3u8", "application/vnd.apple.mpegurl"),
        ("audio.m3u8", "application/vnd.apple.mpegurl"),
        ("video-0.m4s", "video/mp4"),
        ("audio-0.m4s", "audio/mp4"),
    ):
        async with origin.http.get(f"{origin.url}/session/{file}") as response:
            assert response.headers["Content-Type"] == expected


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("session/video.m3u8?_HLS_part=1", 400),
        ("session/video.m3u8?_HLS_msn=9", 400),
        ("session/video-7.m4s", 404),
        ("session/nothing", 404),
        ("other/playlist.m3u8", 404),
        ("other/video.m3u8", 404),
    ],
)
async def test_refusals_are_brief(origin: Origin, path: str, status: int) -> None:
    answered, _, cache = await origin.get(path)
    assert (answered, cache) == (status, "public, max-age=1")


async def test_a_session_that_cannot_be_played_yet_is_not_found(tmp_path: Path) -> None:
    trouble = [""]
    runner = make_runner({SessionId("new"): make_stream(tmp_path)}, lambda: trouble[0])
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    async with aiohttp.ClientSession() as http:
        for path in ("new/playlist.m3u8", "new/video.m3u8"):
            async with http.get(f"http://{host}:{port}/{path}") as response:
                assert response.status == 404
        for trouble[0], spool in (("", "ok"), ("No space left on device", "No space left on device")):
            async with http.get(f"http://{host}:{port}/healthz") as response:
                assert await response.json() == {"status": "ok", "sessions": 1, "spool": spool, "srt": "off"}
    await runner.cleanup()


async def test_a_blocked_request_is_answered_by_the_part_it_waits_for(origin: Origin) -> None:
    playlist = asyncio.create_task(origin.get("session/video.m3u8?_HLS_msn=2&_HLS_part=2"))
    part = asyncio.create_task(origin.get("session/video-2-2.m4s"))
    while origin.stream.waiters < 2:
        await asyncio.sleep(0.005)
    feed(origin.stream, [event for event in origin.rest if isinstance(event, Packet) and seconds(event) < 5.02])
    status, body, cache = await playlist
    assert (status, cache) == (200, "public, max-age=12")
    assert read(body).parts[-1].uri == "video-2-2.m4s"
    assert (await part)[0] == 200


async def test_a_client_that_goes_away_leaves_nobody_waiting(origin: Origin) -> None:
    requests = [asyncio.create_task(origin.get("session/video.m3u8?_HLS_msn=3")) for _ in range(3)]
    async with asyncio.timeout(5):
        while origin.stream.waiters < 3:
            await asyncio.sleep(0.005)
        for request in requests:
            request.cancel()
        while origin.stream.waiters:
            await asyncio.sleep(0.005)


async def test_ffmpeg_plays_the_stream_from_its_start_to_its_end(tmp_path: Path) -> None:
    """Twelve seconds of H.264 and AAC at four times the speed, read by FFmpeg's HLS client while they come."""
    stream = make_stream(tmp_path)
    picture, sound = h264(12), aac(12)
    runner = make_runner({SESSION: stream})
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]

    async def watch(rendition: str) -> int:
        """Decode everything there is from the first segment to the end; return the number of frames."""
        url = f"http://{host}:{port}/session/{rendition}.m3u8"
        command = (ffmpeg(), "-loglevel", "error", "-live_start_index", "0", "-i", url, "-f", "framecrc", "-")
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return sum(not line.startswith(b"#") for line in output.splitlines())

    started = time.monotonic()
    watchers: list[asyncio.Task[int]] = []
    events: list[MediaEvent] = [picture.config, sound.config, *interleaved(picture.fresh(), sound.fresh())]
    for event in events:
        now = seconds(event) if isinstance(event, Packet) else 0
        ahead_s = now / 4 - (time.monotonic() - started)
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        stream.feed(event, WALL_CLOCK + now)
        # FFmpeg knows no parts: it begins when both renditions have a segment.
        if not watchers and stream.is_playable and all(w.last_closed_msn >= 0 for w in stream.windows.values()):
            watchers = [asyncio.create_task(watch(rendition)) for rendition in ("video", "audio")]
    stream.end()
    async with asyncio.timeout(40):
        frames = await asyncio.gather(*watchers)
    assert frames[0] == len(picture.packets)
    assert frames[1] >= len(sound.packets) - 2  # the encoder's priming lies before the first picture
    await runner.cleanup()
