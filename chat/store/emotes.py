"""Emotes and their pictures. `channel` None means everywhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec

from chat.store import Connection, Database
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId

COLUMNS = "id, channel_id, name, tier, is_animated, created_at"
OWN_TIER = 3
"""What the owner of a channel may use of it: all."""
ENTITLED_MAX = 100
"""Channels whose emotes somebody brings along: those subscribed to last."""
ENTITLED = """
SELECT w.user_id, e.channel_id, e.tier FROM unnest($1::text[]) AS w (user_id) CROSS JOIN LATERAL (
    SELECT channel_id, max(tier) AS tier FROM (
        SELECT channel_id, tier, started_at FROM subscriptions WHERE user_id = w.user_id AND expires_at > now()
        UNION ALL SELECT id, $2::integer, created_at FROM channels WHERE user_id = w.user_id
    ) AS entitlements
    GROUP BY channel_id ORDER BY max(tier) = $2 DESC, max(started_at) DESC LIMIT $3
) e
"""


class EmoteRow(msgspec.Struct, frozen=True):
    """An emote that is there."""

    id: str
    channel_id: ChannelId | None
    name: str
    tier: int
    is_animated: bool
    created_at: datetime


class Picture(msgspec.Struct, frozen=True, gc=False):
    """One size of an emote, as WebP. `scale` is 1, 2 or 4 times 28 pixels."""

    scale: int
    width: int
    height: int
    content: bytes


async def everywhere(db: Database) -> list[EmoteRow]:
    """Return the emotes that everybody may use in all channels."""
    rows = await db.fetch(f"SELECT {COLUMNS} FROM emotes WHERE channel_id IS NULL AND deleted_at IS NULL ORDER BY name")
    return [EmoteRow(*row) for row in rows]


async def of_channels(db: Database, channels: Sequence[ChannelId]) -> dict[ChannelId, list[EmoteRow]]:
    """Return the emotes of channels, of low tiers first."""
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM emotes WHERE channel_id = ANY($1::text[]) AND deleted_at IS NULL ORDER BY tier, name",
        list(channels),
    )
    found: dict[ChannelId, list[EmoteRow]] = {channel: [] for channel in channels}
    for row in rows:
        found[ChannelId(row["channel_id"])].append(EmoteRow(*row))
    return found


async def entitled(db: Database, users: Sequence[UserId]) -> dict[UserId, dict[ChannelId, int]]:
    """Return up to which tier people may use the emotes of which channels, wherever they talk."""
    rows = await db.fetch(ENTITLED, list(users), OWN_TIER, ENTITLED_MAX)
    found: dict[UserId, dict[ChannelId, int]] = {user: {} for user in users}
    for user, channel, tier in rows:
        found[user][channel] = tier
    return found


async def titles(db: Database, channels: Sequence[ChannelId]) -> dict[ChannelId, str]:
    """Return the display names of the owners of channels."""
    rows = await db.fetch(
        "SELECT c.id, u.display_name FROM channels c JOIN users u ON u.id = c.user_id WHERE c.id = ANY($1::text[])",
        list(channels),
    )
    return {ChannelId(row["id"]): row["display_name"] for row in rows}


async def create(
    connection: Connection, emote: EmoteRow, pictures: Sequence[Picture], by: UserId | None, slots: Mapping[int, int]
) -> None:
    """Add an emote inside a transaction. `slots`: how many a channel may have of each tier; empty is no limit.

    Raises DUPLICATE when the name is taken there, CONFLICT when its tier is full.
    """
    # one at a time for each channel, or two uploads would both find the last slot free
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('emotes ' || $1))", emote.channel_id or "")
    if slots:
        await _refuse_full(connection, emote, slots[emote.tier])
    try:
        await connection.execute(
            f"INSERT INTO emotes ({COLUMNS}, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            emote.id,
            emote.channel_id,
            emote.name,
            emote.tier,
            emote.is_animated,
            emote.created_at,
            by,
        )
    except asyncpg.UniqueViolationError:
        message = f"There is an emote {emote.name} already."
        raise ApiError(ErrorCode.DUPLICATE, message, fields={"name": "is taken"}) from None
    await connection.executemany(
        "INSERT INTO emote_pictures (emote_id, scale, width, height, content) VALUES ($1, $2, $3, $4, $5)",
        [(emote.id, p.scale, p.width, p.height, p.content) for p in pictures],
    )


async def _refuse_full(connection: Connection, emote: EmoteRow, slots: int) -> None:
    taken = await connection.fetchval(
        "SELECT count(*) FROM emotes WHERE channel_id = $1 AND tier = $2 AND deleted_at IS NULL",
        emote.channel_id,
        emote.tier,
    )
    if taken >= slots:
        whose = f"of tier {emote.tier}" if emote.tier else "for everybody"
        message = f"All {slots} slots for emotes {whose} are taken: delete one first."
        raise ApiError(ErrorCode.CONFLICT, message, fields={"tier": "is full"})


async def delete(db: Database, channel: ChannelId | None, emote: str) -> bool:
    """Take an emote away; its pictures stay for the messages that show it. Return whether there was one."""
    return bool(
        await db.fetchval(
            "UPDATE emotes SET deleted_at = now() WHERE id = $1 AND channel_id IS NOT DISTINCT FROM $2"
            " AND deleted_at IS NULL RETURNING true",
            emote,
            channel,
        )
    )


async def picture(db: Database, emote: str, scale: int) -> bytes | None:
    """Return the WebP of an emote, also of one that was taken away."""
    content = await db.fetchval("SELECT content FROM emote_pictures WHERE emote_id = $1 AND scale = $2", emote, scale)
    return bytes(content) if content is not None else None
