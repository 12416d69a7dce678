"""Counting who watches."""

import time

import pytest
from redis.asyncio import Redis

from config.redis import connect
from schemas.ids import ChannelId
from web import viewers
from web.metrics import Metrics, Troubles
from web.viewers import BUCKET_S, Viewers, set_cookie_header

A, B = ChannelId("a"), ChannelId("b")
token = Viewers.token


def make(redis: Redis) -> tuple[Viewers, Metrics]:
    metrics = Metrics()
    return Viewers(redis, metrics, Troubles(metrics)), metrics


def test_the_cookie_is_the_viewer_wherever_it_stands() -> None:
    same = {
        token("viewer=abc", "1.1.1.1", "x"),
        token("viewer=abc; theme=dark", "2.2.2.2", "y"),
        token("theme=dark; viewer=abc", "", None),
        token("theme=dark;viewer=abc;more=1", "", None),
        token("notviewer=zzz; viewer=abc", "", None),
    }
    assert len(same) == 1
    assert token("viewer=abd", "1.1.1.1", "x") not in same


@pytest.mark.parametrize("cookie", [None, "", "theme=dark", "notviewer=abc", "a=viewer=abc"])
def test_without_the_cookie_it_is_address_and_program(cookie: str | None) -> None:
    assert token(cookie, "1.1.1.1", "x") == token(None, "1.1.1.1", "x")
    assert len({token(cookie, "1.1.1.1", "x"), token(cookie, "1.1.1.2", "x"), token(cookie, "1.1.1.1", "y")}) == 3


def test_a_token_does_not_show_the_address() -> None:
    assert "203" not in token(None, "203.0.113.9", None)
    assert len(token(None, "203.0.113.9", None)) == 16


def test_the_cookie_is_secure_where_the_site_is() -> None:
    header = set_cookie_header("abc", is_secure=True)
    assert header.startswith("viewer=abc; ")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Secure", "Max-Age=31536000"):
        assert part in header
    assert "Secure" not in set_cookie_header("abc", is_secure=False)


@pytest.mark.services
async def test_each_viewer_counts_once_over_two_buckets(redis_url: str) -> None:
    redis = connect(redis_url)
    try:
        seen, _ = make(redis)
        now = time.time()
        for name in ("x", "y", "x"):
            seen.saw(A, name)
        await seen.flush(now - BUCKET_S)
        for name in ("y", "z"):
            seen.saw(A, name)
        seen.saw(B, "x")
        await seen.flush(now)
        assert await seen.count([A, B, ChannelId("c")], now) == {A: 3, B: 1, ChannelId("c"): 0}
        assert await seen.count([A], now + BUCKET_S) == {A: 2}
        assert await seen.count([A], now + 2 * BUCKET_S) == {A: 0}
        for key in await redis.keys("viewers:*"):
            assert 0 < await redis.ttl(key) <= viewers.BUCKET_KEPT_S
    finally:
        await redis.aclose()


@pytest.mark.services
async def test_a_crowd_is_sent_in_commands_of_bounded_size(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "PFADD_MAX", 10)
    redis = connect(redis_url)
    try:
        seen, _ = make(redis)
        for number in range(95):
            seen.saw(A, f"viewer {number}")
        now = time.time()
        await seen.flush(now)
        assert 85 <= (await seen.count([A], now))[A] <= 105  # the error of a HyperLogLog is under 1 %
    finally:
        await redis.aclose()


async def test_what_is_not_flushed_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "PENDING_MAX", 3)
    seen, metrics = make(Redis())
    for number in range(5):
        seen.saw(A, str(number))
        seen.saw(A, "0")
    assert metrics.registry.get_sample_value("tally_web_viewers_dropped_total") == 2


@pytest.mark.services
async def test_a_redis_that_is_away_is_noted_and_costs_only_those_seconds(redis_url: str) -> None:
    away = Redis(unix_socket_path="/nonexistent/socket")
    seen, metrics = make(away)
    seen.saw(A, "x")
    await seen.flush(time.time())
    assert metrics.registry.get_sample_value("tally_web_troubles_total", {"subject": "redis viewers"}) == 1
    await seen.flush(time.time())
    assert metrics.registry.get_sample_value("tally_web_troubles_total", {"subject": "redis viewers"}) == 1
    await away.aclose()
