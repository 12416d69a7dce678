"""What is to be said over a WebSocket, bounded: whoever says it never waits, and hears when too much piles up."""

import asyncio
from collections.abc import Awaitable, Callable

from media.wire import MAX_MESSAGE_BYTES

MAX_BATCH_BYTES = 1 << 20
"""Frames that are there together go as one message, up to this much and one more."""
MAX_SOCKET_BYTES = MAX_MESSAGE_BYTES + MAX_BATCH_BYTES
"""Of one message of a WebSocket, then."""
HEARTBEAT_S = 10.0
"""Between pings; a peer that does not answer one within half of it is gone."""


class Outbox:
    """Packed frames on their way out. `put` and the others are for the loop's thread; `run` sends."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], most_bytes: int) -> None:
        self._send = send
        self._most = most_bytes
        self._frames: list[bytes] = []
        self._wake = asyncio.Event()
        self._is_finished = False
        self.unsent_bytes = 0

    def put(self, frame: bytes) -> bool:
        """Take a frame; return False, and take nothing, when too much has piled up."""
        if self.unsent_bytes + len(frame) > self._most:
            return False
        self._frames.append(frame)
        self.unsent_bytes += len(frame)
        self._wake.set()
        return True

    def finish(self) -> None:
        """Let `run` return once everything is sent."""
        self._is_finished = True
        self._wake.set()

    def drop(self) -> None:
        """Let `run` return now; what was not sent is forgotten."""
        self._frames.clear()
        self.finish()

    async def run(self) -> None:
        """Send until finished. Raises what `send` raises."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                batch = self._take()
                await self._send(batch)
                self.unsent_bytes -= len(batch)
            if self._is_finished:
                return

    def _take(self) -> bytes:
        size = count = 0
        for frame in self._frames:
            count += 1
            size += len(frame)
            if size >= MAX_BATCH_BYTES:
                break
        batch, self._frames = b"".join(self._frames[:count]), self._frames[count:]
        return batch
