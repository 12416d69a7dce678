"""Names and roles of those who are in a chat right now."""

from collections.abc import Sequence

import msgspec

from chat.store import Database
from schemas.chat import Role
from schemas.ids import ChannelId, UserId


class ChatterRow(msgspec.Struct, frozen=True):
    """An account, and what it is to the channel."""

    user_id: UserId
    username: str
    display_name: str
    role: Role


async def named(db: Database, channel: ChannelId, users: Sequence[UserId], limit: int) -> list[ChatterRow]:
    """Return those of the accounts that exist: the broadcaster, moderators, VIPs, others by name; `limit` at most."""
    rows = await db.fetch(
        "SELECT u.id, u.username, u.display_name,"
        " CASE WHEN c.user_id = u.id THEN 'broadcaster' ELSE coalesce(r.role, 'viewer') END AS role"
        " FROM users u JOIN channels c ON c.id = $1"
        " LEFT JOIN chat_roles r ON r.channel_id = c.id AND r.user_id = u.id"
        " WHERE u.id = ANY($2::text[])"
        " ORDER BY c.user_id = u.id DESC, coalesce(r.role = 'moderator', false) DESC, r.role IS NULL, u.username"
        " LIMIT $3",
        channel,
        list(users),
        limit,
    )
    return [ChatterRow(*row) for row in rows]
