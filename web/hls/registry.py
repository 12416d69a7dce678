"""Where a live stream is: the registry in Redis, asked at most once per second and name.

Unavailable      Redis does not answer and nothing is remembered either
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.redis import messages
from schemas.ingest import LiveEntry, live_key, session_key
from schemas.socket import STREAM_EVENTS, ChannelEvent, StreamOffline, StreamOnline

log = structlog.get_logger()

FRESH_S: Final = 1.0
"""A found or missing entry is believed for so long; events end that earlier."""
STALE_S: Final = 60.0
"""While Redis is away, a stream that was found is believed for so long: viewers go on watching."""
KNOWN_S: Final = 5.0
"""Who may watch is believed for so long. Playlists renew it every second; only media alone would make it older."""
MAX_REMEMBERED: Final = 4096
LOOKUP_DEADLINE_S: Final = 1.0
"""Redis answers within a millisecond; whoever waits has a player whose buffer runs out."""


class Unavailable(Exception):
    """Ours: whether the stream exists cannot be found out right now."""


class Memo(msgspec.Struct):
    """An answer of Redis and when it came; doubtful once it could not be renewed."""

    live: LiveEntry | None
    asked_at: float
    is_doubtful: bool = False


class Registry:
    """Look-ups by registry key, remembered and joined. `follow` runs beside them and keeps the memory honest."""

    def __init__(self, redis: Redis, now: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._now = now
        self._memos: dict[str, Memo] = {}
        self._lookups: dict[str, asyncio.Task[LiveEntry | Unavailable | None]] = {}
        self._decode = msgspec.json.Decoder(LiveEntry).decode
        self._decode_event = msgspec.json.Decoder(ChannelEvent).decode

    def recall_channel(self, channel: str) -> Memo | None:
        """Return what is freshly known of a channel, without asking Redis."""
        return self._fresh(live_key(channel))

    def recall_session(self, session: str) -> Memo | None:
        """Return what is freshly known of a session, without asking Redis."""
        return self._fresh(session_key(session))

    def known(self, key: str) -> Memo | None:
        """Return what was known of a registry key the last time."""
        return self._memos.get(key)

    def is_believed(self, memo: Memo, now: float) -> bool:
        """Whether it still says who may watch."""
        return now - memo.asked_at < (STALE_S if memo.is_doubtful else KNOWN_S)

    async def find_channel(self, channel: str) -> LiveEntry | None:
        """Return the live entry of a channel, by id or name, or None when it is not live."""
        return await self._find(live_key(channel))

    async def find_session(self, session: str) -> LiveEntry | None:
        """Return the entry of a session, which outlives its stream by a minute."""
        return await self._find(session_key(session))

    async def _find(self, key: str) -> LiveEntry | None:
        memo = self._fresh(key)
        if memo is not None:
            return memo.live
        task = self._lookups.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key), name=f"registry {key}")
            self._lookups[key] = task
            task.add_done_callback(lambda _: self._lookups.pop(key, None))
        doubtful = self._memos.get(key)
        if doubtful is not None and doubtful.is_doubtful and self._is_good_enough(doubtful):
            return doubtful.live  # the look-up goes on beside: a player must not wait for each deadline anew
        # shielded: one waiter's leaving must not end the look-up of the others
        answer = await asyncio.shield(task)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    async def _ask(self, key: str) -> LiveEntry | Unavailable | None:
        try:
            async with asyncio.timeout(LOOKUP_DEADLINE_S):
                value = await self._redis.get(key)
            live = None if value is None else self._decode(value)
        except (RedisError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            memo = self._memos.get(key)
            if memo is None or not self._is_good_enough(memo):
                return Unavailable(f"registry: {error!r}")
            memo.is_doubtful = True
            return memo.live
        self._remember(key, live)
        return live

    def _fresh(self, key: str) -> Memo | None:
        memo = self._memos.get(key)
        return memo if memo is not None and self._now() - memo.asked_at < FRESH_S else None

    def _is_good_enough(self, memo: Memo) -> bool:
        return memo.live is not None and self._now() - memo.asked_at < STALE_S

    def _remember(self, key: str, live: LiveEntry | None) -> None:
        self._memos.pop(key, None)
        self._memos[key] = Memo(live, self._now())
        while len(self._memos) > MAX_REMEMBERED:
            del self._memos[next(iter(self._memos))]

    def obey(self, event: ChannelEvent) -> None:
        """Forget what an event has made wrong: an absence when a stream begins, a stream when it ends."""
        match event:
            case StreamOnline():
                wrong = [key for key, memo in self._memos.items() if memo.live is None]
            case StreamOffline(session_id=session_id):
                wrong = [key for key, memo in self._memos.items() if memo.live and memo.live.session_id == session_id]
            case _:
                wrong = []
        for key in wrong:
            del self._memos[key]

    async def follow(self) -> None:
        """Listen to stream events until cancelled. Without them everything works, a second later."""
        async for data in messages(self._redis, STREAM_EVENTS, _lost):
            if data is None:
                self._memos.clear()  # events before this moment may have been missed
                continue
            with suppress(msgspec.MsgspecError):  # an event of a newer version that this one cannot know
                self.obey(self._decode_event(data))

    async def close(self) -> None:
        """End the look-ups under way."""
        tasks = list(self._lookups.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _lost(error: Exception) -> None:
    log.warning("stream events lost", error=str(error))
