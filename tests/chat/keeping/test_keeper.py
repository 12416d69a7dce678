"""Out of the logs into PostgreSQL."""

import asyncio
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from chat.keeping import keeper as module
from chat.keeping.keeper import GROUP, IDLE_MS, keeper_lock
from chat.log import keys
from config.postgres import Pool
from schemas.ids import ChannelId
from tests.chat.keeping.logs import ALICE, BOB, CAROL, HOUR_MS, NEWS, Log, keeper_of, until_kept

pytestmark = pytest.mark.services


async def texts(pool: Pool) -> list[str]:
    """What is written down and was not taken away, in order."""
    rows = await pool.fetch(
        "SELECT message ->> 'content' AS t FROM chat_messages WHERE deleted_at IS NULL ORDER BY seq"
    )
    return [row["t"] for row in rows]


async def pending(redis: Redis) -> int:
    (group,) = await redis.xinfo_groups(keys.log(NEWS))
    return int(group["pending"])


async def test_messages_become_rows_with_all_they_said(redis: Redis, pool: Pool, log: Log) -> None:
    at_ms = log.at_ms
    await log.say(BOB, "hello", picture_at=at_ms - 7_000)
    await log.announce(ALICE, "listen", "green")
    keeper, _ = keeper_of(redis, pool)
    assert await keeper.round() is False
    first, second = await pool.fetch("SELECT *, message::text AS json FROM chat_messages ORDER BY seq")
    assert (first["channel_id"], first["seq"], first["epoch"], first["id"]) == (NEWS, 1, "e1", "m1")
    assert (first["user_id"], first["kind"], first["color"]) == (BOB, "message", "")
    assert round(first["at"].timestamp() * 1000) == at_ms + 1
    assert round(first["picture_at"].timestamp() * 1000) == at_ms - 7_000
    said: dict[str, Any] = json.loads(first["json"])
    assert (said["content"], said["displayName"], said["color"]) == ("hello", "Bob", "#FF0000")
    assert (second["kind"], second["color"]) == ("announcement", "green")
    assert [tuple(row) for row in await pool.fetch("SELECT seq, epoch FROM chat_rooms")] == [(2, "e1")]
    assert keeper.counts.kept == 2


async def test_what_is_written_is_acknowledged_and_clean(redis: Redis, pool: Pool, log: Log) -> None:
    await log.say(BOB, "hello")
    keeper, _ = keeper_of(redis, pool)
    await keeper.round()
    assert await pending(redis) == 0
    assert not await redis.exists(keys.DIRTY, keeper_lock(NEWS))
    assert 0 < await redis.pttl(keys.log(NEWS)) <= IDLE_MS


async def test_bans_outlive_the_state_they_belong_to(redis: Redis, pool: Pool, log: Log) -> None:
    await redis.hset(keys.state(NEWS), "seq", "1")
    await redis.zadd(keys.bans(NEWS), {BOB: 1.0})
    await log.say(ALICE, "hello")
    await keeper_of(redis, pool)[0].round()
    assert 0 < await redis.pttl(keys.state(NEWS)) < await redis.pttl(keys.bans(NEWS))


async def test_a_repeated_delivery_changes_nothing(redis: Redis, pool: Pool, log: Log) -> None:
    for number in range(3):
        await log.say(BOB, f"hello {number}")
    keeper, _ = keeper_of(redis, pool)
    await keeper.round()
    before = await pool.fetch("SELECT * FROM chat_messages ORDER BY seq")
    await redis.xgroup_setid(keys.log(NEWS), GROUP, "0")  # as after a crash behind the commit
    await redis.sadd(keys.DIRTY, NEWS)
    await log.say(BOB, "more")
    await until_kept(keeper, redis)
    after = await pool.fetch("SELECT * FROM chat_messages ORDER BY seq")
    assert after[:3] == before
    assert await pool.fetchval("SELECT messages FROM chat_chatters") == 4
    assert keeper.counts.kept == 4


async def test_what_a_dead_process_had_read_comes_first(redis: Redis, pool: Pool, log: Log) -> None:
    await log.say(BOB, "read by the dead")
    dead, _ = keeper_of(redis, pool)
    assert len((await dead._read([NEWS], 10))[0].entries) == 1
    await log.say(BOB, "new")
    other, _ = keeper_of(redis, pool)
    await other.round()
    assert await texts(pool) == []  # the channel is still the dead one's
    await redis.delete(keeper_lock(NEWS))  # which the clock does
    await until_kept(other, redis)
    assert await texts(pool) == ["read by the dead", "new"]


async def test_deletions_take_effect_in_the_batch_of_their_message_and_later(
    redis: Redis, pool: Pool, log: Log
) -> None:
    first = await log.say(BOB, "one")
    await log.delete(first, BOB)
    second = await log.say(BOB, "two")
    keeper, _ = keeper_of(redis, pool)
    await keeper.round()
    assert await texts(pool) == ["two"]
    await log.delete(second, BOB)
    await log.delete("never-was", BOB)
    await keeper.round()
    assert await texts(pool) == []


@pytest.mark.parametrize("act", ["ban", "time_out"])
async def test_a_ban_takes_back_what_its_user_said_before_within_six_hours(
    redis: Redis, pool: Pool, log: Log, act: str
) -> None:
    now = log.at_ms
    await log.say(BOB, "of yesterday", at_ms=now - 7 * HOUR_MS)
    await log.say(BOB, "of today", at_ms=now - 5 * HOUR_MS)
    await log.say(CAROL, "another's")
    await (log.ban(BOB) if act == "ban" else log.time_out(BOB))
    await log.say(BOB, "back again")
    await keeper_of(redis, pool)[0].round()
    assert await texts(pool) == ["of yesterday", "another's", "back again"]


async def test_a_clear_is_noted_with_its_place(redis: Redis, pool: Pool, log: Log) -> None:
    await log.say(BOB, "before")
    await log.clear()
    await log.say(BOB, "behind")
    await keeper_of(redis, pool)[0].round()
    assert await pool.fetchval("SELECT cleared_seq FROM chat_rooms") == 2
    assert await pool.fetchval("SELECT array_agg(seq) FROM chat_clears") == [2]


async def test_a_kind_that_leaves_no_row_is_passed(redis: Redis, pool: Pool, log: Log) -> None:
    await log.append("slow_mode", b'{"type":"slow_mode","channelId":"c_news","duration":3')
    await log.append("kind_of_tomorrow", b"{")
    await keeper_of(redis, pool)[0].round()
    assert await pool.fetchval("SELECT seq FROM chat_rooms") == 2
    assert await pending(redis) == 0


async def test_poison_is_counted_and_blocks_nobody(redis: Redis, pool: Pool, log: Log) -> None:
    await log.say(BOB, "before")
    await log.append("message", b"{ this is no head")
    await log.append("message", b'{"message":{"id":"nul","userId":"u_bob","content":"a\\u0000b"')  # jsonb has no NUL
    await log.append("message", b'{"message":{"id":"when","userId":"u_bob"', at_ms=1 << 60)
    await redis.xadd(keys.log(NEWS), {"nothing": "of ours"}, id="5-0")
    log.seq = 5
    await log.say(BOB, "behind")
    keeper, troubles = keeper_of(redis, pool)
    await keeper.round()
    assert await texts(pool) == ["before", "behind"]
    assert keeper.counts.given_up == 4
    assert (await pending(redis), troubles) == (0, [])
    assert await pool.fetchval("SELECT seq FROM chat_rooms") == 6


async def test_what_is_said_by_people_and_in_channels_that_are_gone_is_kept_all_the_same(
    redis: Redis, pool: Pool, log: Log
) -> None:
    await log.say(BOB, "deleted my account")
    await pool.execute("DELETE FROM users WHERE id = $1", BOB)
    keeper, _ = keeper_of(redis, pool)
    await keeper.round()
    assert await texts(pool) == ["deleted my account"]
    await pool.execute("DELETE FROM channels")
    await log.say(CAROL, "where is everybody")
    await log.clear()
    await keeper.round()
    assert keeper.counts.given_up == 0


async def test_entries_that_redis_dropped_are_counted_as_lost(redis: Redis, pool: Pool, log: Log) -> None:
    await log.say(BOB, "dropped")
    await log.say(BOB, "there")
    keeper, _ = keeper_of(redis, pool)
    await keeper._read([NEWS], 10)
    await redis.xdel(keys.log(NEWS), "1-0")
    await until_kept(keeper, redis)
    assert await texts(pool) == ["there"]
    assert keeper.counts.trimmed == 1


async def test_a_group_that_is_gone_with_the_log_is_made_again(redis: Redis, pool: Pool, log: Log) -> None:
    await log.say(BOB, "one")
    keeper, _ = keeper_of(redis, pool)
    await keeper.round()
    await redis.flushall()
    await redis.sadd(keys.DIRTY, NEWS)
    await keeper.round()
    assert not await redis.exists(keys.DIRTY)
    log.seq += 1_000_000
    await log.say(BOB, "two")
    await redis.script_flush()
    await keeper.round()
    assert await texts(pool) == ["one", "two"]


async def test_a_log_keeps_its_last_entries_and_all_unread(
    redis: Redis, pool: Pool, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STAY", 200)
    monkeypatch.setattr(module, "READ", 1_000)
    for number in range(600):
        await log.say(BOB, str(number))
    keeper, _ = keeper_of(redis, pool)
    taken = await keeper._read([NEWS], 400)
    await keeper._note_written(taken)
    left = await redis.xlen(keys.log(NEWS))
    assert 400 <= left < 600  # 200 that are not read, 200 that stay; Redis trims by the hundred
    await until_kept(keeper, redis)
    assert 200 <= await redis.xlen(keys.log(NEWS)) < 400
    assert (await pool.fetchval("SELECT min(seq) FROM chat_messages")) == 401


async def test_many_channels_share_a_round_and_there_is_more(redis: Redis, pool: Pool, log: Log) -> None:
    await log.say(BOB, "here")
    for number in range(1, 120):
        channel = ChannelId(f"c{number}")
        await redis.sadd(keys.DIRTY, channel)
        other = Log(redis, channel)
        for _ in range(1 + 60 * (number == 7)):
            await other.say(BOB, "there")
    keeper, _ = keeper_of(redis, pool)
    assert await keeper.round() is True
    await until_kept(keeper, redis)
    assert await pool.fetchval("SELECT count(*) FROM chat_messages") == 180
    assert await pool.fetchval("SELECT count(*) FROM chat_messages WHERE channel_id = 'c7'") == 61


async def test_messages_count_for_the_hour_of_the_stream_they_fell_into(redis: Redis, pool: Pool, log: Log) -> None:
    await pool.execute(
        "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, request_id, started_at, live_at, ended_at)"
        " VALUES ('over', $1, '', 'n', 'rtmp', 'r', now() - interval '9 h', now() - interval '9 h',"
        " now() - interval '8 h'), ('on', $1, '', 'n', 'rtmp', 'r', now() - interval '2 h', now() - interval '2 h',"
        " null)",
        NEWS,
    )
    now = log.at_ms
    for at_ms in (now - 3 * HOUR_MS, now - HOUR_MS, now - HOUR_MS, now, now - 9 * HOUR_MS + 60_000):
        await log.say(BOB, "hi", at_ms=at_ms)
    await keeper_of(redis, pool)[0].round()
    rows = await pool.fetch("SELECT session_id, messages FROM stream_hours ORDER BY session_id, hour")
    assert [(row["session_id"], row["messages"]) for row in rows] == [("on", 2), ("on", 1), ("over", 1)]
    assert [tuple(row) for row in await pool.fetch("SELECT messages, last_seq FROM chat_chatters")] == [(5, 5)]


async def test_the_running_keeper_writes_what_comes_and_gives_channels_back(redis: Redis, pool: Pool, log: Log) -> None:
    keeper, troubles = keeper_of(redis, pool)
    task = asyncio.create_task(keeper.run())
    for number in range(5):
        await log.say(BOB, str(number))
        await asyncio.sleep(0.02)
    async with asyncio.timeout(20):
        while await texts(pool) != ["0", "1", "2", "3", "4"]:
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await redis.exists(keeper_lock(NEWS))
    assert troubles == []
    names = await pool.fetch("SELECT relname FROM pg_class WHERE relname ~ '^chat_messages_20[0-9]{2}_[0-9]{2}$'")
    assert len(names) == 2
    assert await pool.fetchval("SELECT count(*) FROM chat_messages_default") == 0
