"""Lists of bans that channels share with each other."""

from typing import Final

from chat.store import Connection, Database
from schemas import chat_api
from schemas.ids import ChannelId

SHARES_MAX: Final = 20
"""Lists that a channel may offer, and that it may have from others: a ban is one act in each of them."""


async def offer(connection: Connection, source: ChannelId, to: ChannelId) -> bool:
    """Offer a channel's list to another; return whether that is new."""
    statement = (
        "INSERT INTO chat_ban_shares (from_channel_id, to_channel_id) VALUES ($1, $2)"
        " ON CONFLICT DO NOTHING RETURNING true"
    )
    return bool(await connection.fetchval(statement, source, to))


async def accept(connection: Connection, source: ChannelId, to: ChannelId) -> bool | None:
    """Accept what was offered; return whether that is new, None if nothing was offered."""
    row = await connection.fetchrow(
        "UPDATE chat_ban_shares s SET accepted_at = coalesce(s.accepted_at, now())"
        " FROM (SELECT accepted_at FROM chat_ban_shares WHERE from_channel_id = $1 AND to_channel_id = $2 FOR UPDATE) b"
        " WHERE from_channel_id = $1 AND to_channel_id = $2 RETURNING b.accepted_at IS NULL AS is_new",
        source,
        to,
    )
    return None if row is None else bool(row["is_new"])


async def end(connection: Connection, source: ChannelId, to: ChannelId) -> bool:
    """Share no more; return whether it was shared or offered."""
    statement = "DELETE FROM chat_ban_shares WHERE from_channel_id = $1 AND to_channel_id = $2 RETURNING true"
    return bool(await connection.fetchval(statement, source, to))


async def receivers(db: Database, source: ChannelId) -> list[ChannelId]:
    """Return the channels that have accepted a channel's list."""
    rows = await db.fetch(
        "SELECT to_channel_id FROM chat_ban_shares WHERE from_channel_id = $1 AND accepted_at IS NOT NULL", source
    )
    return [ChannelId(row["to_channel_id"]) for row in rows]


async def counts(connection: Connection, source: ChannelId, to: ChannelId) -> tuple[int, int]:
    """Return how many lists the one offers, and how many the other is offered."""
    row = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE from_channel_id = $1), count(*) FILTER (WHERE to_channel_id = $2)"
        " FROM chat_ban_shares WHERE from_channel_id = $1 OR to_channel_id = $2",
        source,
        to,
    )
    assert row is not None
    return row[0], row[1]


async def of(db: Database, channel: ChannelId) -> list[chat_api.BanShare]:
    """Return what a channel offers and is offered, oldest first."""
    rows = await db.fetch(
        "SELECT s.from_channel_id, f.name, s.to_channel_id, t.name, s.accepted_at IS NOT NULL, s.offered_at"
        " FROM chat_ban_shares s JOIN channels f ON f.id = s.from_channel_id JOIN channels t ON t.id = s.to_channel_id"
        " WHERE s.from_channel_id = $1 OR s.to_channel_id = $1 ORDER BY s.offered_at, f.name, t.name",
        channel,
    )
    return [chat_api.BanShare(*row) for row in rows]
