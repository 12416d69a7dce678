"""Emotes and their pictures. `channel` None means everywhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec

from chat.store import Connection, Database
from schemas.chat import Role
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
    await refuse_taken(connection, emote.channel_id, emote.name, emote.tier, slots)
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
        raise _taken(emote.name) from None
    await connection.executemany(
        "INSERT INTO emote_pictures (emote_id, scale, width, height, content) VALUES ($1, $2, $3, $4, $5)",
        [(emote.id, p.scale, p.width, p.height, p.content) for p in pictures],
    )


async def refuse_taken(db: Database, channel: ChannelId | None, name: str, tier: int, slots: Mapping[int, int]) -> None:
    """Raise DUPLICATE when a name is taken, CONFLICT when a tier is full: ask before the work of making pictures."""
    row = await db.fetchrow(
        "SELECT count(*) FILTER (WHERE name = $2) AS named, count(*) FILTER (WHERE tier = $3) AS taken FROM emotes"
        " WHERE channel_id IS NOT DISTINCT FROM $1 AND deleted_at IS NULL",
        channel,
        name,
        tier,
    )
    assert row is not None
    if row["named"]:
        raise _taken(name)
    if slots and row["taken"] >= slots[tier]:
        whose = f"of tier {tier}" if tier else "for everybody"
        message = f"All {slots[tier]} slots for emotes {whose} are taken: delete one first."
        raise ApiError(ErrorCode.CONFLICT, message, fields={"tier": "is full"})


def _taken(name: str) -> ApiError:
    return ApiError(ErrorCode.DUPLICATE, f"There is an emote {name} already.", fields={"name": "is taken"})


def tier_of(role: Role, subscription_tier: int) -> int:
    """Return up to which tier somebody may use a channel's own emotes in it."""
    return OWN_TIER if role == "broadcaster" else subscription_tier


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


async def pictures(db: Database, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
    """Return the WebP of emotes and scales, also of emotes that were taken away."""
    rows = await db.fetch(
        "SELECT p.emote_id, p.scale, p.content FROM unnest($1::text[], $2::integer[]) AS w (emote_id, scale)"
        " JOIN emote_pictures p ON p.emote_id = w.emote_id AND p.scale = w.scale",
        [emote for emote, _ in wanted],
        [scale for _, scale in wanted],
    )
    return {(row["emote_id"], row["scale"]): row["content"] for row in rows}


async def never_there(db: Database, names: Mapping[str, str]) -> dict[str, str]:
    """Return those of the emotes (id to name) that have no row, and whose name nothing has that is everywhere."""
    rows = await db.fetch(
        "SELECT w.id FROM unnest($1::text[], $2::text[]) AS w (id, name) WHERE NOT EXISTS (SELECT 1 FROM emotes e"
        " WHERE e.id = w.id OR (e.channel_id IS NULL AND e.name = w.name AND e.deleted_at IS NULL))",
        list(names),
        list(names.values()),
    )
    missing = {row["id"] for row in rows}
    return {emote: name for emote, name in names.items() if emote in missing}


async def add_default(db: Database, emote: str, name: str, pictures: Sequence[Picture]) -> None:
    """Add an emote that is everywhere with its pictures; nothing if somebody else does it."""
    await db.execute(
        "WITH added AS (INSERT INTO emotes (id, channel_id, name) VALUES ($1, NULL, $2) ON CONFLICT DO NOTHING"
        " RETURNING id) INSERT INTO emote_pictures (emote_id, scale, width, height, content)"
        " SELECT added.id, p.* FROM added, unnest($3::integer[], $4::integer[], $5::integer[], $6::bytea[]) AS p",
        emote,
        name,
        [picture.scale for picture in pictures],
        [picture.width for picture in pictures],
        [picture.height for picture in pictures],
        [picture.content for picture in pictures],
    )
