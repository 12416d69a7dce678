"""What one process does for all."""

import time

import pytest

from tests.web.site import Site
from web.housekeeper import LOCK, LOCK_S, Housekeeper
from web.store.streams import SEEN_WITHIN

pytestmark = pytest.mark.services
LONG_S = SEEN_WITHIN.total_seconds()


async def _alone(site: Site) -> Housekeeper:
    """Take the lead from the process's own housekeeper."""
    keeper = Housekeeper(site.running.services)
    for _ in range(20):  # its own may take it again just then
        await site.running.services.redis.delete(LOCK)
        if await keeper.round(now=0.0, wall_s=time.time()):
            return keeper
    raise AssertionError("the lead cannot be taken")


async def _live(site: Site) -> str:
    alice = await site.person("alice")
    channel = await site.channel("news", alice)
    await site.go_live(await site.key("news", alice))
    return str(channel["id"])


async def _is_live(site: Site) -> bool:
    status = await site.data("GET", "/channels/news/status")
    return bool(status["isLive"])


async def test_a_stream_that_nobody_reports_is_ended(site: Site) -> None:
    await _live(site)
    keeper = await _alone(site)
    await keeper.round(now=LONG_S, wall_s=time.time())
    assert await _is_live(site)
    await site.running.services.pool.execute("UPDATE streams SET seen_at = now() - interval '16 seconds'")
    await keeper.round(now=LONG_S + 5, wall_s=time.time())
    assert not await _is_live(site)
    assert await site.running.services.pool.fetchval("SELECT end_reason FROM streams") == "lost"


async def test_a_new_leader_gives_streams_time_to_be_reported(site: Site) -> None:
    await _live(site)
    keeper = await _alone(site)
    await site.running.services.pool.execute("UPDATE streams SET seen_at = now() - interval '1 hour'")
    await keeper.round(now=LONG_S - 0.1, wall_s=time.time())
    assert await _is_live(site)
    await keeper.round(now=LONG_S, wall_s=time.time())
    assert not await _is_live(site)


async def test_only_one_leads_until_it_stops_renewing(site: Site) -> None:
    first = await _alone(site)
    second = Housekeeper(site.running.services)
    assert not await second.round(now=0.0, wall_s=time.time())
    assert await first.round(now=1.0, wall_s=time.time())
    redis = site.running.services.redis
    assert 0 < await redis.pttl(LOCK) <= LOCK_S * 1000
    await redis.delete(LOCK)
    assert await second.round(now=2.0, wall_s=time.time())
    assert not await first.round(now=3.0, wall_s=time.time())


async def test_expired_sign_ins_are_deleted(site: Site) -> None:
    await site.person("alice")
    await site.person("bob")
    pool = site.running.services.pool
    await pool.execute(
        "UPDATE user_sessions s SET expires_at = now() - interval '1 second'"
        " FROM users u WHERE u.id = s.user_id AND u.username = 'alice'"
    )
    await _alone(site)
    assert await pool.fetchval("SELECT count(*) FROM user_sessions") == 1
