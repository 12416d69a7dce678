"""Streams that are fetched from elsewhere: one for a channel. A new address makes a new job, with a new ticket."""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from schemas.ids import ChannelId
from web.store import Connection, Database

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

IS_ALLOWED = "(p.is_trusted OR u.may_pull OR u.is_admin)"
"""Of a pull `p` of a channel of `u`: an administrator set it up, or its owner (still) may."""
SELECT = (
    "SELECT p.id, p.channel_id, p.shown_url, p.is_enabled, p.is_trusted, p.created_at, p.seen_at,"
    f" {IS_ALLOWED} AS is_allowed"
    " FROM pulls p JOIN channels c ON c.id = p.channel_id JOIN users u ON u.id = c.user_id"
)


class PullRow(msgspec.Struct, frozen=True):
    """A pull as it may be seen."""

    id: str
    channel_id: ChannelId
    shown_url: str
    is_enabled: bool
    is_trusted: bool
    created_at: datetime
    seen_at: datetime | None
    is_allowed: bool


def _pull_of(row: "Row") -> PullRow:
    return msgspec.convert(dict(row), PullRow)


async def find(db: Database, channel: ChannelId) -> PullRow | None:
    """Return where a channel is fetched from."""
    row = await db.fetchrow(f"{SELECT} WHERE p.channel_id = $1", channel)
    return _pull_of(row) if row else None


async def sealed_url(db: Database, channel: ChannelId) -> tuple[str, bool] | None:
    """Return the sealed address that a channel is fetched from, and whether an administrator set it up."""
    row = await db.fetchrow("SELECT url, is_trusted FROM pulls WHERE channel_id = $1", channel)
    return (row["url"], row["is_trusted"]) if row else None


async def put(
    db: Database,
    channel: ChannelId,
    *,
    job: str,
    url: str,
    shown_url: str,
    key_hash: bytes,
    is_enabled: bool,
    is_trusted: bool,
) -> None:
    """Fetch a channel from this (sealed) address, and from no other; `key_hash` is of the job's ticket."""
    await db.execute(
        "INSERT INTO pulls (id, channel_id, url, shown_url, key_hash, is_enabled, is_trusted)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (channel_id) DO UPDATE SET id = excluded.id,"
        " url = excluded.url, shown_url = excluded.shown_url, key_hash = excluded.key_hash,"
        " is_enabled = excluded.is_enabled, is_trusted = excluded.is_trusted, created_at = now(),"
        " node_id = NULL, seen_at = NULL",
        job,
        channel,
        url,
        shown_url,
        key_hash,
        is_enabled,
        is_trusted,
    )


async def switch(db: Database, channel: ChannelId, *, is_enabled: bool) -> bool:
    """Turn a channel's pull on or off; return whether that changed anything."""
    changed = await db.fetchval(
        "UPDATE pulls SET is_enabled = $2 WHERE channel_id = $1 AND is_enabled <> $2 RETURNING id", channel, is_enabled
    )
    return changed is not None


async def remove(db: Database, channel: ChannelId) -> None:
    """Fetch it from nowhere."""
    await db.execute("DELETE FROM pulls WHERE channel_id = $1", channel)


class Claimed(msgspec.Struct, frozen=True):
    """A pull that a relay process has; `url` is sealed."""

    id: str
    channel_id: ChannelId
    channel_name: str
    url: str
    is_trusted: bool


async def claim(connection: Connection, node: str, room: int, lease_s: int) -> int:
    """Give a process up to `room` pulls that nobody has, or has been heard of; return how many."""
    rows = await connection.fetch(
        "UPDATE pulls SET node_id = $1, seen_at = now() WHERE id IN ("
        "SELECT p.id FROM pulls p JOIN channels c ON c.id = p.channel_id JOIN users u ON u.id = c.user_id"
        f" WHERE p.is_enabled AND {IS_ALLOWED}"
        " AND (p.node_id IS NULL OR p.seen_at < now() - make_interval(secs => $3))"
        " ORDER BY p.seen_at NULLS FIRST, p.id LIMIT $2 FOR UPDATE OF p SKIP LOCKED) RETURNING id",
        node,
        room,
        lease_s,
    )
    return len(rows)


async def of_node(db: Database, node: str, lease_s: int) -> list[Claimed]:
    """Return what a process has to do."""
    rows = await db.fetch(
        "SELECT p.id, p.channel_id, c.name AS channel_name, p.url, p.is_trusted"
        " FROM pulls p JOIN channels c ON c.id = p.channel_id JOIN users u ON u.id = c.user_id"
        f" WHERE p.node_id = $1 AND p.is_enabled AND {IS_ALLOWED}"
        " AND p.seen_at >= now() - make_interval(secs => $2) ORDER BY p.id",
        node,
        lease_s,
    )
    return [msgspec.convert(dict(row), Claimed) for row in rows]
