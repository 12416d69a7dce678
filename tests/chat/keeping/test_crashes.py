"""What dies and comes back while chat is written down: nothing is lost, nothing is there twice."""

import asyncio
import signal
import sys

import pytest
from redis.asyncio import Redis

from chat.keeping import counts
from chat.keeping import keeper as module
from chat.keeping.keeper import keeper_lock
from chat.log import keys
from config.embedded import EmbeddedPostgres
from config.postgres import Pool
from tests.chat.keeping.logs import BOB, NEWS, Log, keeper_of, until_kept

pytestmark = pytest.mark.services


async def seqs(pool: Pool) -> list[int]:
    return [row["seq"] for row in await pool.fetch("SELECT seq FROM chat_messages ORDER BY seq")]


async def test_a_keeper_killed_behind_its_commit_leaves_nothing_twice_and_nothing_out(
    redis: Redis, pool: Pool, log: Log, database_url: str, redis_url: str
) -> None:
    for number in range(1_500):
        await log.say(BOB, str(number))
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chat.keeping.dying", database_url, redis_url
    )
    async with asyncio.timeout(40):
        assert await dying.wait() == -signal.SIGKILL
    assert await seqs(pool) == list(range(1, 1_001))
    (group,) = await redis.xinfo_groups(keys.log(NEWS))
    assert group["pending"] == 1_000
    await redis.delete(keeper_lock(NEWS))  # which the clock does
    keeper, _ = keeper_of(redis, pool)
    await until_kept(keeper, redis)
    assert await seqs(pool) == list(range(1, 1_501))
    assert keeper.counts.kept == 500
    assert await pool.fetchval("SELECT messages FROM chat_chatters") == 1_500


async def test_while_postgres_is_away_the_log_holds_everything(
    redis: Redis,
    pool: Pool,
    log: Log,
    postgres_server: EmbeddedPostgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counts, "BEHIND_S", 0.5)
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.5)
    keeper, troubles = keeper_of(redis, pool)

    def is_behind() -> bool:
        return keeper.counts._is_behind

    await log.say(BOB, "before")
    await until_kept(keeper, redis)
    running = asyncio.create_task(keeper.run())
    postgres_server.stop()  # not in a thread, with which it would end
    try:
        for number in range(300):
            await log.say(BOB, str(number))
        async with asyncio.timeout(30):
            while len(troubles) < 2 or not is_behind():
                await asyncio.sleep(0.05)
        assert keeper.counts.lag_s >= 0.5
        assert await redis.sismember(keys.DIRTY, NEWS)
    finally:
        postgres_server.start()
    async with asyncio.timeout(30):
        while await redis.exists(keys.DIRTY):
            await asyncio.sleep(0.05)
        while is_behind():
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait([running])
    assert await seqs(pool) == list(range(1, 302))
    assert keeper.counts.lag_s == 0
