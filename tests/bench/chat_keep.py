"""What it costs to write chat down: rows per second into a PostgreSQL that waits for its disk, CPU of both per row.

One keeper, logs that are full already. "1 channel" is a crowd's chat: 300 authors, every message 300 bytes of JSON;
"64 channels" shares its rounds between many. "again" delivers everything a second time, as after a crash behind the
commit: nothing is added.
"""

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from redis.asyncio import Redis

from chat.entry import Entry, head_of_message
from chat.keeping.keeper import GROUP, Keeper
from chat.keeping.partitions import ensure
from chat.log import keys
from chat.log.entries import fields_of
from config.embedded import EmbeddedPostgres, EmbeddedValkey
from config.migrations import migrate
from config.postgres import Pool, open_pool
from config.redis import connect
from schemas.chat import Authored, Badge
from schemas.ids import ChannelId, UserId, make_id
from tests.bench.processes import table
from web.failures import AWAY

MESSAGES = 40_000
AUTHORS = 300
PER_PIPELINE = 2_000
TEXT = "that was the best play of the whole tournament, how did they even see it coming"


def main() -> None:
    """Print rows per second and CPU per row."""
    print(
        table(
            "Chat: written down by one keeper",
            ("logs", "rows/s", "worker us/row", "PostgreSQL us/row", "rows/s of one core for both", "target rows/s"),
            asyncio.run(_measure()),
        )
    )


async def _measure() -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory(prefix="tally-bench-", dir="/tmp") as folder:
        database = EmbeddedPostgres(Path(folder) / "postgres", Path(folder))
        valkey = EmbeddedValkey(Path(folder) / "valkey", Path(folder))
        database.start()
        valkey.start()
        try:
            await migrate(database.url)
            return await _with(database, valkey)
        finally:
            valkey.stop()
            database.stop()


async def _with(database: EmbeddedPostgres, valkey: EmbeddedValkey) -> list[tuple[str, ...]]:
    pool, redis = await open_pool(database.url), connect(valkey.url)
    try:
        await ensure(pool, datetime.now(UTC))
        postmaster = int((database.data / "postmaster.pid").read_text().split()[0])
        rows = []
        for count in (1, 64):
            channels = await _open(pool, count)
            await _fill(redis, channels)
            name = f"{count} channel{'s' if count > 1 else ''}"
            rows.append(await _timed(name, redis, pool, postmaster, added=MESSAGES))
            for channel in channels:
                await redis.xgroup_setid(keys.log(channel), GROUP, "0")
            await redis.sadd(keys.DIRTY, *channels)
            rows.append(await _timed(f"{name}, again", redis, pool, postmaster, added=0))
        return rows
    finally:
        await redis.aclose()
        await pool.close()


async def _open(pool: Pool, count: int) -> list[ChannelId]:
    channels = [ChannelId(make_id()) for _ in range(count)]
    await pool.executemany(
        "INSERT INTO users (id, username, display_name, password_hash) VALUES ($1, $1, $1, '') ON CONFLICT DO NOTHING",
        [(f"viewer{number}",) for number in range(AUTHORS)],
    )
    await pool.executemany(
        "INSERT INTO channels (id, user_id, name) VALUES ($1, 'viewer0', $2)",
        [(channel, f"bench{count}x{number}") for number, channel in enumerate(channels)],
    )
    return channels


async def _fill(redis: Redis, channels: list[ChannelId]) -> None:
    at_ms = time.time_ns() // 1_000_000
    for start in range(0, MESSAGES, PER_PIPELINE):
        async with redis.pipeline(transaction=False) as pipeline:
            for number in range(start, start + PER_PIPELINE):
                channel = channels[number % len(channels)]
                seq = number // len(channels) + 1
                entry = Entry(seq, seq - 1, "AbCdEfGhIjKl", at_ms + number // 300, "message", _head(channel, number))
                pipeline.xadd(keys.log(channel), fields_of(entry), id=f"{seq}-0")  # type: ignore[arg-type]  # bytes
            await pipeline.execute()
    await redis.sadd(keys.DIRTY, *channels)


def _head(channel: ChannelId, number: int) -> bytes:
    name = f"viewer{number % AUTHORS}"
    return head_of_message(
        Authored(make_id(), channel, UserId(name), name, name, TEXT, [Badge("subscriber", 3)], [], "#FF7F50")
    )


async def _timed(name: str, redis: Redis, pool: Pool, postmaster: int, *, added: int) -> tuple[str, ...]:
    keeper = Keeper(redis, pool, _raise, failures=AWAY)
    began, worker_s, server_s = time.perf_counter(), time.process_time(), _cpu_s(postmaster)
    while await redis.exists(keys.DIRTY):
        await keeper.round()
    wall_s = time.perf_counter() - began
    worker_s, server_s = time.process_time() - worker_s, _cpu_s(postmaster) - server_s
    assert keeper.counts.kept == added
    us = [1e6 * used_s / MESSAGES for used_s in (worker_s, server_s)]
    target = "8000" if added else ""
    return (name, f"{MESSAGES / wall_s:.0f}", f"{us[0]:.1f}", f"{us[1]:.1f}", f"{1e6 / sum(us):.0f}", target)


def _raise(_subject: str, error: BaseException) -> None:
    raise error


def _cpu_s(postmaster: int) -> float:
    """CPU-seconds of a PostgreSQL: its processes, and those of them that have ended."""
    used_ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        if int(stat.parent.name) == postmaster:
            used_ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            used_ticks += sum(map(int, fields[11:13]))
    return used_ticks / 100


if __name__ == "__main__":
    main()
