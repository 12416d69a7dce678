"""Other servers that a channel's source is sent on to while it is live."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId, make_id
from web.store import Connection, Database

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

MOST = 5
"""Of one channel: each takes as much of the machine's way out as its publisher sends."""
SELECT = (
    "SELECT r.id, r.channel_id, c.user_id, r.name, r.shown_url, r.stream_key <> '' AS has_key, r.is_enabled,"
    " r.created_at, r.seen_at, s.live_at IS NOT NULL AS is_live"
    " FROM restreams r JOIN channels c ON c.id = r.channel_id"
    " LEFT JOIN streams s ON s.channel_id = c.id AND s.ended_at IS NULL"
)
CHANGEABLE = frozenset({"name", "url", "stream_key", "target", "shown_url", "is_enabled"})


class RestreamRow(msgspec.Struct, frozen=True):
    """A target as it may be seen; `user_id` owns the channel, `is_live` is of the channel."""

    id: str
    channel_id: ChannelId
    user_id: UserId
    name: str
    shown_url: str
    has_key: bool
    is_enabled: bool
    created_at: datetime
    seen_at: datetime | None
    is_live: bool


def _restream_of(row: "Row") -> RestreamRow:
    return msgspec.convert(dict(row), RestreamRow)


async def find(db: Database, restream: str) -> RestreamRow | None:
    """Return one."""
    row = await db.fetchrow(f"{SELECT} WHERE r.id = $1", restream)
    return _restream_of(row) if row else None


async def of_channel(db: Database, channel: ChannelId) -> list[RestreamRow]:
    """Return a channel's, the oldest first."""
    return [_restream_of(row) for row in await db.fetch(f"{SELECT} WHERE r.channel_id = $1 ORDER BY r.id", channel)]


async def create(
    connection: Connection,
    channel: ChannelId,
    *,
    name: str,
    url: str,
    stream_key: str,
    target: str,
    shown_url: str,
    is_enabled: bool,
) -> str:
    """Add one, inside a transaction; `url`, `stream_key` and `target` are sealed. Raises CONFLICT above `MOST`."""
    # The lock makes two of one channel follow each other, or both could pass the count.
    await connection.execute("SELECT 1 FROM channels WHERE id = $1 FOR NO KEY UPDATE", channel)
    if await connection.fetchval("SELECT count(*) FROM restreams WHERE channel_id = $1", channel) >= MOST:
        raise ApiError(ErrorCode.CONFLICT, f"A channel may be sent on to {MOST} servers. Delete one first.")
    restream: str = await connection.fetchval(
        "INSERT INTO restreams (id, channel_id, name, url, stream_key, target, shown_url, is_enabled)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        make_id(),
        channel,
        name,
        url,
        stream_key,
        target,
        shown_url,
        is_enabled,
    )
    return restream


async def sealed(connection: Connection, restream: str) -> tuple[str, str] | None:
    """Return its sealed address and key, and let nobody change them before the transaction ends."""
    row = await connection.fetchrow("SELECT url, stream_key FROM restreams WHERE id = $1 FOR UPDATE", restream)
    return (row["url"], row["stream_key"]) if row else None


async def update(db: Database, restream: str, changes: Mapping[str, object]) -> None:
    """Change columns of `CHANGEABLE`."""
    assert changes.keys() <= CHANGEABLE
    if changes:
        sets = (f"{name} = ${number}" for number, name in enumerate(changes, 2))
        await db.execute(f"UPDATE restreams SET {', '.join(sets)} WHERE id = $1", restream, *changes.values())


async def remove(db: Database, restream: str) -> None:
    """Delete one."""
    await db.execute("DELETE FROM restreams WHERE id = $1", restream)


class Claimed(msgspec.Struct, frozen=True):
    """A target that a relay process has; `target` is sealed, its key is in it."""

    id: str
    channel_id: ChannelId
    channel_name: str
    target: str


IS_DUE = (
    "r.is_enabled AND EXISTS (SELECT 1 FROM streams s"
    " WHERE s.channel_id = r.channel_id AND s.ended_at IS NULL AND s.live_at IS NOT NULL)"
)


async def claim(connection: Connection, node: str, room: int, lease_s: int) -> int:
    """Give a process up to `room` targets of live channels that nobody has, or has been heard of; return how many."""
    rows = await connection.fetch(
        "UPDATE restreams SET node_id = $1, seen_at = now() WHERE id IN ("
        f"SELECT r.id FROM restreams r WHERE {IS_DUE}"
        " AND (r.node_id IS NULL OR r.seen_at < now() - make_interval(secs => $3))"
        " ORDER BY r.seen_at NULLS FIRST, r.id LIMIT $2 FOR UPDATE OF r SKIP LOCKED) RETURNING id",
        node,
        room,
        lease_s,
    )
    return len(rows)


async def of_node(db: Database, node: str, lease_s: int) -> list[Claimed]:
    """Return what a process has to send on."""
    rows = await db.fetch(
        "SELECT r.id, r.channel_id, c.name AS channel_name, r.target"
        f" FROM restreams r JOIN channels c ON c.id = r.channel_id WHERE r.node_id = $1 AND {IS_DUE}"
        " AND r.seen_at >= now() - make_interval(secs => $2) ORDER BY r.id",
        node,
        lease_s,
    )
    return [msgspec.convert(dict(row), Claimed) for row in rows]
