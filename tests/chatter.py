"""A client of the chat socket that behaves: it comes back, goes on where it was, and asks again with the same key."""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

ANSWER_S = 3.0
"""Without an answer by then, a message is sent again with the same key."""
OPEN_S = 5.0
SILENCE_S = 4.0
"""Without a word by then, the connection is taken for dead; a ping goes out every second."""
PAUSE_S = 0.3


@dataclass
class Acked:
    """What the server said of a message that was sent, perhaps several times."""

    places: set[tuple[int, str]] = field(default_factory=set)
    attempts: int = 0


class Chatter:
    """One account (or nobody, without a token) that follows one channel through whichever server it reaches."""

    def __init__(self, client: aiohttp.ClientSession, servers: Sequence[str], channel: str, token: str = "") -> None:
        self.heard: list[dict[str, Any]] = []
        """Events of the channel's log, as they came."""
        self.faults: list[str] = []
        self.sent: dict[str, Acked] = {}
        self.connects = 0
        self._client = client
        self._servers = servers
        self._channel = channel
        self._token = token
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._joined = asyncio.Event()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}

    @property
    def last_seq(self) -> int:
        """The place of the last event, 0 before the first."""
        return int(self.heard[-1]["seq"]) if self.heard else 0

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._connection(random.choice(self._servers))
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            finally:
                self._ws = None
                self._joined.clear()
            await asyncio.sleep(random.uniform(0, PAUSE_S))

    async def _connection(self, server: str) -> None:
        query = f"&token={self._token}" if self._token else ""
        timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
        async with asyncio.timeout(OPEN_S):
            ws = await self._client.ws_connect(f"{server}/ws/chat?batch=1{query}", timeout=timeout)
        async with ws:
            self.connects += 1
            await ws.send_str(json.dumps(self._join()))
            pinging = asyncio.create_task(self._ping(ws))
            try:
                while True:
                    message = await ws.receive(timeout=SILENCE_S)
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return
                    for event in json.loads(message.data):
                        self._take(event, ws)
            finally:
                pinging.cancel()

    async def _ping(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await asyncio.sleep(1.0)
            await ws.send_str('{"type":"ping"}')

    def _join(self) -> dict[str, Any]:
        join: dict[str, Any] = {"type": "join", "channelId": self._channel}
        if self.heard:
            join |= {"lastSeq": self.last_seq, "epoch": self.heard[-1]["epoch"]}
        return join

    def _take(self, event: dict[str, Any], ws: aiohttp.ClientWebSocketResponse) -> None:
        kind = event["type"]
        if kind == "joined":
            if self.heard and not event["isResumed"]:
                self.faults.append(f"not resumed behind {self.last_seq}")
            self._ws = ws
            self._joined.set()
        elif kind == "reset":
            self.faults.append(f"reset behind {self.last_seq}")
        elif kind in ("ack", "error", "held"):
            self._answer(event)
        elif "seq" in event:
            if event["seq"] <= self.last_seq:
                self.faults.append(f"{event['seq']} came behind {self.last_seq}")
            self.heard.append(event)

    def _answer(self, event: dict[str, Any]) -> None:
        key = event.get("idempotencyKey")
        if event["type"] == "ack" and "messageId" in event and key in self.sent:
            self.sent[key].places.add((event["seq"], event["messageId"]))
        waiting = self._answers.get(key or "")
        if waiting is not None and not waiting.done():
            waiting.set_result(event)

    async def joined(self) -> None:
        """Wait until the channel is followed."""
        await self._joined.wait()

    async def say(self, content: str, key: str, *, twice: bool = False) -> dict[str, Any]:
        """Send a message until it is answered for good; `twice` sends it two times at once."""
        self.sent[key] = Acked()
        while True:
            await self._joined.wait()
            answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._answers[key] = answer
            message = {"type": "message", "channelId": self._channel, "content": content, "idempotencyKey": key}
            try:
                assert self._ws is not None
                for _ in range(2 if twice else 1):
                    self.sent[key].attempts += 1
                    await self._ws.send_str(json.dumps(message))
                async with asyncio.timeout(ANSWER_S):
                    event = await answer
            except (aiohttp.ClientError, OSError, TimeoutError, AssertionError):
                await asyncio.sleep(random.uniform(0, PAUSE_S))
                continue
            finally:
                del self._answers[key]
            if event["type"] != "error" or "retryAfterMs" not in event:
                return event
            await asyncio.sleep(event["retryAfterMs"] / 1000)
