"""Channels, with the state of their open stream."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from schemas.access import Visibility
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, SessionId, UserId, make_id
from web.store import Connection, Database

if TYPE_CHECKING:
    Row = asyncpg.Record

SELECT = (
    "SELECT c.id, c.user_id, c.name, u.display_name, c.title, c.category_id, c.language, c.tags, c.mature,"
    " c.created_at, c.ladder, c.visibility, c.vod_visibility, c.recording, c.keep_days, c.keep_gb,"
    " s.id AS session_id, s.live_at, s.interrupted_at,"
    " coalesce(s.viewer_count, 0) AS viewer_count,"
    " coalesce(s.peak_viewers, 0) AS peak_viewers"
    " FROM channels c JOIN users u ON u.id = c.user_id"
    " LEFT JOIN streams s ON s.channel_id = c.id AND s.ended_at IS NULL AND s.live_at IS NOT NULL"
)
RANK = "coalesce(s.viewer_count, -1)"
"""Lists begin with what most people watch and end with what is off the air."""


CHANGEABLE = {"title", "category_id", "language", "tags", "mature", "ladder", "visibility", "vod_visibility"}
CHANGEABLE |= {"recording", "keep_days", "keep_gb", "srt_passphrase"}
"""What owners change."""


class ChannelRow(msgspec.Struct, frozen=True):
    """A channel; the fields from `session_id` on are those of its live stream, if it has one."""

    id: ChannelId
    user_id: UserId
    name: str
    display_name: str
    title: str
    category_id: str
    language: str
    tags: list[str]
    mature: bool
    created_at: datetime
    ladder: str | None
    visibility: Visibility
    vod_visibility: Visibility
    recording: bool
    keep_days: int | None
    keep_gb: int | None
    session_id: SessionId | None
    live_at: datetime | None
    interrupted_at: datetime | None
    viewer_count: int
    peak_viewers: int


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The place of the last row of a page."""

    rank: int
    id: str


def _channel_of(row: "Row") -> ChannelRow:
    return msgspec.convert(dict(row), ChannelRow)


async def find(db: Database, name_or_id: str) -> ChannelRow | None:
    """Return a channel by its id, else by its name (`web.names` keeps names from looking like ids)."""
    row = await db.fetchrow(f"{SELECT} WHERE c.id = $1 OR c.name = $1 ORDER BY c.id = $1 DESC LIMIT 1", name_or_id)
    return _channel_of(row) if row else None


async def find_many(db: Database, ids: list[ChannelId]) -> list[ChannelRow]:
    """Return those channels of the ids that exist."""
    return [_channel_of(row) for row in await db.fetch(f"{SELECT} WHERE c.id = ANY($1)", ids)]


async def owned_by(db: Database, user: UserId) -> list[ChannelRow]:
    """Return an account's channels, oldest first."""
    return [_channel_of(row) for row in await db.fetch(f"{SELECT} WHERE c.user_id = $1 ORDER BY c.id", user)]


async def page(
    db: Database,
    *,
    is_live: bool | None,
    category: str | None,
    text: str | None,
    after: Cursor | None,
    viewer: UserId | None,
    sees_all: bool,
    limit: int,
) -> list[ChannelRow]:
    """Return up to `limit` channels behind the cursor, most watched first; a private live one only to its owner."""
    rows = await db.fetch(
        f"{SELECT} WHERE ($1::boolean IS NULL OR (s.id IS NOT NULL) = $1)"
        " AND ($2::text IS NULL OR c.category_id = $2)"
        " AND ($3::text IS NULL OR c.name ILIKE $3 OR c.title ILIKE $3 OR u.display_name ILIKE $3)"
        f" AND ($4::integer IS NULL OR ({RANK}, c.id) < ($4, $5))"
        " AND ($6 OR s.id IS NULL OR c.visibility <> 'private' OR c.user_id = $7)"
        f" ORDER BY {RANK} DESC, c.id DESC LIMIT $8",
        is_live,
        category,
        _contains(text) if text else None,
        after.rank if after else None,
        after.id if after else None,
        sees_all,
        viewer,
        limit,
    )
    return [_channel_of(row) for row in rows]


def cursor_of(channel: ChannelRow) -> Cursor:
    """Return the cursor that goes on behind this channel."""
    return Cursor(channel.viewer_count if channel.session_id else -1, channel.id)


def _contains(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


async def create(
    connection: Connection,
    user: UserId,
    name: str,
    *,
    title: str = "",
    category_id: str = "",
    language: str = "",
    tags: list[str] | None = None,
) -> ChannelId:
    """Make a channel, inside a transaction. Raises `ApiError`: FORBIDDEN at the limit, DUPLICATE for a taken name."""
    # The row lock makes two creations of one account follow each other, or both could pass the count.
    most = await connection.fetchval("SELECT max_channels FROM users WHERE id = $1 FOR NO KEY UPDATE", user)
    if await connection.fetchval("SELECT count(*) FROM channels WHERE user_id = $1", user) >= most:
        raise ApiError(ErrorCode.FORBIDDEN, f"This account may have {most} channel{'' if most == 1 else 's'}.")
    if await connection.fetchval("SELECT 1 FROM users WHERE username = $1 AND id <> $2", name, user):
        raise ApiError(ErrorCode.DUPLICATE, "This name is taken.", fields={"name": "is taken"})
    try:
        channel = await connection.fetchval(
            "INSERT INTO channels (id, user_id, name, title, category_id, language, tags)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
            make_id(),
            user,
            name,
            title,
            category_id,
            language,
            tags or [],
        )
    except asyncpg.UniqueViolationError:
        raise ApiError(ErrorCode.DUPLICATE, "This name is taken.", fields={"name": "is taken"}) from None
    return ChannelId(channel)


async def update(db: Database, channel: ChannelId, changes: Mapping[str, object]) -> None:
    """Change columns of `CHANGEABLE`; None gives back to the instance what it may decide."""
    assert changes.keys() <= CHANGEABLE
    if changes:
        sets = (f"{name} = ${number}" for number, name in enumerate(changes, 2))
        await db.execute(f"UPDATE channels SET {', '.join(sets)} WHERE id = $1", channel, *changes.values())


class Limits(msgspec.Struct, frozen=True):
    """What the publishers of a channel may send beside what the instance allows; None is nothing of its own."""

    max_bitrate_kbps: int | None
    max_height: int | None
    max_frame_rate: int | None
    max_duration_s: int | None


async def limits(db: Database, channel: ChannelId) -> Limits:
    """Return the channel's own limits."""
    row = await db.fetchrow(f"SELECT {', '.join(Limits.__struct_fields__)} FROM channels WHERE id = $1", channel)
    assert row is not None
    return msgspec.convert(dict(row), Limits)


async def set_limits(db: Database, channel: ChannelId, limits: Limits) -> None:
    """Change those limits that are not None; 0 takes one away."""
    changes = (f"{name} = coalesce(${number}, {name})" for number, name in enumerate(Limits.__struct_fields__, 2))
    await db.execute(
        f"UPDATE channels SET {', '.join(changes)} WHERE id = $1", channel, *msgspec.structs.astuple(limits)
    )
