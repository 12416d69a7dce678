"""The registry's memory against a real Valkey that dies and returns."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from config.embedded import EmbeddedValkey
from config.redis import connect
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import LiveEntry, live_key, session_key
from schemas.socket import STREAM_EVENTS, ChannelUpdated, StreamOffline, StreamOnline
from web.hls.registry import FRESH_S, MAX_REMEMBERED, STALE_S, Registry, Unavailable

pytestmark = pytest.mark.services

LIVE = LiveEntry(ChannelId("c1"), "demo", SessionId("s1"), NodeId("n"), "http://o", 0)


class Bench:
    """A registry whose clock is the test's."""

    def __init__(self, url: str) -> None:
        self.redis = connect(url)
        self.now = 100.0
        self.registry = Registry(self.redis, lambda: self.now)

    async def put(self, key: str, live: LiveEntry = LIVE) -> None:
        await self.redis.set(key, msgspec.json.encode(live))


@pytest.fixture
async def bench(redis_url: str) -> AsyncIterator[Bench]:
    made = Bench(redis_url)
    yield made
    await made.registry.close()
    await made.redis.aclose()


@pytest.fixture
def mortal(server_directory: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey that the test may kill."""
    runtime = server_directory / "mortal"
    runtime.mkdir(exist_ok=True)
    server = EmbeddedValkey(runtime / "data", runtime, durable=False)
    server.start()
    yield server
    server.stop()


async def test_an_answer_is_believed_for_its_time(bench: Bench) -> None:
    await bench.put(live_key("demo"))
    assert await bench.registry.find_channel("demo") == LIVE
    await bench.redis.delete(live_key("demo"))
    bench.now += FRESH_S - 0.01
    assert await bench.registry.find_channel("demo") == LIVE
    bench.now += 0.01
    assert await bench.registry.find_channel("demo") is None
    await bench.put(live_key("demo"))
    bench.now += FRESH_S - 0.01
    assert await bench.registry.find_channel("demo") is None
    bench.now += 0.01
    assert await bench.registry.find_channel("demo") == LIVE


async def test_sessions_and_channels_are_different_names(bench: Bench) -> None:
    await bench.put(session_key("x"))
    assert await bench.registry.find_channel("x") is None
    assert await bench.registry.find_session("x") == LIVE


async def test_equal_look_ups_are_one_and_survive_the_one_who_leaves(bench: Bench) -> None:
    await bench.put(live_key("demo"))
    before = (await bench.redis.info("commandstats")).get("cmdstat_get", {}).get("calls", 0)
    tasks = [asyncio.create_task(bench.registry.find_channel("demo")) for _ in range(10)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    assert await asyncio.gather(*tasks[1:]) == [LIVE] * 9
    after = (await bench.redis.info("commandstats"))["cmdstat_get"]["calls"]
    assert after - before == 1


async def test_only_so_many_names_are_remembered(bench: Bench) -> None:
    await bench.put(live_key("0"))
    assert await bench.registry.find_channel("0") == LIVE
    for number in range(1, MAX_REMEMBERED + 1):
        await bench.registry.find_channel(str(number))
    assert bench.registry.recall_channel("0") is None
    assert bench.registry.recall_channel("1") is not None


async def test_an_event_ends_the_belief_it_makes_wrong_and_no_other(bench: Bench) -> None:
    await bench.put(live_key("demo"))
    await bench.registry.find_channel("demo")
    await bench.registry.find_channel("absent")
    bench.registry.obey(ChannelUpdated(ChannelId("c1")))
    bench.registry.obey(StreamOffline(ChannelId("c1"), SessionId("another"), 0))
    assert bench.registry.recall_channel("demo") is not None
    assert bench.registry.recall_channel("absent") is not None
    bench.registry.obey(StreamOnline(ChannelId("c2"), SessionId("s2"), 0))
    assert bench.registry.recall_channel("absent") is None
    assert bench.registry.recall_channel("demo") is not None
    bench.registry.obey(StreamOffline(ChannelId("c1"), SessionId("s1"), 0))
    assert bench.registry.recall_channel("demo") is None


async def test_an_entry_nobody_understands_is_not_an_absence(bench: Bench) -> None:
    await bench.redis.set(live_key("demo"), b"{}")
    with pytest.raises(Unavailable):
        await bench.registry.find_channel("demo")


async def test_a_known_stream_outlives_redis_and_costs_one_deadline_only(mortal: EmbeddedValkey) -> None:
    bench = Bench(mortal.url)
    await bench.put(live_key("demo"))
    assert await bench.registry.find_channel("demo") == LIVE
    mortal.stop()
    bench.now += FRESH_S
    assert await bench.registry.find_channel("demo") == LIVE
    async with asyncio.timeout(0.2):
        assert await bench.registry.find_channel("demo") == LIVE
    with pytest.raises(Unavailable):
        await bench.registry.find_channel("unknown")
    bench.now += STALE_S
    with pytest.raises(Unavailable):
        await bench.registry.find_channel("demo")
    mortal.start()
    await bench.redis.delete(live_key("demo"))
    assert await bench.registry.find_channel("demo") is None
    await bench.registry.close()
    await bench.redis.aclose()


async def test_events_are_followed_again_after_redis_was_away(mortal: EmbeddedValkey) -> None:
    bench = Bench(mortal.url)
    await bench.registry.find_channel("asked before anyone listened")
    following = asyncio.create_task(bench.registry.follow())
    async with asyncio.timeout(5):
        while bench.registry.recall_channel("asked before anyone listened") is not None:
            await asyncio.sleep(0.01)

    async def event_arrives() -> None:
        await bench.registry.find_channel("absent")
        async with asyncio.timeout(15):
            while bench.registry.recall_channel("absent") is not None:
                await bench.redis.publish(STREAM_EVENTS, b"not for us")
                event = StreamOnline(ChannelId("c1"), SessionId("s1"), 0)
                await bench.redis.publish(STREAM_EVENTS, msgspec.json.encode(event))
                await asyncio.sleep(0.02)

    await event_arrives()
    mortal.stop()
    mortal.start()
    await event_arrives()
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    await bench.registry.close()
    await bench.redis.aclose()
