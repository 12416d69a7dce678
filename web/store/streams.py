"""Streams: one row for each session, from the grant of a publish to its end.

Every function that ends rows returns them, so that the caller can tell viewers and the ingest node.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from schemas.ids import ChannelId, NodeId, SessionId, make_id
from schemas.ingest import PublishGrant, PublishRequest
from web.store import Connection, Database

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

SEEN_WITHIN = timedelta(seconds=15)
"""A stream that no heartbeat has named for this long is lost."""
LISTED_AFTER = timedelta(seconds=10)
"""A grant this old must be in its node's heartbeats; a younger one may still be on its way."""
ENCODER_MAX = 200
"""Characters of the encoder's name that are kept."""
TAKEN_OFF_AIR = "The stream was ended from the dashboard."
REST = timedelta(seconds=10)
"""After its owner took a channel off the air, publishers are refused for this long: OBS connects again by itself after
2 s, and would undo what the owner just did; a refusal makes it stop."""
LOST = "lost"
"""The end reason of a row that nobody ended: it comes back if its node turns out to be alive."""
RETURNING = " RETURNING id, channel_id, live_at IS NOT NULL AS was_live"


class Refusal(Enum):
    """Why a publish is not granted."""

    WRONG_KEY = "wrong key"
    ALREADY_LIVE = "already live"
    TAKEN_OFF_AIR = "taken off the air"


class Ended(msgspec.Struct, frozen=True):
    """A row that was ended just now. `was_live`: viewers had been told of it."""

    session_id: SessionId
    channel_id: ChannelId
    was_live: bool


class Opened(msgspec.Struct, frozen=True):
    """A granted publish, and the lost session whose place it took."""

    grant: PublishGrant
    replaced: list[Ended]


class Live(msgspec.Struct, frozen=True):
    """A live session and what its row says of its viewers."""

    session_id: SessionId
    channel_id: ChannelId
    viewer_count: int


def _ended(rows: "Sequence[Row]") -> list[Ended]:
    return [Ended(SessionId(row["id"]), ChannelId(row["channel_id"]), row["was_live"]) for row in rows]


def _live(row: "Row") -> Live:
    return Live(SessionId(row["id"]), ChannelId(row["channel_id"]), row["viewer_count"])


async def open_(connection: Connection, request: PublishRequest, key_hash: bytes) -> Opened | Refusal:
    """Open a session for the key's channel, inside a transaction.

    The share lock on the key orders this before or after a rotation: either the key is found revoked, or the
    rotation finds the row that was opened here.
    """
    found = await connection.fetchrow(
        "SELECT c.id, c.name, c.title FROM stream_keys k JOIN channels c ON c.id = k.channel_id"
        " WHERE k.key_hash = $1 AND k.revoked_at IS NULL FOR SHARE OF k",
        key_hash,
    )
    if found is None:
        return Refusal.WRONG_KEY
    if await connection.fetchval(
        "SELECT 1 FROM streams WHERE channel_id = $1 AND end_reason = $2 AND ended_at > now() - $3::interval",
        found["id"],
        TAKEN_OFF_AIR,
        REST,
    ):
        return Refusal.TAKEN_OFF_AIR
    lost = await connection.fetch(
        "UPDATE streams SET ended_at = now(), end_reason = $3"
        " WHERE channel_id = $1 AND ended_at IS NULL AND seen_at < now() - $2::interval" + RETURNING,
        found["id"],
        SEEN_WITHIN,
        LOST,
    )
    session = await connection.fetchval(
        "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, encoder, title, request_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (channel_id) WHERE ended_at IS NULL DO NOTHING RETURNING id",
        make_id(),
        found["id"],
        key_hash,
        request.node_id,
        request.protocol,
        request.encoder.replace("\0", "")[:ENCODER_MAX],
        found["title"],
        request.request_id,
    )
    if session is None:
        # The answer to the same question was lost on its way: give it again.
        session = await connection.fetchval(
            "SELECT id FROM streams WHERE channel_id = $1 AND ended_at IS NULL AND request_id = $2",
            found["id"],
            request.request_id,
        )
    if session is None:
        return Refusal.ALREADY_LIVE
    return Opened(PublishGrant(ChannelId(found["id"]), found["name"], SessionId(session)), _ended(lost))


async def revive(db: Database, node: NodeId, sessions: list[SessionId]) -> list[Live]:
    """Open rows again that had been given up as lost, if nothing took their place; return those on the air.

    Web or the database may have been away for longer than `SEEN_WITHIN` while the streams went on.
    """
    rows = await db.fetch(
        "UPDATE streams s SET ended_at = NULL, end_reason = NULL"
        " WHERE id = ANY($1) AND node_id = $2 AND end_reason = $3"
        " AND EXISTS (SELECT 1 FROM stream_keys k WHERE k.key_hash = s.key_hash AND k.revoked_at IS NULL)"
        " AND s.started_at = (SELECT max(o.started_at) FROM streams o WHERE o.channel_id = s.channel_id)"
        " RETURNING id, channel_id, viewer_count, live_at IS NOT NULL AS was_live",
        sessions,
        node,
        LOST,
    )
    return [_live(row) for row in rows if row["was_live"]]


async def seen(db: Database, node: NodeId, sessions: list[SessionId]) -> set[SessionId]:
    """Note that the node runs these sessions; return those that it may run."""
    rows = await db.fetch(
        "UPDATE streams SET seen_at = now() WHERE id = ANY($1) AND node_id = $2 AND ended_at IS NULL RETURNING id",
        sessions,
        node,
    )
    return {SessionId(row["id"]) for row in rows}


async def begin_live(db: Database, node: NodeId, sessions: list[SessionId]) -> list[Live]:
    """Put those of the sessions on the air that are not yet, and return them."""
    rows = await db.fetch(
        "UPDATE streams SET live_at = now() WHERE id = ANY($1) AND node_id = $2 AND live_at IS NULL"
        " AND ended_at IS NULL RETURNING id, channel_id, viewer_count",
        sessions,
        node,
    )
    return [_live(row) for row in rows]


async def end_unlisted(db: Database, node: NodeId, sessions: list[SessionId]) -> list[Ended]:
    """End the node's open rows that its heartbeat did not list."""
    return _ended(
        await db.fetch(
            "UPDATE streams SET ended_at = now(), end_reason = 'not running any more'"
            " WHERE node_id = $1 AND ended_at IS NULL AND NOT id = ANY($2) AND started_at < now() - $3::interval"
            + RETURNING,
            node,
            sessions,
            LISTED_AFTER,
        )
    )


async def end_node(db: Database, node: NodeId) -> list[Ended]:
    """End everything on a node that is known to be gone."""
    return _ended(
        await db.fetch(
            "UPDATE streams SET ended_at = now(), end_reason = 'ingest was restarted'"
            " WHERE node_id = $1 AND ended_at IS NULL" + RETURNING,
            node,
        )
    )


async def end_session(db: Database, node: NodeId, session: SessionId, reason: str) -> list[Ended]:
    """End one session at its node's word; nothing when it has ended before."""
    return _ended(
        await db.fetch(
            "UPDATE streams SET ended_at = now(), end_reason = $3"
            " WHERE id = $1 AND node_id = $2 AND ended_at IS NULL" + RETURNING,
            session,
            node,
            reason,
        )
    )


async def end_channel(db: Database, channel: ChannelId, reason: str) -> list[Ended]:
    """End the channel's open session, if there is one."""
    return _ended(
        await db.fetch(
            "UPDATE streams SET ended_at = now(), end_reason = $2 WHERE channel_id = $1 AND ended_at IS NULL"
            + RETURNING,
            channel,
            reason,
        )
    )


async def end_lost(db: Database) -> list[Ended]:
    """End what no heartbeat has named for `SEEN_WITHIN`."""
    return _ended(
        await db.fetch(
            "UPDATE streams SET ended_at = now(), end_reason = $2"
            " WHERE ended_at IS NULL AND seen_at < now() - $1::interval" + RETURNING,
            SEEN_WITHIN,
            LOST,
        )
    )


async def end_reasons(db: Database, sessions: list[SessionId]) -> dict[SessionId, str]:
    """Return why the ended ones of these sessions have ended."""
    rows = await db.fetch("SELECT id, end_reason FROM streams WHERE id = ANY($1) AND ended_at IS NOT NULL", sessions)
    return {SessionId(row["id"]): row["end_reason"] or "ended" for row in rows}


async def open_session(db: Database, channel: ChannelId) -> SessionId | None:
    """Return the session that the channel's publisher has open, on the air or not yet."""
    found = await db.fetchval("SELECT id FROM streams WHERE channel_id = $1 AND ended_at IS NULL", channel)
    return SessionId(found) if found else None


async def live(db: Database) -> list[Live]:
    """Return everything that is on the air."""
    rows = await db.fetch(
        "SELECT id, channel_id, viewer_count FROM streams WHERE ended_at IS NULL AND live_at IS NOT NULL"
    )
    return [_live(row) for row in rows]


async def set_viewers(db: Database, counts: dict[SessionId, int]) -> None:
    """Write new viewer counts."""
    await db.execute(
        "UPDATE streams s SET viewer_count = n.viewers, peak_viewers = greatest(s.peak_viewers, n.viewers)"
        " FROM unnest($1::text[], $2::integer[]) AS n (id, viewers) WHERE s.id = n.id AND s.ended_at IS NULL",
        list(counts),
        list(counts.values()),
    )
