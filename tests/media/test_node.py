"""Claims of media.node: sessions, their heartbeats, registry entries and ends, with a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from config.redis import connect
from media import node as node_module
from media.callbacks import Callbacks
from media.metrics import NodeCollector
from media.node import Node
from media.publication import PublishAttempt, Refused, Unavailable
from media.registry import Registry
from media.session import Session
from media.spool import Spool
from media.testcard import CardSettings, TestCard
from schemas.errors import ErrorCode, failure
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import (
    INGEST_COMMANDS,
    Cut,
    CutSession,
    Heartbeat,
    HeartbeatAnswer,
    LiveEntry,
    PublishGrant,
    PublishRequest,
    Unpublish,
    live_key,
    session_key,
)

pytestmark = pytest.mark.services

ORIGIN = "http://127.0.0.1:8082"
CARD = CardSettings(width=320, height=180, frame_rate=25, keyframe_interval_s=0.4)


class Platform:
    """The web service as the node sees it: grants by key, hears heartbeats and ends."""

    def __init__(self) -> None:
        self.beats: asyncio.Queue[Heartbeat] = asyncio.Queue()
        self.ends: asyncio.Queue[Unpublish] = asyncio.Queue()
        self.cut: list[Cut] = []
        self.is_down = False
        self.order: list[str] = []
        self._numbers = iter(range(1, 100))

    def answer(self, path: str, body: bytes) -> web.Response:
        data: object
        if self.is_down:
            return web.Response(status=503, body=failure(ErrorCode.UNAVAILABLE, "down"))
        if path != "heartbeat":
            self.order.append(path)
        if path == "publish":
            asked = msgspec.json.decode(body, type=PublishRequest)
            if asked.key != "good":
                return web.Response(status=403, body=failure(ErrorCode.FORBIDDEN, "This stream key is not valid."))
            data = PublishGrant(ChannelId("c1"), "demo", SessionId(f"s{next(self._numbers)}"))
        elif path == "heartbeat":
            self.beats.put_nowait(msgspec.json.decode(body, type=Heartbeat))
            data = HeartbeatAnswer(self.cut)
        else:
            self.ends.put_nowait(msgspec.json.decode(body, type=Unpublish))
            data = {}
        return web.Response(body=msgspec.json.encode({"success": True, "data": data}))


class Bench:
    """A running node between a platform and a Redis."""

    def __init__(self, node: Node, platform: Platform, redis: Redis) -> None:
        self.node, self.platform, self.redis = node, platform, redis
        self.cuts: list[str] = []

    async def publish(self, key: str = "good") -> Session:
        return await self.node.open(PublishAttempt("rtmp", key, {}, "127.0.0.1", "test"), self.cuts.append)

    async def feed(self, session: Session, frames: int = 40) -> None:
        card = await asyncio.to_thread(TestCard, CARD)
        for config in card.configs:
            session.configure(config)
        for _ in range(frames):
            for packet in card.packets():
                session.push(packet)

    async def entry(self, key: str) -> LiveEntry | None:
        value = await self.redis.get(key)
        return None if value is None else msgspec.json.decode(value, type=LiveEntry)

    async def until(self, is_so: Callable[[Heartbeat], bool]) -> Heartbeat:
        async with asyncio.timeout(10):
            while True:
                beat = await self.platform.beats.get()
                if is_so(beat):
                    return beat


@asynccontextmanager
async def running(redis_url: str, folder: Path) -> AsyncIterator[Bench]:
    platform = Platform()

    async def handle(request: web.Request) -> web.Response:
        return platform.answer(request.match_info["what"], await request.read())

    app = web.Application()
    app.router.add_post("/internal/ingest/{what}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    redis = connect(redis_url)
    spool = Spool(folder / "spool")
    async with aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        node = Node(
            node_id=NodeId("n1"),
            origin_url=ORIGIN,
            part_s=0.2,
            segment_s=0.4,
            callbacks=Callbacks(url, "secret", NodeId("n1"), http),
            registry=Registry(redis),
            spool=spool,
        )
        life = asyncio.create_task(node.run())
        await asyncio.sleep(0)
        try:
            yield Bench(node, platform, redis)
        finally:
            await node.stop("test over")
            life.cancel()
            await asyncio.wait({life})
    await redis.aclose()
    await runner.cleanup()
    await asyncio.to_thread(spool.close)


@pytest.fixture
async def bench(redis_url: str, tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(redis_url, tmp_path) as made:
        yield made


async def test_a_stream_is_registered_before_web_hears_that_it_can_be_played(bench: Bench) -> None:
    session = await bench.publish()
    assert await bench.entry(live_key("c1")) is None
    await bench.feed(session)
    beat = await bench.until(lambda beat: any(each.is_playable for each in beat.sessions))
    for key in (live_key("c1"), live_key("demo"), session_key(session.grant.session_id)):
        entry = await bench.entry(key)
        assert entry is not None
        assert (entry.origin_url, entry.session_id) == (ORIGIN, session.grant.session_id)
    [health] = beat.sessions
    assert health.video is not None
    assert (health.video.width, health.video.height) == (320, 180)
    assert health.audio is not None
    assert health.received_bytes > 10_000


async def test_an_ended_stream_leaves_the_air_but_its_end_can_be_fetched(bench: Bench) -> None:
    session = await bench.publish()
    await bench.feed(session)
    await bench.until(lambda beat: any(each.is_playable for each in beat.sessions))
    await session.end("connection closed")
    async with asyncio.timeout(5):
        end = await bench.platform.ends.get()
    assert (end.session_id, end.reason) == (session.grant.session_id, "connection closed")
    assert await bench.entry(live_key("c1")) is None
    assert await bench.entry(live_key("demo")) is None
    assert await bench.entry(session_key(session.grant.session_id)) is not None
    assert session.grant.session_id in bench.node.streams
    assert not bench.node.sessions


async def test_an_end_does_not_take_a_successor_off_the_air(bench: Bench) -> None:
    session = await bench.publish()
    await bench.feed(session)
    await bench.until(lambda beat: any(each.is_playable for each in beat.sessions))
    successor = LiveEntry(ChannelId("c1"), "demo", SessionId("other"), NodeId("n2"), "http://elsewhere", 1)
    await bench.redis.set(live_key("c1"), msgspec.json.encode(successor))
    await session.end("connection closed")
    async with asyncio.timeout(5):
        await bench.platform.ends.get()
    assert await bench.entry(live_key("c1")) == successor


async def test_a_wrong_key_opens_nothing(bench: Bench) -> None:
    with pytest.raises(Refused, match="not valid"):
        await bench.publish("bad")
    assert not bench.node.sessions


async def test_a_command_cuts_its_session_and_says_why(bench: Bench) -> None:
    session = await bench.publish()
    command = msgspec.json.encode(CutSession(session.grant.session_id, "the stream key was replaced"))
    async with asyncio.timeout(5):
        while not await bench.redis.publish(INGEST_COMMANDS, command):
            await asyncio.sleep(0.01)
        await bench.platform.ends.get()
    assert bench.cuts == ["the stream key was replaced"]


async def test_a_heartbeats_answer_cuts_too(bench: Bench) -> None:
    session = await bench.publish()
    bench.platform.cut = [Cut(session.grant.session_id, "ended by its owner")]
    async with asyncio.timeout(8):
        await bench.platform.ends.get()
    assert bench.cuts == ["ended by its owner"]


async def test_a_command_that_is_no_command_is_survived(bench: Bench) -> None:
    session = await bench.publish()
    async with asyncio.timeout(5):
        while not await bench.redis.publish(INGEST_COMMANDS, b"\xff{"):
            await asyncio.sleep(0.01)
        await bench.redis.publish(INGEST_COMMANDS, msgspec.json.encode(CutSession(session.grant.session_id, "stop")))
        await bench.platform.ends.get()
    assert bench.cuts == ["stop"]


async def test_a_running_stream_goes_on_while_web_is_down(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await bench.publish()
    await bench.feed(session)
    await bench.until(lambda beat: any(each.is_playable for each in beat.sessions))
    bench.platform.is_down = True
    monkeypatch.setattr("media.callbacks.GRANT_TIMEOUT_S", 0.3)
    with pytest.raises(Unavailable):
        await bench.publish()
    assert session.grant.session_id in bench.node.sessions
    bench.platform.is_down = False
    await bench.until(lambda beat: bool(beat.sessions))


async def test_metrics_name_the_channel_and_what_failed(bench: Bench) -> None:
    session = await bench.publish()
    await bench.feed(session)
    bench.platform.is_down = True
    async with asyncio.timeout(8):
        while not bench.node.failures:
            await asyncio.sleep(0.05)
    bench.platform.is_down = False
    registry = CollectorRegistry()
    registry.register(NodeCollector(bench.node))
    assert registry.get_sample_value("tally_ingest_sessions") == 1
    assert (registry.get_sample_value("tally_ingest_received_bytes_total", {"channel": "demo"}) or 0) > 10_000
    assert registry.get_sample_value("tally_ingest_failures_total", {"what": "heartbeat: ClientResponseError"}) == 1


async def test_a_frozen_publisher_gives_way_to_a_new_one_with_its_key(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await bench.publish()
    await bench.feed(old)
    monkeypatch.setattr("media.session.FROZEN_S", -1.0)
    new = await bench.publish()
    assert old.has_ended
    assert bench.cuts == ["replaced by a new connection with the same key"]
    assert list(bench.node.sessions) == [new.grant.session_id]


async def test_a_publisher_who_comes_back_at_once_is_asked_for_after_his_end_was_heard(bench: Bench) -> None:
    first = await bench.publish()
    bench.platform.is_down = True
    await first.end("connection closed")
    again = asyncio.create_task(bench.publish())
    await asyncio.sleep(0.3)
    assert not again.done()
    bench.platform.is_down = False
    async with asyncio.timeout(8):
        second = await again
    assert bench.platform.order[-2:] == ["unpublish", "publish"]
    assert list(bench.node.sessions) == [second.grant.session_id]


async def test_a_full_node_sends_publishers_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "MAX_SESSIONS", 1)
    await bench.publish()
    with pytest.raises(Unavailable):
        await bench.publish()


async def test_a_stopping_node_ends_its_sessions_and_says_so(redis_url: str, tmp_path: Path) -> None:
    async with running(redis_url, tmp_path) as bench:
        await bench.publish()
        await bench.node.stop("the server is stopping")
        assert bench.cuts == ["the server is stopping"]
        assert bench.platform.ends.get_nowait().reason == "the server is stopping"
