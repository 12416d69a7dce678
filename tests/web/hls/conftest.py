"""A whole delivery for tests with services: origin, Valkey, the public port with aiohttp behind it."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import msgspec
import pytest
import uvloop
from aiohttp import web
from redis.asyncio import Redis

from config.redis import connect
from schemas.ids import ChannelId
from tests.web.hls.origin_app import OriginApp, registry_writes
from web.hls.delivery import Delivery
from web.hls.front import Front, make_front
from web.hls.route import add_to

DEADLINE_S = 10.0
TTL_MS = 15_000


def pytest_asyncio_loop_factories(
    config: pytest.Config,
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run what needs sockets on both loops that the product runs on."""
    if item.path.name == "test_delivery.py":
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


class Seen:
    """Counts who was seen watching what."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def token(self, cookie: str | None, address: str, user_agent: str | None, /) -> str:
        return f"{cookie}|{address}|{user_agent}"

    def saw(self, channel_id: ChannelId, token: str, /) -> None:
        self.seen.append((channel_id, token))


class Reply(msgspec.Struct):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error code of its envelope."""
        return str(json.loads(self.body)["error"]["code"])


class Peer:
    """A raw connection: what it sends and reads is the test's to say."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, target: str, *headers: str, method: str = "GET", body: bytes = b"") -> None:
        """Send one request."""
        lines = [f"{method} {target} HTTP/1.1", "Host: tally", *headers]
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body)

    async def read(self, *, has_body: bool = True) -> Reply:
        """Read one answer."""
        async with asyncio.timeout(DEADLINE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
            size = int(headers.get("content-length", "0")) if has_body else 0
            return Reply(int(lines[0].split()[1]), headers, await self.reader.readexactly(size))

    async def get(self, target: str, *headers: str) -> Reply:
        """Ask and read the answer."""
        self.send(target, *headers)
        return await self.read()

    async def is_closed(self) -> bool:
        """Wait for the server's end of the connection."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True


class Stage:
    """Everything started; `peers` are closed at the end."""

    def __init__(self, redis_url: str) -> None:
        self.redis: Redis = connect(redis_url)
        self.origin = OriginApp()
        self.seen = Seen()
        self.ahead_s = 0.0
        """How far the delivery's clock is ahead of ours: time that passed without waiting."""
        self.delivery = Delivery(self.redis, self.seen, now=lambda: time.monotonic() + self.ahead_s)
        self.front: Front
        self.port = 0
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        self._server: asyncio.Server
        self._peers: list[Peer] = []

    def _application(self) -> web.Application:
        async def echo(request: web.Request) -> web.Response:
            return web.Response(body=await request.read())

        async def socket(request: web.Request) -> web.WebSocketResponse:
            response = web.WebSocketResponse()
            await response.prepare(request)
            async for message in response:
                await response.send_str(message.data[::-1])
            return response

        application = web.Application(client_max_size=1 << 24)
        add_to(application, self.delivery)
        application.router.add_get("/ws", socket)
        application.router.add_route("*", "/echo", echo)
        return application

    async def start(self) -> None:
        """Start origin, application, delivery and the public port."""
        await self.origin.start()
        await self._runner.setup()
        await self.delivery.start()
        assert self._runner.server is not None
        self.front = make_front(self.delivery, self._runner.server)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.front, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop all of it, the players first."""
        for peer in self._peers:
            peer.writer.close()
        self._server.close()
        await self.front.close(grace_s=0.2)
        await self._runner.cleanup()
        await self._server.wait_closed()
        await self.delivery.close()
        await self.origin.stop()
        await self.redis.aclose()

    async def go_live(self, session: str = "s1", channel: str = "c1", name: str = "demo") -> None:
        """Have a session at the origin and in the registry."""
        self.origin.add_session(session)
        entry = self.origin.entry(session, channel, name)
        for key, value in registry_writes(entry, msgspec.json.encode(entry)).items():
            await self.redis.set(key, value, px=TTL_MS)

    async def connect(self) -> Peer:
        """Open a connection to the public port."""
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))
        self._peers.append(peer)
        return peer

    async def get(self, target: str, *headers: str) -> Reply:
        """Ask on a connection of its own."""
        return await (await self.connect()).get(target, *headers)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that will come soon."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not condition():
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"it did not happen: {what}") from None

    def client(self) -> aiohttp.ClientSession:
        """Return a client whose paths are those of the public port."""
        return aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")

    def blocked(self, count: int) -> Awaitable[None]:
        """Wait until so many requests wait here and one at the origin."""
        return self.until(lambda: self.delivery.tower.waiting == count and self.origin.blocked == 1, "they are blocked")


@pytest.fixture
async def stage(redis_url: str) -> AsyncIterator[Stage]:
    """A delivery with one live session `s1` of the channel `c1`, named `demo`."""
    made = Stage(redis_url)
    await made.start()
    await made.go_live()
    yield made
    await made.stop()


def newest(reply: Reply) -> tuple[int, int]:
    """Return how far a playlist of the test origin goes."""
    found = re.search(rb"#NEWEST:(\d+)\.(\d+)", reply.body)
    assert found is not None, reply
    return int(found.group(1)), int(found.group(2))
