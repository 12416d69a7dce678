"""Who watches: tokens of players, seen by the delivery, counted in Redis HyperLogLogs of 20 s.

A player is its `viewer` cookie, or else its address and program: an estimate, as every viewer count is.
"""

import asyncio
import hashlib
import secrets
import time
from http.cookies import Morsel

from redis.asyncio import Redis

from config.tasks import check_cancelled
from schemas.ids import ChannelId
from web.failures import REDIS_AWAY
from web.metrics import Metrics, Troubles

COOKIE = "viewer"
COOKIE_S = 365 * 24 * 3600
BUCKET_S = 20
BUCKET_KEPT_S = 120
FLUSH_S = 1.0
PENDING_MAX = 200_000
"""Sightings between two flushes; more are not counted, so that a Redis that is away costs no memory."""
PFADD_MAX = 1_000
"""Elements in one command: Redis answers nobody else meanwhile."""
TOKEN_BYTES = 8
_COOKIE_BYTES = 9
_MARK = f"{COOKIE}="


def make_cookie() -> str:
    """Return the value of a new visitor's cookie."""
    return secrets.token_urlsafe(_COOKIE_BYTES)


def set_cookie_header(value: str, *, is_secure: bool) -> str:
    """Return the header that gives a visitor their cookie."""
    morsel: Morsel[str] = Morsel()
    morsel.set(COOKIE, value, value)
    morsel.update({"path": "/", "max-age": str(COOKIE_S), "samesite": "Lax"})
    morsel["httponly"] = True
    morsel["secure"] = is_secure
    return morsel.OutputString()


def _viewer_in(cookie: str) -> str:
    """Return `viewer=…` of a Cookie header, "" when it is not there."""
    at = cookie.find(_MARK)
    while at > 0 and cookie[at - 1] not in " ;":
        at = cookie.find(_MARK, at + 1)
    if at < 0:
        return ""
    end = cookie.find(";", at)
    return cookie[at:] if end < 0 else cookie[at:end]


def bucket_key(channel: ChannelId, bucket: int) -> str:
    """Return the Redis key of one channel's players in one span of `BUCKET_S`."""
    return f"viewers:{channel}:{bucket}"


class Viewers:
    """Collects sightings and sends them to Redis once a second."""

    def __init__(self, redis: Redis, metrics: Metrics, troubles: Troubles) -> None:
        self._redis = redis
        self._metrics = metrics
        self._troubles = troubles
        self._seen: dict[ChannelId, set[str]] = {}
        self._pending = 0

    @staticmethod
    def token(cookie: str | None, address: str, user_agent: str | None) -> str:
        """Return what stands for a player. `cookie` is the whole header; cheap, for every player comes by here."""
        who = _viewer_in(cookie) if cookie else ""
        who = who or f"{address}\n{user_agent or ''}"
        return hashlib.blake2b(who.encode("utf-8", "replace"), digest_size=TOKEN_BYTES).hexdigest()

    def saw(self, channel: ChannelId, viewer: str) -> None:
        """Note that this player asked for a playlist or media of the channel just now."""
        seen = self._seen.get(channel)
        if seen is None:
            seen = self._seen[channel] = set()
        if viewer in seen:
            return
        if self._pending >= PENDING_MAX:
            self._metrics.viewers_dropped.inc()
            return
        seen.add(viewer)
        self._pending += 1

    async def run(self) -> None:
        """Flush until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush(time.time())
            check_cancelled()

    async def flush(self, now_s: float) -> None:
        """Send what was collected; what Redis does not take is lost, the next seconds bring it again."""
        seen, self._seen, self._pending = self._seen, {}, 0
        if not seen:
            return
        bucket = int(now_s) // BUCKET_S
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for channel, tokens in seen.items():
                    key = bucket_key(channel, bucket)
                    elements = list(tokens)
                    for start in range(0, len(elements), PFADD_MAX):
                        pipeline.pfadd(key, *elements[start : start + PFADD_MAX])
                    pipeline.expire(key, BUCKET_KEPT_S)
                await pipeline.execute()
        except REDIS_AWAY as error:
            self._troubles.note("redis viewers", error)

    async def count(self, channels: list[ChannelId], now_s: float) -> dict[ChannelId, int]:
        """Return how many players each channel had in the running and the last bucket. Raises `RedisError`."""
        bucket = int(now_s) // BUCKET_S
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel in channels:
                pipeline.pfcount(bucket_key(channel, bucket - 1), bucket_key(channel, bucket))
            counts: list[int] = await pipeline.execute()
        return dict(zip(channels, counts, strict=True))
