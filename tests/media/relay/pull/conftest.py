"""Sources of other people for these tests: a small web server, media, and what a source gives."""

import asyncio
import io
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from pathlib import Path

import aiohttp
import av
import pytest
from aiohttp import web

from config.addresses import Reach
from media.packets import CodecConfig, Packet
from media.publication import PublishAttempt
from media.relay.job import Job, Setback
from media.relay.pull.address import read_source
from media.relay.pull.http import HttpSource
from media.relay.pull.intake import Intake
from media.relay.pull.job import Source
from media.relay.pull.played import Played
from media.relay.racing import race

LOCAL = Reach("127.0.0.0/8")
PATIENCE_S = 40


class Still(Job):
    """A job that counts."""

    kind = "pull"

    async def attempt(self) -> None:
        """Nothing."""


class Collected(Intake):
    """Keeps what a source gives, in no time."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        super().__init__(Still("j", "demo"), http, "", PublishAttempt("pull", "", {}, "127.0.0.1", ""))
        self.configs: list[CodecConfig] = []
        self.packets: list[Packet] = []

    async def take(self, unit: CodecConfig | Packet) -> None:
        (self.configs if isinstance(unit, CodecConfig) else self.packets).append(unit)  # type: ignore[arg-type]

    async def watch(self) -> None:
        await asyncio.Event().wait()

    @property
    def moved_bytes(self) -> int:
        """How many bytes were received."""
        return self._job.moved_bytes

    @property
    def counts(self) -> Counter[str]:
        """How many packets of each kind."""
        return Counter(packet.kind.value for packet in self.packets)


class Stage:
    """Runs sources against a web server whose answers the test gives."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.played = Played()
        self.answers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}
        self.asked: Counter[str] = Counter()
        self.http = http

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        answer = self.answers.get(request.path)
        return web.Response(status=404) if answer is None else await answer(request)

    def serve(self, path: str, body: bytes | str, **headers: str) -> None:
        """Answer with this."""
        data = body.encode() if isinstance(body, str) else body

        async def answer(request: web.Request) -> web.StreamResponse:
            span = request.http_range if "Range" in request.headers else slice(None)
            part = data[span.start : span.stop]
            return web.Response(status=206 if "Range" in request.headers else 200, body=part, headers=headers)

        self.answers[path] = answer

    async def run(self, source: Source | str, reach: Reach = LOCAL) -> tuple[Collected, str]:
        """Return what a source gave, and why it ended ("" of itself)."""
        if isinstance(source, str):
            url = source if "://" in source else self.url + source
            source = HttpSource(read_source(url, is_trusted=False), reach, self.played)
        intake = Collected(self.http)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await race(source.run(intake), intake.watch())
        except Setback as setback:
            return intake, setback.reason
        except OSError as error:
            return intake, type(error).__name__
        return intake, ""


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A stage on which nothing is left behind."""
    before = _left()
    application = web.Application()
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    async with aiohttp.ClientSession() as http:
        made = Stage("", http)
        application.router.add_get("/{path:.*}", made.handle)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
        await runner.cleanup()
    for _ in range(100):
        if _left() <= before:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"left behind: {_left()}, before {before}")


def _left() -> tuple[int, int]:
    """Count tasks and children of this process."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return len(asyncio.all_tasks()), len(children)


@cache
def movie(container: str, seconds: int = 2, first: int = 0) -> bytes:
    """Return grey pictures of 64x48 and a silent AAC track, of seconds beginning at `first`."""
    sink = io.BytesIO()
    with av.open(
        sink, "w", format=container, options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    ) as out:
        video = out.add_stream("libx264", rate=10, options={"preset": "ultrafast", "g": "10", "bf": "2"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = out.add_stream("aac", rate=48_000)
        for number in range(seconds * 10):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = first * 10 + number
            out.mux(video.encode(frame))
        for number in range(seconds * 47):
            sound = av.AudioFrame("fltp", "stereo", 1024)
            for plane in sound.planes:
                plane.update(bytes(plane.buffer_size))
            sound.sample_rate, sound.pts = 48_000, first * 48_000 + number * 1024
            out.mux(audio.encode(sound))
        out.mux(video.encode())
        out.mux(audio.encode())
    return sink.getvalue()
