"""What stands around the SRT listener in its tests: web's answers about keys, sessions that remember, a transport
stream to send.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from hashlib import sha256
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from config.redis import connect as connect_redis
from config.sealing import Seal
from media.callbacks import Callbacks
from media.feeds import Feeds
from media.keys import KeyTable
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Description, Note, PublishAttempt, Refused, Unavailable
from media.srt.lib import load
from media.srt.server import SrtServer
from schemas.access import Visibility
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import KeyEntry, KeysAnswer, KeysRequest, NetworkHealth
from schemas.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, Verdict, verify
from tests.encoder import ffmpeg

SECRET = "a secret that both know"
DEADLINE_S = 25.0
SEAL = Seal(SECRET)


def entry(channel: str, key: str = "", passphrase: str = "") -> KeyEntry:
    """A channel with the id c-NAME."""
    digest = sha256(key.encode()).hexdigest() if key else ""
    return KeyEntry(ChannelId(f"c-{channel}"), channel, digest, SEAL.close(passphrase) if passphrase else "")


class Web:
    """Answers /internal/ingest/keys as web does, from `entries`."""

    def __init__(self, *entries: KeyEntry) -> None:
        self.entries = {each.channel_id: each for each in entries}
        self.asked: list[KeysRequest] = []
        self.is_away = False
        self.page = 5000

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.is_away:
            raise web.HTTPBadGateway
        stamp, signature = request.headers.get(TIMESTAMP_HEADER), request.headers.get(SIGNATURE_HEADER)
        assert verify(SECRET, stamp, signature, body, now_s=int(stamp or 0)) is Verdict.GOOD
        asked = msgspec.json.decode(body, type=KeysRequest)
        self.asked.append(asked)
        found = [self.entries[name] for name in sorted(self.entries)]
        if asked.channels is not None:
            answer = KeysAnswer([each for each in found if each.channel_id in asked.channels])
        else:
            left = [each for each in found if each.channel_id > asked.after]
            answer = KeysAnswer(left[: self.page], is_last=len(left) <= self.page)
        return web.Response(body=msgspec.json.encode({"success": True, "data": answer}))


@asynccontextmanager
async def callbacks_of(fake: Web) -> AsyncIterator[Callbacks]:
    """A client of this web."""
    app = web.Application()
    app.router.add_post("/internal/ingest/keys", fake.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as http:
        yield Callbacks(f"http://127.0.0.1:{runner.addresses[0][1]}", SECRET, NodeId("n1"), http)
    await runner.cleanup()


@asynccontextmanager
async def keys_of(fake: Web, redis_url: str) -> AsyncIterator[KeyTable]:
    """A loaded table."""
    redis = connect_redis(redis_url)
    async with callbacks_of(fake) as callbacks:
        table = KeyTable(callbacks, redis, SEAL)
        running = asyncio.create_task(table.run())
        await until(lambda: table.is_loaded, "the table is loaded")
        yield table
        running.cancel()
        await asyncio.wait({running})
    await redis.aclose()


async def until(is_so: Callable[[], Any], what: str) -> None:
    """Wait; fail with `what` after the deadline."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + DEADLINE_S
    while not is_so():
        assert loop.time() < ends, what
        await asyncio.sleep(0.02)


class Recording:
    """A publication that remembers."""

    def __init__(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str) -> None:
        self.attempt, self.cut, self.channel = attempt, on_cut, channel
        self.configs: list[CodecConfig] = []
        self.packets: list[Packet] = []
        self.networks: list[NetworkHealth] = []
        self.fails = False
        self.is_urgent = False
        self.end_reason = ""
        self.is_lost: bool | None = None

    def configure(self, config: CodecConfig) -> None:
        self.configs.append(config)

    def push(self, packet: Packet) -> None:
        if self.fails:
            raise RuntimeError("a fault of ours")
        self.packets.append(packet)

    def describe(self, description: Description) -> None:
        raise AssertionError(description)

    def annotate(self, note: Note) -> None:
        raise AssertionError(note)

    def measure(self, network: NetworkHealth) -> None:
        self.networks.append(network)

    async def end(self, reason: str, *, is_lost: bool = True) -> None:
        assert self.is_lost is None
        self.end_reason, self.is_lost = reason, is_lost

    def count(self, kind: TrackKind) -> int:
        return sum(packet.kind is kind for packet in self.packets)


class Running:
    """A session that runs: what the listener looks at."""

    def __init__(self, channel: str, visibility: Visibility = "public") -> None:
        self.feeds = Feeds(SessionId(f"s-{channel}"), ChannelId(f"c-{channel}"), channel, visibility)
        self.visibility: Visibility = visibility
        self.is_full = False

    def has_room_for(self, priority: int, now: float) -> bool:
        assert now > 0
        return not self.is_full or priority > 0


class Sessions:
    """Grants everything, but what `answers` says otherwise of a key."""

    def __init__(self) -> None:
        self.opened: list[Recording] = []
        self.running: dict[str, Running] = {}
        self.answers: dict[str, Exception] = {}
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def has(self, number: int) -> bool:
        return len(self.opened) == number

    def find(self, channel: str) -> Running | None:
        return self.running.get(channel)

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str = "") -> Recording:
        await self.may_answer.wait()
        if error := self.answers.get(attempt.key):
            raise error
        recording = Recording(attempt, on_cut, channel)
        self.opened.append(recording)
        return recording


REFUSED, UNAVAILABLE = Refused("no"), Unavailable()


class Door(msgspec.Struct):
    """A listener with all that it needs."""

    server: SrtServer
    sessions: Sessions
    web: Web
    keys: KeyTable
    port: int


@asynccontextmanager
async def door(
    redis_url: str, *entries: KeyEntry, host: str = "127.0.0.1", latency_ms: int = 120
) -> AsyncIterator[Door]:
    """A listener on a free port."""
    fake = Web(*entries)
    sessions = Sessions()
    async with keys_of(fake, redis_url) as keys:
        server = SrtServer(load(), sessions, keys)
        port = server.start(host, 0, latency_ms)
        try:
            yield Door(server, sessions, fake, keys, port)
        finally:
            await server.close()


@lru_cache(maxsize=16)
def transport_stream(
    seconds: int = 4, kbps: int = 800, audio: str = "aac", video: str = "libx264", picture: str = "size=320x180:rate=30"
) -> bytes:
    """A transport stream as FFmpeg writes it: a keyframe each second, B-frames. `picture` is of the source testsrc2."""
    command = [
        ffmpeg(), "-hide_banner", "-loglevel", "error",
        "-f", "lavfi", "-i", f"testsrc2={picture}",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
        "-t", str(seconds), "-c:v", video, "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p", "-g", "30",
        "-b:v", f"{kbps}k", "-minrate", f"{kbps}k", "-maxrate", f"{kbps}k", "-bufsize", f"{kbps}k",
        "-c:a", audio, "-ac", "2", "-b:a", "128k", "-f", "mpegts", "-",
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def url(port: int, streamid: str, **options: str) -> str:
    """What ffmpeg calls, with its own spelling of options."""
    more = "".join(f"&{name}={value}" for name, value in options.items())
    return f"srt://127.0.0.1:{port}?mode=caller&transtype=live&pkt_size=1316{more}&streamid={streamid}"
