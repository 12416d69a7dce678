"""How often something may be tried: counters of fixed windows in Redis."""

import hashlib
import ipaddress
from dataclasses import dataclass

from redis.asyncio import Redis

from schemas.errors import ApiError, ErrorCode

IPV6_PREFIX = 64
"""One subscriber has at least this network, so it counts as one address."""


@dataclass(frozen=True)
class Limit:
    """At most `attempts` within `window_s`."""

    name: str
    attempts: int
    window_s: int


LOGIN_BY_ADDRESS = Limit("login-address", 60, 300)
LOGIN_BY_USERNAME = Limit("login-username", 10, 300)
REGISTER_BY_ADDRESS = Limit("register-address", 20, 3600)


async def spend(redis: Redis, limit: Limit, who: str) -> None:
    """Count one attempt; raise `ApiError(RATE_LIMITED)` when there were too many."""
    key = _key(limit, who)
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.set(key, 0, ex=limit.window_s, nx=True)
        pipeline.incr(key)
        pipeline.pttl(key)
        _, attempts, left_ms = await pipeline.execute()
    if attempts > limit.attempts:
        wait_ms = max(int(left_ms), 1_000)
        message = f"Too many attempts. Wait {-(-wait_ms // 1000)} s."
        raise ApiError(ErrorCode.RATE_LIMITED, message, retry_after_ms=wait_ms)


async def forgive(redis: Redis, limit: Limit, who: str) -> None:
    """Forget the attempts, after one that was right."""
    await redis.delete(_key(limit, who))


def network_of(address: str) -> str:
    """Return what counts as one visitor: an IPv4 address or an IPv6 network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)


def _key(limit: Limit, who: str) -> str:
    # Hashed: bounded in length whatever was sent, and no address or name lies readable in Redis.
    return f"throttle:{limit.name}:{hashlib.sha256(who.encode(errors='replace')).hexdigest()[:24]}"
