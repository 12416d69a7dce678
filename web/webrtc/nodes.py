"""The webrtc processes: what their heartbeats say, kept in Redis, and which of them gets whom.

Redis away raises `RedisError`.
"""

import math
import random
import time
from collections.abc import Callable
from typing import Final

import msgspec
from redis.asyncio import Redis

from schemas.webrtc import WEBRTC_NODE_TTL_S, WEBRTC_NODES, WebrtcNode

FRESH_S: Final = 1.0
"""For so long one look at Redis is good for everybody who asks."""
FORGOTTEN_S: Final = 10 * WEBRTC_NODE_TTL_S
"""Of a process that went without a word, this much later nothing is kept."""


class Nodes:
    """Every web process has one; they all read what any of them was told."""

    def __init__(
        self, redis: Redis, now: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._redis = redis
        self._now = now
        self._wall = wall
        self._known: list[WebrtcNode] = []
        self._asked_at = -math.inf

    async def heard(self, node: WebrtcNode) -> None:
        """Keep what a process has said just now."""
        await self._redis.hset(WEBRTC_NODES, node.node_id, msgspec.json.encode(node))

    async def alive(self) -> list[WebrtcNode]:
        """Return the processes that were heard of lately."""
        if self._now() - self._asked_at >= FRESH_S:
            self._known = await self._read()
            self._asked_at = self._now()
        return self._known

    def look_again(self) -> None:
        """Ask Redis the next time."""
        self._asked_at = -math.inf

    async def find(self, node_id: str) -> WebrtcNode | None:
        """Return one of them."""
        return next((node for node in await self.alive() if node.node_id == node_id), None)

    async def for_publisher(self) -> list[WebrtcNode]:
        """Return who may take a publisher, the least busy first."""
        return sorted(_shuffled(await self.alive()), key=lambda node: node.publishers)

    async def for_viewer(self) -> list[WebrtcNode]:
        """Return who takes viewers, the emptiest first.

        Those that were full when they were last heard of come last: somebody may have left since.
        """
        nodes = [node for node in _shuffled(await self.alive()) if node.max_viewers]
        return sorted(nodes, key=lambda node: (node.viewers >= node.max_viewers, node.viewers))

    async def _read(self) -> list[WebrtcNode]:
        stored = await self._redis.hgetall(WEBRTC_NODES)
        now_ms = self._wall() * 1000
        alive: list[WebrtcNode] = []
        forgotten: list[bytes | str] = []
        for name, value in stored.items():
            try:
                node = msgspec.json.decode(value, type=WebrtcNode)
            except msgspec.MsgspecError:  # of another version: it writes again in a moment what its web understands
                forgotten.append(name)
                continue
            if now_ms - node.seen_ms < WEBRTC_NODE_TTL_S * 1000:
                alive.append(node)
            elif now_ms - node.seen_ms > FORGOTTEN_S * 1000:
                forgotten.append(name)
        if forgotten:
            await self._redis.hdel(WEBRTC_NODES, *forgotten)
        return alive


def _shuffled(nodes: list[WebrtcNode]) -> list[WebrtcNode]:
    """Equals in chance's order: between two heartbeats not everybody goes to one."""
    return random.sample(nodes, len(nodes))
