"""The tables that hold messages, one for each month, made before the month begins."""

import itertools
from datetime import UTC, datetime
from typing import Final

import structlog

from config.postgres import Pool

LOCK_KEY: Final = 0x7A11_C4A7
"""Advisory: one process makes tables at a time."""
LOCK_WAIT_MS: Final = 3_000
"""For the short time in which nobody else writes messages; it is tried again later."""
# Not by to_regclass, which may remember from before the wait for the lock that there was none.
_IS_MISSING: Final = (
    "SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = $1 AND relnamespace = current_schema()::regnamespace)"
)
log = structlog.get_logger()


def months(now: datetime) -> list[datetime]:
    """Return the beginnings of this month, the next, and the one behind it, where the last table ends."""
    first = now.year * 12 + now.month - 1
    return [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(first, first + 3)]


async def ensure(pool: Pool, now: datetime) -> list[str]:
    """Make the tables of this month and the next where they are missing; return their names. Raises as databases do."""
    starts = months(now)
    made = []
    for start, end in itertools.pairwise(starts):
        name = f"chat_messages_{start:%Y_%m}"
        if await pool.fetchval(_IS_MISSING, name) and await _make(pool, name, start, end):
            log.info("chat table made", table=name)
            made.append(name)
    return made


async def _make(pool: Pool, name: str, start: datetime, end: datetime) -> bool:
    """Make one, with those of its rows that had to go to the default table. False when another process was first."""
    span = (f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
        if not await connection.fetchval(_IS_MISSING, name):
            return False
        await connection.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
        await connection.execute(f"CREATE TABLE {name} (LIKE chat_messages INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        # Rows in the default table would stand against the new one; nobody may add more meanwhile.
        await connection.execute("LOCK TABLE chat_messages_default IN ACCESS EXCLUSIVE MODE")
        await connection.execute(
            "WITH moved AS (DELETE FROM chat_messages_default WHERE at >= $1 AND at < $2 RETURNING *)"  # noqa: S608 (names are ours)
            f" INSERT INTO {name} SELECT * FROM moved",
            start,
            end,
        )
        await connection.execute(
            f"ALTER TABLE chat_messages ATTACH PARTITION {name} FOR VALUES FROM ('{span[0]}') TO ('{span[1]}')"
        )
    return True
