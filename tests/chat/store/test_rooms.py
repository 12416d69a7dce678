"""What a log begins with when Redis has lost it."""

from collections.abc import AsyncIterator

import pytest

from chat.store import rooms
from chat.store.messages import find, of_user
from config.postgres import Pool, open_pool
from config.redis import connect
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from tests.chat.keeping.logs import ALICE, BOB, CAROL, NEWS, Log, keeper_of, people

pytestmark = pytest.mark.services


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    await people(pool)
    yield pool
    await pool.close()


async def test_a_channel_that_was_never_used_begins_at_nothing(pool: Pool) -> None:
    recalled = await rooms.recall(pool, NEWS)
    assert (recalled.seq, dict(recalled.bans)) == (0, {})
    assert set(recalled.settings.values()) == {0}


async def test_a_channel_is_recalled_with_its_number_bans_and_modes(pool: Pool) -> None:
    await pool.execute("INSERT INTO chat_rooms (channel_id, seq, epoch) VALUES ($1, 4711, 'e')", NEWS)
    await pool.execute(
        "INSERT INTO chat_settings (channel_id, slow_mode, follower_only, follower_minutes, version)"
        " VALUES ($1, 30, true, 10, 5)",
        NEWS,
    )
    await pool.execute(
        "INSERT INTO chat_bans (channel_id, user_id, until) VALUES ($1, $2, NULL), ($1, $3, '2100-01-01'),"
        " ($1, $4, now() - interval '1 second')",
        NEWS,
        BOB,
        CAROL,
        ALICE,
    )
    recalled = await rooms.recall(pool, NEWS)
    assert recalled.seq == 4711
    assert dict(recalled.bans) == {BOB: 0, CAROL: 4_102_444_800_000}
    assert recalled.settings["slow_mode"] == 30
    assert (recalled.settings["follower_only"], recalled.settings["follower_minutes"]) == (1, 10)
    assert recalled.settings["version"] == 5


async def test_a_channel_that_is_not_there_is_not_recalled(pool: Pool) -> None:
    with pytest.raises(ApiError) as refused:
        await rooms.recall(pool, ChannelId("nobody"))
    assert refused.value.body.code is ErrorCode.NOT_FOUND


async def test_messages_are_found_until_they_are_taken_away(pool: Pool, redis_url: str) -> None:
    redis = connect(redis_url)
    log, (keeper, _) = Log(redis), keeper_of(redis, pool)
    first, second = await log.say(BOB, "one"), await log.say(BOB, "two")
    await log.delete(second, BOB)
    await keeper.round()
    found = await find(pool, NEWS, first)
    assert found is not None
    assert (found.content, found.seq, found.epoch, found.username) == ("one", 1, "e1", "bob")
    assert await find(pool, NEWS, second) is None
    assert await find(pool, ChannelId("other"), first) is None
    past = await of_user(pool, NEWS, BOB, 10)
    assert [(entry.message.content, entry.is_deleted) for entry in past] == [("two", True), ("one", False)]
    assert [entry.message.content for entry in await of_user(pool, NEWS, BOB, 1)] == ["two"]
    await log.clear()
    await keeper.round()
    assert await find(pool, NEWS, first) is None
    assert all(entry.is_deleted for entry in await of_user(pool, NEWS, BOB, 10))
    await redis.aclose()
