"""Who may not chat where, and until when. Rows of timeouts that are over count for nothing."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from chat.store import Connection, Database
from schemas import chat_api
from schemas.api import Id
from schemas.ids import ChannelId, UserId

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
IN_FORCE: Final = "(b.until IS NULL OR b.until > now())"


class BanRow(msgspec.Struct, frozen=True):
    """A ban in force; `until` None is for ever."""

    until: datetime | None
    source_channel_id: ChannelId | None

    @property
    def until_ms(self) -> int:
        """When it ends, 0 for never."""
        return round(self.until.timestamp() * 1000) if self.until else 0


async def find(db: Database, channel: ChannelId, user: UserId) -> BanRow | None:
    """Return the ban or timeout that holds."""
    row = await db.fetchrow(
        f"SELECT b.until, b.source_channel_id FROM chat_bans b"
        f" WHERE b.channel_id = $1 AND b.user_id = $2 AND {IN_FORCE}",
        channel,
        user,
    )
    return BanRow(*row) if row else None


async def put(
    connection: Connection,
    channel: ChannelId,
    user: UserId,
    by: UserId,
    *,
    duration_s: int | None,
    reason: str,
    source: ChannelId | None = None,
) -> BanRow:
    """Ban, or time out for that long, in place of what holds."""
    row = await connection.fetchrow(
        "INSERT INTO chat_bans (channel_id, user_id, until, reason, by_user_id, source_channel_id)"
        " VALUES ($1, $2, now() + make_interval(secs => $3), $4, $5, $6)"
        " ON CONFLICT (channel_id, user_id) DO UPDATE SET until = excluded.until, reason = excluded.reason,"
        " by_user_id = excluded.by_user_id, source_channel_id = excluded.source_channel_id, created_at = now()"
        " RETURNING until, source_channel_id",
        channel,
        user,
        duration_s,
        reason,
        by,
        source,
    )
    assert row is not None
    return BanRow(*row)


async def remove(connection: Connection, channel: ChannelId, user: UserId) -> None:
    """Lift what holds."""
    await connection.execute("DELETE FROM chat_bans WHERE channel_id = $1 AND user_id = $2", channel, user)


async def sweep(connection: Connection, channel: ChannelId) -> None:
    """Forget timeouts that are over."""
    await connection.execute("DELETE FROM chat_bans WHERE channel_id = $1 AND until < now()", channel)


_SHOWN: Final = (
    "SELECT b.user_id, u.username, u.display_name, b.until, b.reason, coalesce(m.username, ''), b.source_channel_id,"
    " b.created_at FROM chat_bans b JOIN users u ON u.id = b.user_id LEFT JOIN users m ON m.id = b.by_user_id"
)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The place of the last row of a page. `at_us`: microseconds since the epoch, as exact as the database is."""

    at_us: Annotated[int, msgspec.Meta(ge=0, le=1 << 52)]
    user_id: Id

    @staticmethod
    def of(ban: chat_api.Ban) -> "Cursor":
        """Return the place of a row."""
        return Cursor((ban.created_at - EPOCH) // timedelta(microseconds=1), ban.user_id)


async def page(db: Database, channel: ChannelId, *, after: Cursor | None, limit: int) -> list[chat_api.Ban]:
    """Return up to `limit` bans and timeouts in force behind that place, newest first."""
    rows = await db.fetch(
        f"{_SHOWN} WHERE b.channel_id = $1 AND {IN_FORCE}"
        " AND ($2::timestamptz IS NULL OR (b.created_at, b.user_id) < ($2, $3))"
        " ORDER BY b.created_at DESC, b.user_id DESC LIMIT $4",
        channel,
        EPOCH + timedelta(microseconds=after.at_us) if after else None,
        after.user_id if after else None,
        limit,
    )
    return [chat_api.Ban(*row) for row in rows]


async def shown(db: Database, channel: ChannelId, user: UserId) -> chat_api.Ban | None:
    """Return the ban or timeout that holds, as moderators see it."""
    row = await db.fetchrow(f"{_SHOWN} WHERE b.channel_id = $1 AND b.user_id = $2 AND {IN_FORCE}", channel, user)
    return chat_api.Ban(*row) if row else None


# --- shared lists -------------------------------------------------------------------------------------------


async def copy(connection: Connection, source: ChannelId, to: ChannelId, by: UserId) -> list[UserId]:
    """Ban in one channel who is banned for good in another, and return whom.

    Not those whom the channel trusts (its owner, moderators, VIPs), nor administrators; who is banned there already
    stays so by itself. Bans that came to the source from elsewhere go no further.
    """
    rows = await connection.fetch(
        "INSERT INTO chat_bans (channel_id, user_id, reason, by_user_id, source_channel_id)"
        " SELECT $2, b.user_id, b.reason, $3, $1 FROM chat_bans b JOIN users u ON u.id = b.user_id"
        " WHERE b.channel_id = $1 AND b.until IS NULL AND b.source_channel_id IS NULL AND NOT u.is_admin"
        " AND b.user_id <> (SELECT user_id FROM channels WHERE id = $2)"
        " AND NOT EXISTS (SELECT 1 FROM chat_roles r WHERE r.channel_id = $2 AND r.user_id = b.user_id)"
        " ON CONFLICT (channel_id, user_id) DO UPDATE SET until = NULL, reason = excluded.reason,"
        " by_user_id = excluded.by_user_id, source_channel_id = excluded.source_channel_id, created_at = now()"
        " WHERE chat_bans.until IS NOT NULL RETURNING user_id",
        source,
        to,
        by,
    )
    return [UserId(row["user_id"]) for row in rows]


async def lift_shared(
    connection: Connection, source: ChannelId, channels: Collection[ChannelId], user: UserId | None = None
) -> list[tuple[ChannelId, UserId]]:
    """Lift in these channels what came with the source's list, of one or of all; return what was lifted."""
    rows = await connection.fetch(
        "DELETE FROM chat_bans WHERE source_channel_id = $1 AND channel_id = ANY($2::text[])"
        " AND ($3::text IS NULL OR user_id = $3) RETURNING channel_id, user_id",
        source,
        list(channels),
        user,
    )
    return [(ChannelId(row["channel_id"]), UserId(row["user_id"])) for row in rows]
