"""Streams: one row for each session, from the grant of a publish to its end.

Every function that ends rows returns them, so that the caller can tell viewers and the ingest node.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from schemas.access import Visibility
from schemas.ids import ChannelId, NodeId, SessionId, make_id
from schemas.ingest import Limits, PublishGrant, PublishRequest, read_priority, wants_takeover, wants_test
from web.store import Connection, Database
from web.store.pulls import IS_ALLOWED

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
TAKEN_OVER = "Another publisher of this channel has taken over."
LOST = "lost"
"""The end reason of a row that nobody ended: it comes back if its node turns out to be alive."""
RETURNING = " RETURNING id, channel_id, live_at IS NOT NULL AS was_live"
CHANNEL = (
    "c.id, c.name, c.title, c.ladder, c.max_bitrate_kbps, c.max_height, c.max_frame_rate, c.max_duration_s,"
    " c.recording, c.visibility"
)
BY_TICKET = b""
"""In the place of a key's hash, of sessions that a page's ticket began."""


UNLISTED = "not running any more"
RESTARTED = "ingest was restarted"
WORDS = {
    "": "The stream has ended",
    LOST: "The ingest server was not heard of any more",
    UNLISTED: "The ingest server does not have this stream any more",
    RESTARTED: "The ingest server was restarted",
}
"""What ends mean whose reason is a word of ours."""
ONE_COUNTS = 7_407_183
"""Advisory lock under which streams are counted, so that two publishers cannot both be the last that fits."""


class Refusal(Enum):
    """Why a publish is not granted."""

    WRONG_KEY = "wrong key"
    ALREADY_LIVE = "already live"
    TAKEN_OFF_AIR = "taken off the air"
    FULL = "too many streams"


class Terms(msgspec.Struct, frozen=True):
    """What the instance allows and does where a channel says nothing."""

    ladder: str = "auto"
    limits: Limits = Limits()
    max_streams: int = 0


class Ended(msgspec.Struct, frozen=True):
    """A row that was ended just now. `was_live`: viewers had been told of it."""

    session_id: SessionId
    channel_id: ChannelId
    was_live: bool


class Opened(msgspec.Struct, frozen=True):
    """A granted publish, and the sessions whose place it took: lost ones, and those on other nodes, to be cut."""

    grant: PublishGrant
    replaced: list[Ended]
    taken_over: list[Ended]


class Arrival(msgspec.Struct, frozen=True):
    """What a heartbeat says of one session's publisher: whether it is gone for now, and its priority."""

    session_id: SessionId
    is_waiting: bool
    priority: int


class Turn(msgspec.Struct, frozen=True):
    """A stream on the air whose publisher was lost or came back just now."""

    session_id: SessionId
    channel_id: ChannelId
    is_interrupted: bool


class Live(msgspec.Struct, frozen=True):
    """A live session and what its row says of its viewers."""

    session_id: SessionId
    channel_id: ChannelId
    viewer_count: int


def _ended(rows: "Sequence[Row]") -> list[Ended]:
    return [Ended(SessionId(row["id"]), ChannelId(row["channel_id"]), row["was_live"]) for row in rows]


def _live(row: "Row") -> Live:
    return Live(SessionId(row["id"]), ChannelId(row["channel_id"]), row["viewer_count"])


async def open_(
    connection: Connection, request: PublishRequest, proof: bytes | ChannelId, terms: Terms
) -> Opened | Refusal:
    """Open a session for the channel that the proof is of, or find the one that its node lets the publisher join.

    `proof` is the hash of a key, or a channel whose ticket it was.

    Call it inside a transaction and roll that back on a refusal. The share lock on the key orders this before or after
    a rotation: either the key is found revoked, or the rotation finds the row that was opened here. Raises
    `ValueError` with a sentence for bad parameters.
    """
    read_priority(request.params)
    found = await _channel_of(connection, request, proof)
    if found is None:
        return Refusal.WRONG_KEY
    grant = PublishGrant(
        ChannelId(found["id"]),
        found["name"],
        SessionId(make_id()),
        ladder=found["ladder"] or terms.ladder,
        limits=_stricter(terms.limits, found),
        is_test=wants_test(request.params),
        is_recorded=found["recording"],
        visibility=found["visibility"],
    )
    if grant.is_test:
        return Opened(grant, [], [])
    if await _rests(connection, grant.channel_id):
        return Refusal.TAKEN_OFF_AIR
    replaced = _ended(
        await connection.fetch(
            "UPDATE streams SET ended_at = now(), end_reason = $3"
            " WHERE channel_id = $1 AND ended_at IS NULL AND seen_at < now() - $2::interval" + RETURNING,
            grant.channel_id,
            SEEN_WITHIN,
            LOST,
        )
    )
    taken_over: list[Ended] = []
    while True:
        row = await connection.fetchrow(
            "SELECT id, node_id, request_id, interrupted_at, priority, is_recorded FROM streams"
            " WHERE channel_id = $1 AND ended_at IS NULL FOR UPDATE",
            grant.channel_id,
        )
        if row is not None:
            if row["node_id"] == request.node_id:
                # the answer to the same question was lost on its way: give it again
                is_running = row["request_id"] != request.request_id
                # a session is recorded or not from its beginning on
                grant = msgspec.structs.replace(
                    grant, session_id=SessionId(row["id"]), is_running=is_running, is_recorded=row["is_recorded"]
                )
                return Opened(grant, replaced, [])
            if not _yields(row, request):
                return Refusal.ALREADY_LIVE
            taken_over += await end_channel(connection, grant.channel_id, TAKEN_OVER)
        if await _is_full(connection, terms.max_streams):
            return Refusal.FULL
        if await _insert(connection, request, grant, proof, found["title"]):
            return Opened(grant, replaced, taken_over)
        # another publisher of the channel was a moment faster: what he opened is visible now


async def _channel_of(connection: Connection, request: PublishRequest, proof: bytes | ChannelId) -> "Row | None":
    """Return the channel that a stream key, a relay's ticket (its hash, too) or a page's ticket lets publish to."""
    if isinstance(proof, str):
        return await connection.fetchrow(f"SELECT {CHANNEL} FROM channels c WHERE c.id = $1", proof)
    if request.protocol == "pull":
        return await connection.fetchrow(
            f"SELECT {CHANNEL} FROM pulls p JOIN channels c ON c.id = p.channel_id JOIN users u ON u.id = c.user_id"
            f" WHERE p.key_hash = $1 AND p.is_enabled AND {IS_ALLOWED} FOR SHARE OF p",
            proof,
        )
    return await connection.fetchrow(
        f"SELECT {CHANNEL} FROM stream_keys k JOIN channels c ON c.id = k.channel_id"
        " WHERE k.key_hash = $1 AND k.revoked_at IS NULL FOR SHARE OF k",
        proof,
    )


def _stricter(instance: Limits, channel: "Row") -> Limits:
    """Return the limits that hold for a channel; none (NULL or 0) never loosens the instance's."""
    return Limits(
        max_bitrate_bps=_least(instance.max_bitrate_bps, (channel["max_bitrate_kbps"] or 0) * 1000),
        max_height=_least(instance.max_height, channel["max_height"]),
        max_frame_rate=_least(instance.max_frame_rate, channel["max_frame_rate"]),
        max_duration_s=_least(instance.max_duration_s, channel["max_duration_s"]),
    )


def _least(*limits: int | None) -> int:
    return min((limit for limit in limits if limit), default=0)


async def _rests(connection: Connection, channel: ChannelId) -> bool:
    """Whether the owner took the channel off the air just now."""
    found = await connection.fetchval(
        "SELECT 1 FROM streams WHERE channel_id = $1 AND end_reason = $2 AND ended_at > now() - $3::interval",
        channel,
        TAKEN_OFF_AIR,
        REST,
    )
    return found is not None


def _yields(row: "Row", request: PublishRequest) -> bool:
    """Whether a session on another node gives way to this publisher; on the same node, the node decides."""
    return bool(
        row["interrupted_at"] or wants_takeover(request.params) or read_priority(request.params) > row["priority"]
    )


async def _is_full(connection: Connection, max_streams: int) -> bool:
    if not max_streams:
        return False
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ONE_COUNTS)
    count: int = await connection.fetchval("SELECT count(*) FROM streams WHERE ended_at IS NULL")
    return count >= max_streams


async def _insert(
    connection: Connection, request: PublishRequest, grant: PublishGrant, proof: bytes | ChannelId, title: str
) -> bool:
    inserted = await connection.fetchval(
        "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, encoder, title, request_id, priority,"
        " is_recorded) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (channel_id) WHERE ended_at IS NULL DO NOTHING RETURNING id",
        grant.session_id,
        grant.channel_id,
        BY_TICKET if isinstance(proof, str) else proof,
        request.node_id,
        request.protocol,
        request.encoder.replace("\0", "")[:ENCODER_MAX],
        title,
        request.request_id,
        read_priority(request.params),
        grant.is_recorded,
    )
    return inserted is not None


async def revive(db: Database, node: NodeId, sessions: list[SessionId]) -> list[Live]:
    """Open rows again that had been given up as lost, if nothing took their place; return those on the air.

    Web or the database may have been away for longer than `SEEN_WITHIN` while the streams went on.
    """
    rows = await db.fetch(
        "UPDATE streams s SET ended_at = NULL, end_reason = NULL,"
        " released_at = CASE WHEN is_recorded THEN released_at END"
        " WHERE id = ANY($1) AND node_id = $2 AND end_reason = $3"
        " AND (s.key_hash = $4"
        " OR EXISTS (SELECT 1 FROM stream_keys k WHERE k.key_hash = s.key_hash AND k.revoked_at IS NULL)"
        " OR EXISTS (SELECT 1 FROM pulls p WHERE p.key_hash = s.key_hash AND p.is_enabled))"
        " AND s.started_at = (SELECT max(o.started_at) FROM streams o WHERE o.channel_id = s.channel_id)"
        " RETURNING id, channel_id, viewer_count, live_at IS NOT NULL AS was_live",
        sessions,
        node,
        LOST,
        BY_TICKET,
    )
    if rows:
        await db.execute(
            "UPDATE vods SET ready_at = NULL WHERE session_id = ANY($1) AND deleted_at IS NULL",
            [row["id"] for row in rows],
        )
    return [_live(row) for row in rows if row["was_live"]]


async def seen(db: Database, node: NodeId, arrivals: list[Arrival]) -> tuple[set[SessionId], list[Turn]]:
    """Note that the node runs these sessions; return those that it may run, and whose publishers went or came."""
    rows = await db.fetch(
        "UPDATE streams s SET seen_at = now(), priority = n.priority,"
        " interrupted_at = CASE WHEN n.is_waiting THEN coalesce(s.interrupted_at, now()) END"
        " FROM unnest($1::text[], $2::boolean[], $3::integer[]) AS n (id, is_waiting, priority)"
        " JOIN streams o ON o.id = n.id"
        " WHERE s.id = n.id AND s.node_id = $4 AND s.ended_at IS NULL"
        " RETURNING s.id, s.channel_id, n.is_waiting,"
        " s.live_at IS NOT NULL AND n.is_waiting <> (o.interrupted_at IS NOT NULL) AS has_turned",
        [arrival.session_id for arrival in arrivals],
        [arrival.is_waiting for arrival in arrivals],
        [arrival.priority for arrival in arrivals],
        node,
    )
    turns = [
        Turn(SessionId(row["id"]), ChannelId(row["channel_id"]), row["is_waiting"]) for row in rows if row["has_turned"]
    ]
    return {SessionId(row["id"]) for row in rows}, turns


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
            "UPDATE streams SET ended_at = now(), end_reason = $4"
            " WHERE node_id = $1 AND ended_at IS NULL AND NOT id = ANY($2) AND started_at < now() - $3::interval"
            + RETURNING,
            node,
            sessions,
            LISTED_AFTER,
            UNLISTED,
        )
    )


async def end_node(db: Database, node: NodeId) -> list[Ended]:
    """End everything on a node that is known to be gone."""
    return _ended(
        await db.fetch(
            "UPDATE streams SET ended_at = now(), end_reason = $2 WHERE node_id = $1 AND ended_at IS NULL" + RETURNING,
            node,
            RESTARTED,
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


async def visibilities(db: Database, sessions: list[SessionId]) -> dict[SessionId, Visibility]:
    """Return who may watch these sessions, of those that not everybody may."""
    rows = await db.fetch(
        "SELECT s.id, c.visibility FROM streams s JOIN channels c ON c.id = s.channel_id"
        " WHERE s.id = ANY($1) AND c.visibility <> 'public'",
        sessions,
    )
    return {SessionId(row["id"]): row["visibility"] for row in rows}


async def last_end(db: Database, channel: ChannelId) -> tuple[datetime, str] | None:
    """Return when and why the channel's newest ended session ended, in words for its owner."""
    row = await db.fetchrow(
        "SELECT ended_at, end_reason FROM streams WHERE channel_id = $1 AND ended_at IS NOT NULL"
        " ORDER BY started_at DESC LIMIT 1",
        channel,
    )
    return (row["ended_at"], in_words(row["end_reason"] or "")) if row else None


def in_words(reason: str) -> str:
    """Return an end's reason as a sentence."""
    reason = WORDS.get(reason, reason).strip()
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith((".", "!", "?")) else ".")


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
