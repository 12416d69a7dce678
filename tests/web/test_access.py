"""Keys of access tokens in a real database."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from config.postgres import Pool, open_pool
from schemas.access import Verdict
from schemas.ids import ChannelId, ClipId, VodId
from web.access import LONGEST_S, AccessKeys, rotate, scope_of_channel, scope_of_clip, scope_of_vod
from web.metrics import Metrics, Troubles

pytestmark = pytest.mark.services

SCOPE = scope_of_vod(VodId("v1"))


class Process:
    """Access keys as one web process has them, with clocks that the test moves."""

    def __init__(self, pool: Pool) -> None:
        self.ahead_s = 0.0
        self.keys = AccessKeys(
            pool,
            Troubles(Metrics()),
            600,
            now=lambda: time.monotonic() + self.ahead_s,
            wall=lambda: time.time() + self.ahead_s,
        )


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(database_url) as pool:
        yield pool


@pytest.fixture
async def two(pool: Pool) -> list[Process]:
    """Two processes that start together on a new database."""
    processes = [Process(pool), Process(pool)]
    await asyncio.gather(*(process.keys.start() for process in processes))
    return processes


async def count(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM access_keys"))


async def test_processes_that_start_together_make_one_key(pool: Pool, two: list[Process]) -> None:
    one, other = two
    assert await count(pool) == 1
    token = one.keys.sign(SCOPE)
    assert other.keys.judge(token.text, SCOPE) is Verdict.GOOD
    assert 590 < token.expires_at.timestamp() - time.time() <= 600


async def test_a_scope_is_a_kind_and_an_id(two: list[Process]) -> None:
    keys = two[0].keys
    scopes = [scope_of_channel(ChannelId("x")), scope_of_vod(VodId("x")), scope_of_clip(ClipId("x"))]
    assert len(set(scopes)) == 3
    for scope in scopes:
        good = [other for other in scopes if await keys.verify(keys.sign(scope).text, other)]
        assert good == [scope]


async def test_a_token_expires(two: list[Process]) -> None:
    one, _ = two
    token = one.keys.sign(SCOPE, 60)
    assert await one.keys.verify(token.text, SCOPE)
    one.ahead_s = 61
    assert one.keys.judge(token.text, SCOPE) is Verdict.EXPIRED
    assert not await one.keys.verify(token.text, SCOPE)


async def test_tokens_of_a_key_that_was_just_made_are_good_everywhere(pool: Pool, two: list[Process]) -> None:
    one, other = two
    old = one.keys.sign(SCOPE)
    key_id = await rotate(pool, at_once=False)
    one.ahead_s = other.ahead_s = 2
    await one.keys.renew()
    new = one.keys.sign(SCOPE)
    assert new.text.startswith(f"{key_id}.")
    assert other.keys.judge(new.text, SCOPE) is None
    assert await other.keys.verify(new.text, SCOPE)
    assert await other.keys.verify(old.text, SCOPE)
    retires_s = await pool.fetchval(
        "SELECT extract(epoch FROM retires_at - now())::float8 FROM access_keys WHERE id <> $1", key_id
    )
    assert LONGEST_S - 60 < retires_s <= LONGEST_S


async def test_a_key_rotated_at_once_opens_nothing_more(pool: Pool, two: list[Process]) -> None:
    one, _ = two
    old = one.keys.sign(SCOPE)
    await rotate(pool, at_once=True)
    one.ahead_s = 2
    await one.keys.renew()
    assert not await one.keys.verify(old.text, SCOPE)
    assert await one.keys.verify(one.keys.sign(SCOPE).text, SCOPE)
    await rotate(pool, at_once=False)
    assert await count(pool) == 2  # the one that had retired is forgotten


async def test_a_retired_key_stops_by_itself_while_the_database_is_away(pool: Pool, two: list[Process]) -> None:
    one, _ = two
    old = one.keys.sign(SCOPE, 3600)
    await rotate(pool, at_once=False)
    await pool.execute("UPDATE access_keys SET retires_at = now() + interval '100 s' WHERE retires_at IS NOT NULL")
    one.ahead_s = 2
    await one.keys.renew()
    assert await one.keys.verify(old.text, SCOPE)
    await pool.execute("ALTER TABLE access_keys RENAME TO access_keys_away")
    one.ahead_s = 110
    assert not await one.keys.verify(old.text, SCOPE)


async def test_unknown_keys_are_looked_up_once_a_second(pool: Pool, two: list[Process]) -> None:
    one, _ = two
    key = one.keys.sign(SCOPE).text.split(".", 1)[1]
    foreign = f"unknown1.{key}"
    one.ahead_s = 2
    assert one.keys.judge(foreign, SCOPE) is None
    assert not await one.keys.verify(foreign, SCOPE)
    await pool.execute("INSERT INTO access_keys (id, key) SELECT 'unknown1', key FROM access_keys")
    assert one.keys.judge(foreign, SCOPE) is Verdict.WRONG  # not yet again
    assert not await one.keys.verify(foreign, SCOPE)
    one.ahead_s = 4
    answers = await asyncio.gather(*(one.keys.verify(foreign, SCOPE) for _ in range(5)))
    assert answers == [True] * 5


async def test_the_keys_stay_while_the_database_is_away(pool: Pool, two: list[Process]) -> None:
    one, _ = two
    await pool.close()
    one.ahead_s = 40
    await one.keys.renew()
    assert await one.keys.verify(one.keys.sign(SCOPE).text, SCOPE)
