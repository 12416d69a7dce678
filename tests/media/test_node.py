"""Claims of media.node: sessions, their heartbeats, registry entries and ends, with a real Redis."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
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
from media.journal.reader import read_journal
from media.links.messages import FromFeed, Shown
from media.metrics import NodeCollector
from media.node import NEVER_BEGUN, Node
from media.pictures.link import Pictures
from media.pipeline import Pipeline, Workshop
from media.publication import PublishAttempt, Refused, Unavailable, WrongChannel
from media.publisher import Publisher
from media.recovery import NEVER_SHOWN, TOO_LATE, recover
from media.registry import Registry
from media.session import STOPPED, Session
from media.spool import Spool
from media.testcard import CardSettings, TestCard
from media.transcode.admission import Admission
from schemas.access import Visibility
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
    SetVisibility,
    Unpublish,
    live_key,
    session_key,
)
from schemas.journal import Ended

pytestmark = pytest.mark.services

ORIGIN = "http://127.0.0.1:8082"
CARD = CardSettings(width=320, height=180, frame_rate=25, keyframe_interval_s=0.4)


class Platform:
    """The web service as the node sees it: grants by key, hears heartbeats and ends."""

    def __init__(self) -> None:
        self.beats: asyncio.Queue[Heartbeat] = asyncio.Queue()
        self.ends: asyncio.Queue[Unpublish] = asyncio.Queue()
        self.cut: list[Cut] = []
        self.visibility: dict[SessionId, Visibility] = {}
        self.is_down = False
        self.order: list[str] = []
        self.open: SessionId | None = None
        """The channel's open row."""
        self.given = SessionId("")
        self.visible_at_first: Visibility = "public"
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
            is_test = "bandwidthtest" in asked.params
            is_running = self.open is not None and not is_test
            if not is_running:
                self.given = SessionId(f"s{next(self._numbers)}")
                self.open = None if is_test else self.given
            session = self.open or self.given
            data = PublishGrant(
                ChannelId("c1"),
                "demo",
                session,
                is_running=is_running,
                is_test=is_test,
                visibility=self.visible_at_first,
            )
        elif path == "heartbeat":
            self.beats.put_nowait(msgspec.json.decode(body, type=Heartbeat))
            data = HeartbeatAnswer(self.cut, self.visibility)
        else:
            self.ends.put_nowait(msgspec.json.decode(body, type=Unpublish))
            self.open = None
            data = {}
        return web.Response(body=msgspec.json.encode({"success": True, "data": data}))


class Bench:
    """A running node between a platform and a Redis."""

    def __init__(self, node: Node, platform: Platform, redis: Redis) -> None:
        self.node, self.platform, self.redis = node, platform, redis
        self.cuts: list[str] = []

    async def publish(self, key: str = "good", **params: str) -> Publisher:
        return await self.node.open(PublishAttempt("rtmp", key, params, "127.0.0.1", "test"), self.cuts.append)

    async def feed(self, publisher: Publisher, frames: int = 40) -> None:
        card = await asyncio.to_thread(TestCard, CARD)
        for config in card.configs:
            publisher.configure(config)
        for _ in range(frames):
            for packet in card.packets():
                publisher.push(packet)

    @property
    def session(self) -> Session:
        """The only session."""
        [session] = self.node.sessions.values()
        return session

    async def playing(self) -> Publisher:
        """A publisher on the air."""
        publisher = await self.publish()
        await self.feed(publisher)
        await self.until(lambda beat: any(each.is_playable for each in beat.sessions))
        return publisher

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
async def running(
    redis_url: str, folder: Path, *, grace_s: float = 30.0, platform: Platform | None = None, is_killed: bool = False
) -> AsyncIterator[Bench]:
    """Run a node; `is_killed`: until it is killed, which leaves its sessions as they are."""
    platform = platform or Platform()
    spool = Spool(folder / "spool")

    workshop = Workshop(
        part_s=0.2,
        segment_s=0.4,
        spool=spool,
        rungs={},
        admission=Admission(1.0),
        encoder="libx264",
        preset="veryfast",
        pictures=Pictures(spool),
    )

    async def handle(request: web.Request) -> web.Response:
        return platform.answer(request.match_info["what"], await request.read())

    app = web.Application()
    app.router.add_post("/internal/ingest/{what}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    redis = connect(redis_url)
    async with aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        node = Node(
            node_id=NodeId("n1"),
            origin_url=ORIGIN,
            grace_s=grace_s,
            spool=spool,
            callbacks=Callbacks(url, "secret", NodeId("n1"), http),
            registry=Registry(redis),
            make_pipeline=partial(Pipeline, workshop),
        )
        for recovered in recover(spool, grace_s):
            node.resume(recovered)
        life = asyncio.create_task(node.run())
        async with asyncio.timeout(10):
            await node.has_announced.wait()
        try:
            yield Bench(node, platform, redis)
        finally:
            if not is_killed:
                await node.suspend()
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
    publisher = await bench.publish()
    assert await bench.entry(live_key("c1")) is None
    await bench.feed(publisher)
    beat = await bench.until(lambda beat: any(each.is_playable for each in beat.sessions))
    for key in (live_key("c1"), live_key("demo"), session_key("s1")):
        entry = await bench.entry(key)
        assert entry is not None
        assert (entry.origin_url, entry.session_id) == (ORIGIN, "s1")
    [health] = beat.sessions
    assert health.video is not None
    assert (health.video.width, health.video.height) == (320, 180)
    assert health.audio is not None
    assert health.received_bytes > 10_000
    [measured] = health.publishers
    assert (measured.is_on_air, measured.priority, measured.received_bytes) == (True, 0, health.received_bytes)


async def test_an_ended_stream_leaves_the_air_but_its_end_can_be_fetched(bench: Bench) -> None:
    publisher = await bench.playing()
    await publisher.end("publisher sent deleteStream", is_lost=False)
    async with asyncio.timeout(5):
        end = await bench.platform.ends.get()
    assert (end.session_id, end.reason) == ("s1", "publisher sent deleteStream")
    assert await bench.entry(live_key("c1")) is None
    assert await bench.entry(live_key("demo")) is None
    assert await bench.entry(session_key("s1")) is not None
    assert "s1" in bench.node.streams
    assert not bench.node.sessions


async def test_an_end_does_not_take_a_successor_off_the_air(bench: Bench) -> None:
    publisher = await bench.playing()
    successor = LiveEntry(ChannelId("c1"), "demo", SessionId("other"), NodeId("n2"), "http://elsewhere", 1)
    await bench.redis.set(live_key("c1"), msgspec.json.encode(successor))
    await publisher.end("said goodbye", is_lost=False)
    async with asyncio.timeout(5):
        await bench.platform.ends.get()
    assert await bench.entry(live_key("c1")) == successor


async def test_a_lost_publisher_is_told_at_once_and_the_stream_stays_registered(bench: Bench) -> None:
    publisher = await bench.playing()
    asked = asyncio.get_running_loop().time()
    await publisher.end("connection reset")
    beat = await bench.until(lambda beat: any(each.is_waiting for each in beat.sessions))
    assert asyncio.get_running_loop().time() - asked < 1.0
    [health] = beat.sessions
    assert health.returns_until_ms is not None
    assert (health.interruptions, health.publishers) == (1, [])
    assert await bench.entry(live_key("c1")) is not None
    assert bench.platform.ends.empty()


async def test_a_publisher_who_comes_back_goes_on_in_his_session(bench: Bench) -> None:
    first = await bench.playing()
    await first.end("connection reset")
    await bench.until(lambda beat: any(each.is_waiting for each in beat.sessions))
    second = await bench.publish()
    await bench.feed(second)
    beat = await bench.until(lambda beat: not any(each.is_waiting for each in beat.sessions))
    assert [each.session_id for each in beat.sessions] == ["s1"]
    assert bench.session.interruptions == 1
    assert bench.cuts == []


async def test_a_session_whose_publisher_stays_away_ends_with_the_reason(redis_url: str, tmp_path: Path) -> None:
    async with running(redis_url, tmp_path, grace_s=0.5) as bench:
        publisher = await bench.playing()
        await publisher.end("connection reset")
        async with asyncio.timeout(5):
            end = await bench.platform.ends.get()
        assert end.reason == "The publisher was lost and did not come back."


async def test_a_second_publisher_is_refused_while_the_first_is_healthy(bench: Bench) -> None:
    await bench.playing()
    with pytest.raises(Refused, match="already live from somewhere else"):
        await bench.publish()
    with pytest.raises(Refused, match="whole number from -100 to 100"):
        await bench.publish(priority="high")
    await bench.publish(priority="-1")
    assert len(bench.session.health(0.0).publishers) == 2


async def test_a_frozen_publisher_gives_way_to_a_new_one_with_its_key(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await bench.playing()
    monkeypatch.setattr("media.publisher.FROZEN_S", -1.0)
    new = await bench.publish()
    monkeypatch.undo()
    assert bench.cuts == ["Another publisher of this channel has taken over."]
    await bench.feed(old)
    assert bench.session.is_waiting
    await bench.feed(new)
    assert not bench.session.is_waiting


async def test_the_key_of_a_running_session_is_good_while_web_is_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await bench.playing()
    bench.platform.is_down = True
    await first.end("connection reset")
    monkeypatch.setattr("media.callbacks.GRANT_TIMEOUT_S", 0.3)
    second = await bench.publish()
    await bench.feed(second)
    assert not bench.session.is_waiting
    for key, params in (("bad", {}), ("good", {"bandwidthtest": "true"})):
        with pytest.raises(Unavailable):
            await bench.publish(key, **params)
    bench.platform.is_down = False


async def test_a_bandwidth_test_is_reported_and_never_served(bench: Bench) -> None:
    publisher = await bench.publish(bandwidthtest="true")
    await bench.feed(publisher)
    beat = await bench.until(lambda beat: any(each.received_bytes for each in beat.sessions))
    [health] = beat.sessions
    assert (health.is_test, health.is_playable) == (True, False)
    assert health.video is not None
    assert health.video.frame_rate == pytest.approx(25, abs=1)
    assert not bench.node.streams
    assert await bench.entry(live_key("c1")) is None
    await publisher.end("goodbye", is_lost=False)
    assert not bench.node.tests
    assert bench.platform.ends.empty()


async def test_a_bandwidth_test_ends_after_a_minute_with_its_outcome(bench: Bench) -> None:
    publisher = await bench.publish(bandwidthtest="true")
    await bench.feed(publisher)
    bench.node.pulse(publisher.connected_at + 59)
    assert bench.cuts == []
    bench.node.pulse(publisher.connected_at + 60)
    [sentence] = bench.cuts
    assert sentence.startswith("The bandwidth test is over: ")
    assert "Mbit/s" in sentence
    assert not bench.node.tests


async def test_a_fault_in_one_session_ends_it_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.playing()

    def fail(_now: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bench.session, "pulse", fail)
    async with asyncio.timeout(5):
        assert (await bench.platform.ends.get()).reason == node_module.OUR_FAULT
    assert bench.cuts == [node_module.OUR_FAULT]
    await bench.publish()


async def test_a_wrong_key_opens_nothing(bench: Bench) -> None:
    with pytest.raises(Refused, match="not valid"):
        await bench.publish("bad")
    assert not bench.node.sessions


async def test_a_command_cuts_its_session_and_says_why(bench: Bench) -> None:
    await bench.publish()
    command = msgspec.json.encode(CutSession(SessionId("s1"), "the stream key was replaced"))
    async with asyncio.timeout(5):
        while not await bench.redis.publish(INGEST_COMMANDS, command):
            await asyncio.sleep(0.01)
        await bench.platform.ends.get()
    assert bench.cuts == ["the stream key was replaced"]


async def test_a_command_cuts_a_session_that_waits(bench: Bench) -> None:
    publisher = await bench.playing()
    await publisher.end("connection reset")
    command = msgspec.json.encode(CutSession(SessionId("s1"), "the stream key was replaced"))
    async with asyncio.timeout(5):
        while not await bench.redis.publish(INGEST_COMMANDS, command):
            await asyncio.sleep(0.01)
        assert (await bench.platform.ends.get()).reason == "the stream key was replaced"


async def test_a_heartbeats_answer_cuts_too(bench: Bench) -> None:
    await bench.publish()
    bench.platform.cut = [Cut(SessionId("s1"), "ended by its owner")]
    async with asyncio.timeout(8):
        await bench.platform.ends.get()
    assert bench.cuts == ["ended by its owner"]


async def test_a_command_that_is_no_command_is_survived(bench: Bench) -> None:
    await bench.publish()
    async with asyncio.timeout(5):
        while not await bench.redis.publish(INGEST_COMMANDS, b"\xff{"):
            await asyncio.sleep(0.01)
        await bench.redis.publish(INGEST_COMMANDS, msgspec.json.encode(CutSession(SessionId("s1"), "stop")))
        await bench.platform.ends.get()
    assert bench.cuts == ["stop"]


async def test_a_running_stream_goes_on_while_web_is_down(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.playing()
    bench.platform.is_down = True
    monkeypatch.setattr("media.callbacks.GRANT_TIMEOUT_S", 0.3)
    with pytest.raises(Unavailable):
        await bench.publish("other")
    assert list(bench.node.sessions) == ["s1"]
    bench.platform.is_down = False
    await bench.until(lambda beat: bool(beat.sessions))


async def test_metrics_name_the_channel_and_what_failed(bench: Bench) -> None:
    publisher = await bench.publish()
    await bench.feed(publisher)
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


async def test_a_publisher_who_comes_back_at_once_is_asked_for_after_his_end_was_heard(bench: Bench) -> None:
    first = await bench.publish()
    farewell = bench.node._callbacks.unpublish
    may_say = asyncio.Event()

    async def later(session_id: SessionId, reason: str) -> None:
        await may_say.wait()
        await farewell(session_id, reason)

    bench.node._callbacks.unpublish = later  # type: ignore[method-assign]  # web hears of the end late
    await first.end("said goodbye", is_lost=False)
    again = asyncio.create_task(bench.publish())
    await asyncio.sleep(0.3)
    assert not again.done()
    may_say.set()
    async with asyncio.timeout(8):
        await again
    assert bench.platform.order[-3:] == ["publish", "unpublish", "publish"]
    assert list(bench.node.sessions) == ["s2"]


async def test_a_session_is_listed_until_web_has_heard_of_its_end(bench: Bench) -> None:
    publisher = await bench.playing()
    may_say = asyncio.Event()

    async def later(session_id: SessionId, reason: str) -> None:
        await may_say.wait()

    bench.node._callbacks.unpublish = later  # type: ignore[method-assign]  # web hears of the end late
    await publisher.end("said goodbye", is_lost=False)
    while not bench.platform.beats.empty():
        bench.platform.beats.get_nowait()
    assert [each.session_id for each in (await bench.until(lambda _: True)).sessions] == ["s1"]
    may_say.set()
    await bench.until(lambda beat: not beat.sessions)


async def test_a_grant_whose_answer_was_lost_is_taken_up_by_the_next_publisher(bench: Bench) -> None:
    bench.platform.open = SessionId("opened before")
    await bench.publish()
    assert list(bench.node.sessions) == ["opened before"]


async def test_a_full_node_sends_publishers_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "MAX_SESSIONS", 1)
    await bench.publish()
    with pytest.raises(Unavailable):
        await bench.publish()


async def test_a_stopping_node_ends_what_has_shown_nothing(bench: Bench) -> None:
    await bench.publish()
    await bench.node.suspend()
    assert bench.cuts == [STOPPED]
    assert bench.platform.ends.get_nowait().reason == STOPPED


async def test_a_stopping_node_leaves_what_plays_to_the_next(bench: Bench) -> None:
    await bench.playing()
    await bench.node.suspend()
    assert bench.cuts == [STOPPED]
    [health] = (await bench.until(lambda beat: any(each.is_waiting for each in beat.sessions))).sessions
    assert health.publishers == []
    assert bench.platform.ends.empty()
    assert await bench.entry(live_key("demo")) is not None


# --- another process after this one -------------------------------------------------------------------------


async def test_a_killed_nodes_session_waits_in_the_next_and_its_publisher_goes_on(
    redis_url: str, tmp_path: Path
) -> None:
    async with running(redis_url, tmp_path, is_killed=True) as first:
        await first.playing()
        started_at_ms = first.session.started_at_ms
        msn = first.session.live.windows["video"].last_closed_msn
    async with running(redis_url, tmp_path, platform=first.platform) as bench:
        beat = await bench.until(lambda beat: any(each.is_waiting for each in beat.sessions))
        [health] = beat.sessions
        assert (health.session_id, health.is_playable, health.started_at_ms) == ("s1", True, started_at_ms)
        assert health.returns_until_ms is not None
        assert health.interruptions == 1
        assert bench.node.streams[SessionId("s1")].windows["video"].last_closed_msn >= msn
        assert await bench.entry(live_key("demo")) is not None
        publisher = await bench.publish()
        await bench.feed(publisher)
        beat = await bench.until(lambda beat: not any(each.is_waiting for each in beat.sessions))
        assert [each.session_id for each in beat.sessions] == ["s1"]
        assert bench.session.live.windows["video"].last_closed_msn > msn
    assert first.platform.ends.empty()


async def test_the_first_heartbeat_of_the_next_process_names_what_goes_on(redis_url: str, tmp_path: Path) -> None:
    async with running(redis_url, tmp_path, is_killed=True) as first:
        await first.playing()
    while not first.platform.beats.empty():
        first.platform.beats.get_nowait()
    async with running(redis_url, tmp_path, platform=first.platform) as bench:
        assert [each.session_id for each in bench.platform.beats.get_nowait().sessions] == ["s1"]


async def test_a_session_that_was_silent_for_too_long_is_ended_with_its_journal(redis_url: str, tmp_path: Path) -> None:
    async with running(redis_url, tmp_path, is_killed=True) as first:
        await first.playing()
    journal = tmp_path / "spool" / "s1" / "journal"
    os.utime(journal, (0, 0))
    async with running(redis_url, tmp_path, platform=first.platform) as bench:
        assert not bench.node.sessions
        async with asyncio.timeout(5):
            assert (await bench.platform.ends.get()).reason == TOO_LATE
    last = read_journal(journal).records[-1]
    assert isinstance(last, Ended)
    assert last.reason == TOO_LATE


async def test_a_session_that_had_shown_nothing_is_ended(redis_url: str, tmp_path: Path) -> None:
    async with running(redis_url, tmp_path, is_killed=True) as first:
        await first.publish()
    async with running(redis_url, tmp_path, platform=first.platform) as bench:
        async with asyncio.timeout(5):
            assert (await bench.platform.ends.get()).reason == NEVER_SHOWN
        await bench.publish()
        assert list(bench.node.sessions) == ["s2"]


async def test_a_session_that_cannot_be_resumed_ends_alone(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(redis_url, tmp_path, is_killed=True) as first:
        await first.playing()

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Pipeline, "resume", fail)
    async with running(redis_url, tmp_path, platform=first.platform) as bench:
        async with asyncio.timeout(5):
            assert (await bench.platform.ends.get()).reason == node_module.OUR_FAULT
        assert not bench.node.streams
    assert isinstance(read_journal(tmp_path / "spool" / "s1" / "journal").records[-1], Ended)


async def test_a_number_that_was_here_never_begins_again(redis_url: str, tmp_path: Path) -> None:
    async with running(redis_url, tmp_path, is_killed=True) as first:
        await first.playing()
    os.utime(tmp_path / "spool" / "s1" / "journal", (0, 0))
    async with running(redis_url, tmp_path, platform=first.platform) as bench:
        async with asyncio.timeout(5):
            await bench.platform.ends.get()
        bench.platform.open = SessionId("s1")  # web has not heard of the end
        with pytest.raises(Unavailable):
            await bench.publish()
        bench.platform.open = None
        await bench.publish()
        assert list(bench.node.sessions) == ["s2"]


async def test_nobody_is_let_in_before_web_knows_what_goes_on(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(redis_url, tmp_path, is_killed=True) as first:
        await first.playing()
    first.platform.is_down = True
    async with running(redis_url, tmp_path, platform=first.platform) as bench:
        monkeypatch.setattr(node_module, "GRANT_TIMEOUT_S", 0.3)
        with pytest.raises(Unavailable):
            await bench.publish("other")
        await bench.publish()  # its key is known, so it need not wait for web
        monkeypatch.undo()
        await bench.redis.delete(live_key("demo"))
        asking = asyncio.create_task(bench.publish("other"))
        await asyncio.sleep(0.1)
        bench.platform.is_down = False
        with pytest.raises(Refused, match="not valid"):
            await asking
        await bench.until(lambda beat: bool(beat.sessions))


# --- who may watch ------------------------------------------------------------------------------------------


async def visibility(bench: Bench) -> Visibility | None:
    entry = await bench.entry(live_key("demo"))
    return entry.visibility if entry else None


async def test_a_grant_a_command_and_an_answer_say_who_may_watch(bench: Bench) -> None:
    bench.platform.visible_at_first = "followers"
    bench.platform.visibility[SessionId("s1")] = "followers"
    await bench.playing()
    assert await visibility(bench) == "followers"
    bench.platform.visibility[SessionId("s1")] = "private"
    command = msgspec.json.encode(SetVisibility(SessionId("s1"), "private"))
    async with asyncio.timeout(5):
        while not await bench.redis.publish(INGEST_COMMANDS, command):
            await asyncio.sleep(0.01)
        while await visibility(bench) != "private":
            await asyncio.sleep(0.01)
    bench.platform.visibility.clear()
    async with asyncio.timeout(8):
        while await visibility(bench) != "public":
            await asyncio.sleep(0.05)


async def test_a_session_that_goes_on_is_not_found_before_web_says_who_may_watch(
    redis_url: str, tmp_path: Path
) -> None:
    async with running(redis_url, tmp_path, is_killed=True) as first:
        await first.playing()
        await first.redis.delete(live_key("demo"))
    first.platform.is_down = True
    first.platform.visibility[SessionId("s1")] = "private"
    async with running(redis_url, tmp_path, platform=first.platform) as bench:
        await asyncio.sleep(0.5)
        assert await visibility(bench) is None
        bench.platform.is_down = False
        async with asyncio.timeout(5):
            while await visibility(bench) is None:
                await asyncio.sleep(0.05)
        assert await visibility(bench) == "private"


async def test_a_session_is_found_by_id_and_by_name_before_it_can_be_played(bench: Bench) -> None:
    assert bench.node.find("demo") is None
    await bench.publish()
    assert bench.node.find("c1") is bench.node.find("Demo") is bench.session
    assert bench.node.find("c2") is None
    assert bench.node.feeds(SessionId("s1")) is bench.session.feeds
    assert bench.node.feeds(SessionId("s2")) is None


async def test_a_publisher_with_the_key_of_another_channel_begins_nothing(bench: Bench) -> None:
    attempt = PublishAttempt("whip", "good", {}, "127.0.0.1", "test")
    with pytest.raises(WrongChannel, match="another channel"):
        await bench.node.open(attempt, bench.cuts.append, "other")
    assert not bench.node.sessions
    async with asyncio.timeout(20):
        end = await bench.platform.ends.get()
    assert (end.session_id, end.reason) == ("s1", NEVER_BEGUN)
    publisher = await bench.node.open(attempt, bench.cuts.append, "Demo")
    with pytest.raises(WrongChannel):
        await bench.node.open(attempt, bench.cuts.append, "other")
    await bench.feed(publisher)
    assert bench.platform.ends.empty()
    assert publisher.grant is not None
    assert publisher.grant.session_id == bench.session.grant.session_id


async def test_who_may_watch_is_told_to_feeds(bench: Bench) -> None:
    said: list[FromFeed] = []
    bench.platform.visible_at_first = "followers"
    await bench.publish()
    bench.session.feeds.subscribe([], said.append)
    bench.platform.visibility = {SessionId("s1"): "private"}
    async with asyncio.timeout(20):
        while said[1:] != [Shown("followers"), Shown("private")]:
            await bench.platform.beats.get()
            await asyncio.sleep(0)
