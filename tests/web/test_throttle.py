"""Attempts counted in Redis."""

import pytest

from config.redis import connect
from schemas.errors import ApiError
from web.throttle import Limit, forgive, network_of, spend

LIMIT = Limit("test", 3, 60)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_ipv6_visitor_is_a_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.services
async def test_more_attempts_than_allowed_are_refused_until_the_window_ends(redis_url: str) -> None:
    redis = connect(redis_url)
    try:
        for _ in range(LIMIT.attempts):
            await spend(redis, LIMIT, "alice")
        with pytest.raises(ApiError) as refused:
            await spend(redis, LIMIT, "alice")
        assert 1_000 <= (refused.value.body.retry_after_ms or 0) <= LIMIT.window_s * 1000
        await spend(redis, LIMIT, "bob")
        (key,) = [k for k in await redis.keys("throttle:*") if await redis.get(k) == b"4"]
        assert b"alice" not in key
        assert 0 < await redis.ttl(key) <= LIMIT.window_s
        await forgive(redis, LIMIT, "alice")
        await spend(redis, LIMIT, "alice")
    finally:
        await redis.aclose()
