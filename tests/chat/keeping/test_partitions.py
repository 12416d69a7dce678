"""The tables that hold messages."""

import asyncio
import itertools
from datetime import UTC, datetime

import pytest

from chat.keeping.partitions import ensure, months
from config.postgres import Pool

NOW = datetime(2031, 12, 31, 23, 59, tzinfo=UTC)


def test_the_year_ends_behind_december() -> None:
    assert [f"{start:%Y-%m-%d}" for start in months(NOW)] == ["2031-12-01", "2032-01-01", "2032-02-01"]
    assert [start.month for start in months(datetime(2031, 1, 1, tzinfo=UTC))] == [1, 2, 3]


async def _say(pool: Pool, at: datetime, seq: int) -> str:
    await pool.execute(
        "INSERT INTO chat_messages (channel_id, seq, at, epoch, id, user_id, picture_at, message)"
        " VALUES ('c', $2, $1, 'e', 'm', 'u', $1, '{}')",
        at,
        seq,
    )
    return str(await pool.fetchval("SELECT tableoid::regclass::text FROM chat_messages WHERE seq = $1", seq))


@pytest.mark.services
async def test_tables_are_made_for_this_month_and_the_next_once(pool: Pool) -> None:
    assert await ensure(pool, NOW) == ["chat_messages_2031_12", "chat_messages_2032_01"]
    assert await ensure(pool, NOW) == []
    assert await _say(pool, NOW, 1) == "chat_messages_2031_12"
    assert await _say(pool, datetime(2032, 1, 1, tzinfo=UTC), 2) == "chat_messages_2032_01"
    assert await _say(pool, datetime(2032, 2, 1, tzinfo=UTC), 3) == "chat_messages_default"


@pytest.mark.services
async def test_rows_that_came_before_their_table_move_into_it(pool: Pool) -> None:
    assert await _say(pool, NOW, 1) == "chat_messages_default"
    await ensure(pool, NOW)
    rows = await pool.fetch("SELECT seq, tableoid::regclass::text AS t FROM chat_messages")
    assert [tuple(row) for row in rows] == [(1, "chat_messages_2031_12")]
    refused = "INSERT INTO chat_messages SELECT * FROM chat_messages"
    with pytest.raises(Exception, match="duplicate key"):
        await pool.execute(refused)  # it has the indexes of all


@pytest.mark.services
async def test_processes_that_start_together_make_each_table_once(pool: Pool) -> None:
    made = await asyncio.gather(*(ensure(pool, NOW) for _ in range(6)))
    assert sorted(itertools.chain(*made)) == ["chat_messages_2031_12", "chat_messages_2032_01"]
