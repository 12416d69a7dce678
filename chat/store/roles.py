"""Who moderates channels and who is a VIP there. The owner of a channel has no row: it is the broadcaster."""

from datetime import datetime

import msgspec

from chat.store import Database
from schemas.chat import Role
from schemas.ids import ChannelId, UserId


class RoleRow(msgspec.Struct, frozen=True):
    """Somebody with a role."""

    user_id: UserId
    username: str
    display_name: str
    role: Role
    granted_at: datetime


async def moderates(db: Database, channel: ChannelId, user: UserId) -> bool:
    """Return whether somebody is a moderator of the channel; its owner is none."""
    return bool(
        await db.fetchval(
            "SELECT EXISTS (SELECT 1 FROM chat_roles WHERE channel_id = $1 AND user_id = $2 AND role = 'moderator')",
            channel,
            user,
        )
    )


async def holders(db: Database, channel: ChannelId) -> list[RoleRow]:
    """Return everybody with a role, moderators first."""
    rows = await db.fetch(
        "SELECT r.user_id, u.username, u.display_name, r.role, r.granted_at FROM chat_roles r"
        " JOIN users u ON u.id = r.user_id WHERE r.channel_id = $1 ORDER BY r.role, u.username",
        channel,
    )
    return [RoleRow(*row) for row in rows]


async def grant(db: Database, channel: ChannelId, user: UserId, role: Role) -> bool:
    """Give a role, in place of another; return whether that changed anything."""
    return bool(
        await db.fetchval(
            "INSERT INTO chat_roles (channel_id, user_id, role) VALUES ($1, $2, $3)"
            " ON CONFLICT (channel_id, user_id) DO UPDATE SET role = excluded.role, granted_at = now()"
            " WHERE chat_roles.role <> excluded.role RETURNING true",
            channel,
            user,
            role,
        )
    )


async def revoke(db: Database, channel: ChannelId, user: UserId, role: Role) -> bool:
    """Take a role; return whether there was one."""
    statement = "DELETE FROM chat_roles WHERE channel_id = $1 AND user_id = $2 AND role = $3 RETURNING true"
    return bool(await db.fetchval(statement, channel, user, role))
