"""Which webrtc processes are there, and who gets whom."""

import time
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from config import redis
from schemas.ids import NodeId
from schemas.webrtc import WEBRTC_NODE_TTL_S, WEBRTC_NODES, WebrtcNode
from web.webrtc.nodes import FORGOTTEN_S, FRESH_S, Nodes

pytestmark = pytest.mark.services
WALL_S = 1_800_000_000.0


class Times:
    """Both clocks of `Nodes`."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> float:
        return self.passed_s

    def wall(self) -> float:
        return WALL_S + self.passed_s


@pytest.fixture
async def client(redis_url: str) -> Any:
    client = redis.connect(redis_url)
    yield client
    await client.aclose()


def node(name: str, *, viewers: int = 0, publishers: int = 0, most: int = 10, at_s: float = 0.0) -> WebrtcNode:
    return WebrtcNode(
        node_id=NodeId(name),
        url=f"http://{name}:8084",
        viewers=viewers,
        max_viewers=most,
        publishers=publishers,
        seen_ms=round((WALL_S + at_s) * 1000),
    )


async def test_publishers_go_to_the_least_busy_and_viewers_where_there_is_most_room(client: Redis) -> None:
    times = Times()
    nodes = Nodes(client, times.now, times.wall)
    for each in (node("a", viewers=5, publishers=1), node("b", viewers=10), node("c", viewers=2, publishers=3)):
        await nodes.heard(each)
    assert [each.node_id for each in await nodes.for_publisher()] == ["b", "a", "c"]
    assert [each.node_id for each in await nodes.for_viewer()] == ["c", "a", "b"]


async def test_who_takes_no_viewers_is_asked_by_none(client: Redis) -> None:
    nodes = Nodes(client)
    await nodes.heard(msgspec.structs.replace(node("a", most=0), seen_ms=time.time_ns() // 1_000_000))
    assert await nodes.for_viewer() == []
    assert await nodes.for_publisher() != []


async def test_who_is_silent_gets_nobody_and_is_forgotten_later(client: Redis) -> None:
    times = Times()
    nodes = Nodes(client, times.now, times.wall)
    await nodes.heard(node("a"))
    await nodes.heard(node("b", at_s=WEBRTC_NODE_TTL_S))
    assert {each.node_id for each in await nodes.alive()} == {"a", "b"}
    times.passed_s = WEBRTC_NODE_TTL_S
    assert [each.node_id for each in await nodes.alive()] == ["b"]
    assert await nodes.find("a") is None
    assert await client.hexists(WEBRTC_NODES, "a")
    times.passed_s = FORGOTTEN_S + 1
    assert await nodes.alive() == []
    assert not await client.hexists(WEBRTC_NODES, "a")
    assert await client.hexists(WEBRTC_NODES, "b")


async def test_redis_is_asked_once_a_second(client: Redis) -> None:
    times = Times()
    nodes = Nodes(client, times.now, times.wall)
    assert await nodes.alive() == []
    await nodes.heard(node("a"))
    assert await nodes.alive() == []
    times.passed_s = FRESH_S
    assert [each.node_id for each in await nodes.alive()] == ["a"]


async def test_what_another_version_wrote_is_passed_over(client: Redis) -> None:
    await client.hset(WEBRTC_NODES, "b", b'{"url":1}')
    times = Times()
    nodes = Nodes(client, times.now, times.wall)
    await nodes.heard(node("a"))
    assert [msgspec.to_builtins(each)["nodeId"] for each in await nodes.alive()] == ["a"]
