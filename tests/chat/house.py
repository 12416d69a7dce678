"""Event sockets over a real log in Redis, with everything else in memory: as many processes as a test wants, in one."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from chat.entry import head_of_message
from chat.log.lines import Line
from chat.log.listener import Listener
from chat.log.log import ChatLog
from chat.log.places import Place
from chat.log.recall import Recalled, modes_of
from chat.people import Identity
from chat.rooms.hub import Hub
from chat.rooms.metrics import ChatMetrics
from chat.rooms.sources import Sources
from chat.sockets.handler import Doors, SocketServer
from chat.sockets.places import Places
from chat.speaking import Said
from config.redis import connect
from schemas.chat import Authored, ChatSettings
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, make_id
from schemas.socket import Ack, Held
from tests.chat.memory import A, World, identity

WAIT_S = 20


class Client:
    """One end of a socket; `batch` for arrays."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def say(self, **message: object) -> None:
        await self.ws.send_str(json.dumps(message))

    async def message(self, content: str, key: str = "") -> None:
        await self.say(type="message", channelId=A, content=content, idempotencyKey=key or content)

    async def hear(self) -> Any:
        message = await self.ws.receive(timeout=WAIT_S)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def hear_type(self, *kinds: str) -> Any:
        while (message := await self.hear())["type"] not in kinds:
            pass
        return message

    async def join(self, **more: object) -> Any:
        await self.say(type="join", channelId=A, **more)
        return await self.hear()

    async def contents(self, count: int) -> list[str]:
        """Return the texts of the next messages."""
        return [(await self.hear_type("message"))["message"]["content"] for _ in range(count)]

    async def closed_with(self) -> int | None:
        while not self.ws.closed:
            await self.ws.receive(timeout=WAIT_S)
        return self.ws.close_code


class House:
    """A process with sockets. Everybody is who `?user=` says, unless in `signed_out`."""

    def __init__(self, redis_url: str, client: aiohttp.ClientSession) -> None:
        self.world = World()
        self.troubles: list[str] = []
        self.dropped: list[str] = []
        self.signed_out: set[str] = set()
        self.rechecks = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.said: list[str] = []
        self.url = ""
        self.redis = connect(redis_url)
        self.log = ChatLog(redis_url, self._recall, self._trouble)
        world = self.world
        sources = Sources(
            read_states=world.read,
            may_read=world._may_read,
            standing_of=world._standing_of,
            you_of=world._you_of,
            settings_of=world._settings_of,
            pinned_of=world._pinned_of,
        )
        self.metrics = ChatMetrics(CollectorRegistry())
        self.hub = Hub(
            self.redis,
            self.log,
            lambda entry, moderators, fresh: Listener(redis_url, entry, moderators, fresh, self._trouble),
            sources,
            trouble=self._trouble,
            metrics=self.metrics,
        )
        doors = Doors(
            identify=self._identify,
            recheck=self._recheck,
            address_of=lambda request: request.query.get("address", ""),
            places=Places(1_000),
        )
        self.server = SocketServer(self.hub, self._speak, doors, metrics=self.metrics, on_drop=self.dropped.append)
        self._client = client

    def _trouble(self, subject: str, _error: BaseException) -> None:
        self.troubles.append(subject)

    async def _recall(self, channel: ChannelId) -> Recalled:
        return Recalled(0, {}, modes_of(ChatSettings(), 0))

    async def _identify(self, request: web.Request) -> Identity | None:
        if "token" in request.query:
            raise ApiError(ErrorCode.UNAUTHORIZED, "no")
        user = request.query.get("user")
        return identity(user) if user else None

    async def _recheck(self, who: Identity) -> Identity | None:
        self.rechecks += 1
        return None if who.person.id in self.signed_out else who

    async def _speak(self, who: Identity | None, said: Said) -> Ack | Held:
        await self.gate.wait()
        assert who is not None
        self.said.append(said.content)
        if said.content == "fail":
            raise ZeroDivisionError
        if said.content == "slow":
            raise ApiError(ErrorCode.SLOW_MODE, "Slow.", retry_after_ms=700)
        person = who.person
        message = Authored(make_id(), said.channel_id, person.id, "u", "U", said.content, [], [], "#FFFFFF")
        place = await self.log.say(
            Line(
                channel=said.channel_id,
                user=person.id,
                key=said.key,
                id=message.id,
                head=head_of_message(message),
                digest="",
                characters=0,
                is_privileged=True,
                interval_ms=0,
                burst=1,
            )
        )
        assert isinstance(place, Place)
        return Ack(said.channel_id, said.key, place.id, place.seq, place.epoch)

    @asynccontextmanager
    async def page(self, query: str = "") -> AsyncIterator[Client]:
        """Open a socket."""
        async with self._client.ws_connect(f"{self.url}/ws/chat{query}", max_msg_size=0) as ws:
            yield Client(ws)

    async def until_rooms(self, count: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.hub.rooms) != count:
                await asyncio.sleep(0.01)

    def age(self, seconds: float) -> None:
        """Let time have gone by for all sockets."""
        for wire in self.server._open:
            wire.seen_at = wire.rechecked_at = time.monotonic() - seconds


@asynccontextmanager
async def house(redis_url: str) -> AsyncIterator[House]:
    """A process that runs."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        made = House(redis_url, client)
        application = web.Application()
        application.router.add_get("/ws/chat", made.server.handle, allow_head=False)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        tasks = [asyncio.create_task(work) for work in (made.log.run(), made.hub.run())]
        try:
            yield made
        finally:
            await made.server.close()
            await runner.cleanup()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await made.redis.aclose()
