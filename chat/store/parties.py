"""The people an act concerns, and the lock under which the acts of a channel follow each other."""

from collections.abc import Collection

import msgspec

from chat.store import Connection, Database
from schemas.chat import Role
from schemas.ids import ChannelId, UserId


class Party(msgspec.Struct, frozen=True):
    """An account as it stands to a channel right now. `is_silenced`: banned or timed out."""

    id: UserId
    username: str
    display_name: str
    role: Role
    is_admin: bool
    is_silenced: bool


async def lock(connection: Connection, channels: Collection[ChannelId]) -> set[ChannelId]:
    """Lock channels until the transaction's end; return those that exist.

    In the order of their ids, so that two who lock the same ones do not wait for each other. Rows that refer to a
    channel can be written meanwhile.
    """
    rows = await connection.fetch(
        "SELECT id FROM channels WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE", sorted(channels)
    )
    return {ChannelId(row["id"]) for row in rows}


async def find(db: Database, channel: ChannelId, users: Collection[UserId]) -> dict[UserId, Party]:
    """Return those accounts that exist."""
    rows = await db.fetch(
        "SELECT u.id, u.username, u.display_name,"
        " CASE WHEN c.user_id = u.id THEN 'broadcaster' ELSE coalesce(r.role, 'viewer') END,"
        " u.is_admin, b.user_id IS NOT NULL"
        " FROM channels c JOIN users u ON u.id = ANY($2::text[])"
        " LEFT JOIN chat_roles r ON r.channel_id = c.id AND r.user_id = u.id"
        " LEFT JOIN chat_bans b ON b.channel_id = c.id AND b.user_id = u.id AND (b.until IS NULL OR b.until > now())"
        " WHERE c.id = $1",
        channel,
        list(users),
    )
    return {UserId(row[0]): Party(*row) for row in rows}


async def owner_of(db: Database, channel: ChannelId) -> UserId:
    """Return whose channel it is. It must exist."""
    return UserId(await db.fetchval("SELECT user_id FROM channels WHERE id = $1", channel))
