"""Writes the channels' logs down: out of the streams in Redis into PostgreSQL, each entry once.

Every web process may run this; a channel is one process's at a time, by a lock that expires. Entries are read through
a consumer group whose only consumer is whoever has the lock, so what a dead process had read comes first. They are
acknowledged after their rows are committed: they come at least once, and `chat/store/messages.py` bears repetition.
PostgreSQL away: the log holds what is not written (`chat.log`: LOG_MAX entries of each channel).
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Final

import asyncpg
import msgspec
import structlog
from redis.asyncio import Redis

from chat.entry import Entry
from chat.keeping import partitions
from chat.keeping.batch import Draft, Unreadable, drafted
from chat.keeping.counts import KeepingCounts
from chat.log import keys
from chat.log.calls import Trouble
from chat.log.entries import entry_of
from chat.store import messages
from chat.store.messages import Batch
from config.postgres import Pool
from config.tasks import check_cancelled
from schemas.ids import ChannelId

GROUP: Final = "keepers"
CONSUMER: Final = "keeper"
PAUSE_S: Final = 0.25
CHANNELS: Final = 64
"""Of one round."""
READ: Final = 1_000
"""Entries of one round over all its channels."""
READ_LEAST: Final = 50
"""Of each channel, however many there are."""
WRITE_S: Final = 8.0
LOCK_MS: Final = 12_000
"""Longer than a write takes: else two processes would write the same, which costs only work."""
STAY: Final = 10_000
"""Entries that stay in a log after they were written down, for clients that come back."""
IDLE_MS: Final = 7 * 24 * 3600 * 1000
"""After so long without an event a channel leaves Redis; whoever comes next finds it in PostgreSQL."""
BANS_MS: Final = IDLE_MS + 3600 * 1000
FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0
TABLES_EVERY_S: Final = 3600.0
NOT_A_MATTER_OF_TIME: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)
"""What makes an entry fail however often it is tried."""
RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
RawEntries = list[tuple[bytes, list[bytes] | None]]
"""Ids and fields as scripts give them; without fields: trimmed before it was written down."""
log = structlog.get_logger()


def keeper_lock(channel: ChannelId) -> str:
    """Whose the channel is right now."""
    return f"chat:{{{channel}}}:keeper"


Placed = tuple[ChannelId, Entry]


class Taken(msgspec.Struct, frozen=True):
    """What was read of a channel: all ids, and the entries that can be written down."""

    channel: ChannelId
    ids: list[bytes]
    entries: list[Entry]


class Keeper:
    """The keeper of one process. `failures`: what it means when PostgreSQL or Redis is away."""

    def __init__(self, redis: Redis, pool: Pool, trouble: Trouble, *, failures: tuple[type[Exception], ...]) -> None:
        self._redis = redis
        self._pool = pool
        self._trouble = trouble
        self._failures = failures
        # The default table takes what has no other: nothing that goes wrong with tables stops the writing.
        self._table_failures: tuple[type[Exception], ...] = (*failures, asyncpg.PostgresError)
        self._token = secrets.token_hex(8)
        self._take = redis.register_script(_script("take.lua"))
        self._settle = redis.register_script(_script("settle.lua"))
        self._held: set[ChannelId] = set()
        self._tables_at = float("-inf")
        self.counts = KeepingCounts()

    async def run(self) -> None:
        """Write down until cancelled. Nothing that does not answer ends it."""
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    await self._make_tables(time.monotonic())
                    is_more = await self.round()
                    pause_s = FIRST_PAUSE_S
                    await asyncio.sleep(0 if is_more else PAUSE_S)
                except self._failures as error:
                    self.counts.failed()
                    self._trouble("keeping chat", error)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                check_cancelled()
        finally:
            with contextlib.suppress(*self._failures):
                async with asyncio.timeout(1.0):
                    await self._release()

    async def _make_tables(self, now: float) -> None:
        if now < self._tables_at:
            return
        self._tables_at = now + TABLES_EVERY_S
        try:
            await partitions.ensure(self._pool, datetime.now(UTC))
        except self._table_failures as error:
            self._tables_at = now + LONGEST_PAUSE_S
            self._trouble("chat tables", error)

    async def round(self) -> bool:
        """Write down some of what is not; return whether there is more right now. Raises `failures`."""
        names = msgspec.convert(await self._redis.srandmember(keys.DIRTY, CHANNELS), list[bytes])
        channels = [ChannelId(name.decode()) for name in names]
        if not channels:
            self.counts.done(0)
            return False
        limit = max(READ_LEAST, READ // len(channels))
        taken = await self._read(channels, limit)
        entries, batch = self._readable(taken)
        if entries:
            self.counts.taken(min(entry.at_ms for _, entry in entries))
        added = await self._write(entries, batch)
        await self._note_written(taken)
        self.counts.done(added)
        return bool(entries) and (len(channels) == CHANNELS or any(len(part.ids) >= limit for part in taken))

    async def _read(self, channels: Sequence[ChannelId], limit: int) -> list[Taken]:
        """Read from those channels that no other process has."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel in channels:
                names = [keys.log(channel), keeper_lock(channel)]
                await self._take(names, [GROUP, CONSUMER, self._token, LOCK_MS, limit], client=pipeline)
            answers: list[RawEntries | None] = await pipeline.execute()
        ours = [(channel, raw) for channel, raw in zip(channels, answers, strict=True) if raw is not None]
        self._held.update(channel for channel, _ in ours)
        return [self._taken(channel, raw) for channel, raw in ours]

    def _taken(self, channel: ChannelId, raw: RawEntries) -> Taken:
        entries = []
        for entry_id, fields in raw:
            if fields is None:
                self.counts.trimmed += 1
                log.error("chat entry lost", channel=channel, entry=entry_id.decode())
                continue
            try:
                entries.append(entry_of(entry_id, dict(zip(fields[::2], fields[1::2], strict=True))))
            except (ValueError, KeyError) as error:
                self._give_up(channel, entry_id.decode(), error)
        return Taken(channel, [entry_id for entry_id, _ in raw], entries)

    def _readable(self, taken: Sequence[Taken]) -> tuple[list[Placed], Batch]:
        """Return the entries of which rows can be made, and their batch; the others are given up."""
        draft = Draft()
        readable = []
        for channel, entry in ((part.channel, entry) for part in taken for entry in part.entries):
            try:
                draft.add(channel, entry)
                readable.append((channel, entry))
            except Unreadable as error:
                self._give_up(channel, str(entry.seq), error)
        return readable, draft.batch()

    async def _write(self, entries: Sequence[Placed], batch: Batch) -> int:
        """Write in one transaction, or in smaller ones where PostgreSQL takes some never; return the new messages."""
        if not entries:
            return 0
        try:
            async with asyncio.timeout(WRITE_S), self._pool.acquire() as connection, connection.transaction():
                return await messages.write(connection, batch)
        except NOT_A_MATTER_OF_TIME as error:
            if len(entries) == 1:
                ((channel, entry),) = entries
                self._give_up(channel, str(entry.seq), error)
                return 0
        middle = len(entries) // 2
        halves = (entries[:middle], entries[middle:])
        return sum([await self._write(half, drafted(half)) for half in halves])

    async def _note_written(self, taken: Sequence[Taken]) -> None:
        """Acknowledge, trim, and give the channels back."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for part in taken:
                channel = part.channel
                names = [keys.log(channel), keeper_lock(channel), keys.DIRTY, keys.state(channel), keys.bans(channel)]
                given: list[str | int | bytes] = [GROUP, self._token, channel, STAY, IDLE_MS, BANS_MS, *part.ids]
                await self._settle(names, given, client=pipeline)
            await pipeline.execute()
        self._held.difference_update(part.channel for part in taken)

    def _give_up(self, channel: ChannelId, entry: str, error: Exception) -> None:
        """An entry that can't be written down ever is not kept, and nothing waits for it."""
        self.counts.given_up += 1
        log.error("chat entry given up", channel=channel, entry=entry, why=type(error).__name__)

    async def _release(self) -> None:
        """Let other processes have the channels at once."""
        for channel in self._held:
            await self._redis.eval(RELEASE, 1, keeper_lock(channel), self._token)


def _script(name: str) -> str:
    return resources.files("chat.keeping").joinpath(name).read_text("utf-8")
