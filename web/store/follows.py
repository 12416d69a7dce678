"""Who follows and subscribes to which channels."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from schemas.ids import ChannelId, UserId
from web.store import Database


class FollowRow(msgspec.Struct, frozen=True):
    """An account follows a channel."""

    user_id: UserId
    channel_id: ChannelId
    channel_name: str
    display_name: str
    followed_at: datetime


class Standing(msgspec.Struct, frozen=True):
    """What an account is to a channel; subscriptions that have expired do not count."""

    follows: bool
    subscribes: bool


SELECT = (
    "SELECT f.user_id, f.channel_id, c.name, u.display_name, f.followed_at FROM follows f"
    " JOIN channels c ON c.id = f.channel_id JOIN users u ON u.id = c.user_id"
)


async def standing(db: Database, user: UserId, channels: Sequence[ChannelId]) -> dict[ChannelId, Standing]:
    """Return what the account is to each of the channels."""
    rows = await db.fetch(
        "SELECT c.id, EXISTS (SELECT 1 FROM follows f WHERE f.user_id = $1 AND f.channel_id = c.id) AS follows,"
        " EXISTS (SELECT 1 FROM subscriptions s WHERE s.user_id = $1 AND s.channel_id = c.id AND s.expires_at > now())"
        " AS subscribes FROM unnest($2::text[]) AS c (id)",
        user,
        list(channels),
    )
    return {ChannelId(row["id"]): Standing(row["follows"], row["subscribes"]) for row in rows}


async def add(db: Database, user: UserId, channel: ChannelId) -> FollowRow:
    """Follow a channel; a second time changes nothing."""
    await db.execute("INSERT INTO follows (user_id, channel_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", user, channel)
    row = await db.fetchrow(f"{SELECT} WHERE f.user_id = $1 AND f.channel_id = $2", user, channel)
    assert row is not None
    return FollowRow(*row)


async def remove(db: Database, user: UserId, channel: ChannelId) -> None:
    """Stop following; nothing for who does not."""
    await db.execute("DELETE FROM follows WHERE user_id = $1 AND channel_id = $2", user, channel)


async def page(db: Database, user: UserId, *, after: tuple[datetime, ChannelId] | None, limit: int) -> list[FollowRow]:
    """Return up to `limit` follows behind that place, newest first."""
    at, channel = after or (None, None)
    rows = await db.fetch(
        f"{SELECT} WHERE f.user_id = $1 AND ($2::timestamptz IS NULL OR (f.followed_at, f.channel_id) < ($2, $3))"
        " ORDER BY f.followed_at DESC, f.channel_id DESC LIMIT $4",
        user,
        at,
        channel,
        limit,
    )
    return [FollowRow(*row) for row in rows]
