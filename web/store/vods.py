"""Recordings: one for each recorded session, from the first of its objects in storage until it is deleted."""

from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from schemas.access import Visibility
from schemas.ids import ChannelId, SessionId, UserId, VodId
from schemas.storage import INTERRUPTION
from web.store import Connection, Database, sweeps

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

SELECT: Final = (
    "SELECT v.id, v.channel_id, v.session_id, v.title, v.visibility, v.started_at, v.ready_at, v.duration_s,"
    " v.size_bytes, c.name AS channel_name, u.display_name, c.user_id AS owner_id, c.keep_days, s.object_prefix,"
    " (SELECT f.name FROM stream_files f WHERE f.session_id = v.session_id AND f.kind = 'thumbnail') AS thumbnail,"
    " (SELECT f.name FROM stream_files f WHERE f.session_id = v.session_id AND f.kind = 'storyboard') AS storyboard,"
    " EXISTS (SELECT 1 FROM segments g WHERE g.session_id = v.session_id AND g.is_gap"
    " AND g.rendition = {leading}) AS has_gaps"
    " FROM vods v JOIN channels c ON c.id = v.channel_id JOIN users u ON u.id = c.user_id"
    " JOIN streams s ON s.id = v.session_id"
)
LEADING: Final = (
    "(SELECT i.rendition FROM inits i WHERE i.session_id = {session}"
    " ORDER BY i.rendition <> 'video', i.kind <> 'video', i.rendition LIMIT 1)"
)
"""The rendition that leads the others: the source's picture, or its sound where there is none."""
_SELECT: Final = SELECT.format(leading=LEADING.format(session="v.session_id"))


class VodRow(msgspec.Struct, frozen=True):
    """A recording with what is shown of its channel. `ready_at` is None while it grows; pictures are file names."""

    id: VodId
    channel_id: ChannelId
    session_id: SessionId
    title: str
    visibility: Visibility
    started_at: datetime
    ready_at: datetime | None
    duration_s: float
    size_bytes: int
    channel_name: str
    display_name: str
    owner_id: UserId
    keep_days: int | None
    object_prefix: str
    thumbnail: str | None
    storyboard: str | None
    has_gaps: bool


NEAR_S = 0.5
"""A segment that begins so near to a moment begins at it."""


class BreakRow(msgspec.Struct, frozen=True):
    """A segment of the leading rendition at which it does not go on from the one before."""

    start_s: float
    is_gap: bool


def _vod_of(row: "Row") -> VodRow:
    return VodRow(*row)


async def find(db: Database, vod: str) -> VodRow | None:
    """Return a recording that is not deleted."""
    row = await db.fetchrow(f"{_SELECT} WHERE v.id = $1 AND v.deleted_at IS NULL", vod)
    return _vod_of(row) if row else None


async def growing(db: Database, channel: ChannelId) -> VodRow | None:
    """Return the recording that is being made of the channel's running stream."""
    row = await db.fetchrow(
        f"{_SELECT} WHERE v.channel_id = $1 AND v.deleted_at IS NULL AND v.ready_at IS NULL AND s.ended_at IS NULL"
        " ORDER BY v.id DESC LIMIT 1",
        channel,
    )
    return _vod_of(row) if row else None


async def of_session(db: Database, session: SessionId) -> VodId | None:
    """Return the recording of a session, if there is one that is not deleted."""
    found = await db.fetchval("SELECT id FROM vods WHERE session_id = $1 AND deleted_at IS NULL", session)
    return VodId(found) if found else None


async def page(
    db: Database, *, channel: ChannelId | None, viewer: UserId | None, sees_all: bool, after: str | None, limit: int
) -> list[VodRow]:
    """Return up to `limit` recordings behind the id `after`, newest first; private ones only to their owner."""
    rows = await db.fetch(
        f"{_SELECT} WHERE v.deleted_at IS NULL AND ($1::text IS NULL OR v.channel_id = $1)"
        " AND ($2 OR v.visibility <> 'private' OR c.user_id = $3)"
        " AND ($4::text IS NULL OR v.id < $4) ORDER BY v.id DESC LIMIT $5",
        channel,
        sees_all,
        viewer,
        after,
        limit,
    )
    return [_vod_of(row) for row in rows]


async def breaks(db: Database, session: SessionId) -> list[BreakRow]:
    """Return where the leading rendition has a gap, or a discontinuity that is not inside of an interruption.

    A slate begins with one, too; what counts is where the publisher is back.
    """
    rows = await db.fetch(
        "SELECT start_s, is_gap FROM segments s WHERE session_id = $1 AND (is_discontinuous OR is_gap)"
        f" AND rendition = {LEADING.format(session='$1')}"
        " AND (is_gap OR NOT EXISTS (SELECT 1 FROM cues c WHERE c.session_id = $1 AND c.class_name = $2"
        " AND s.start_s >= c.start_s - $3 AND s.start_s < c.start_s + c.duration_s - $3)) ORDER BY msn",
        session,
        INTERRUPTION,
        NEAR_S,
    )
    return [BreakRow(*row) for row in rows]


async def update(db: Database, vod: VodId, *, title: str | None, visibility: Visibility | None) -> None:
    """Change what is not None."""
    await db.execute(
        "UPDATE vods SET title = coalesce($2, title), visibility = coalesce($3, visibility) WHERE id = $1",
        vod,
        title,
        visibility,
    )


async def follow_title(db: Database, channel: ChannelId, before: str, title: str) -> None:
    """Give the recording that is being made the channel's new title, unless its owner gave it one of its own."""
    await db.execute(
        "UPDATE vods SET title = $3 WHERE channel_id = $1 AND ready_at IS NULL AND title = $2", channel, before, title
    )


async def delete(connection: Connection, vod: VodId) -> Literal["deleted", "recording", "unknown"]:
    """Delete a recording that is ready, inside a transaction; what clips hold of it stays."""
    row = await connection.fetchrow(
        "SELECT session_id, ready_at FROM vods WHERE id = $1 AND deleted_at IS NULL FOR UPDATE", vod
    )
    if row is None:
        return "unknown"
    if row["ready_at"] is None:
        return "recording"
    await connection.execute("UPDATE vods SET deleted_at = now() WHERE id = $1", vod)
    await sweeps.release(connection, SessionId(row["session_id"]))
    return "deleted"


async def outdated(db: Database, *, keep_days: int, keep_gb: int, limit: int) -> list[VodId]:
    """Return ready recordings that their channels' rules, or else the instance's, no longer keep; oldest first.

    Days count from when it was ready. Of a channel that has more than its GB (of 10^9 bytes) the oldest go, the newest
    recording stays however large it is.
    """
    rows = await db.fetch(
        "WITH kept AS (SELECT v.id, v.ready_at,"
        " coalesce(c.keep_days, $1::integer) AS days, coalesce(c.keep_gb, $2::integer) AS gb,"
        " sum(v.size_bytes) OVER newer AS bytes, row_number() OVER newer AS place"
        " FROM vods v JOIN channels c ON c.id = v.channel_id WHERE v.deleted_at IS NULL"
        " WINDOW newer AS (PARTITION BY v.channel_id ORDER BY v.id DESC))"
        " SELECT id FROM kept WHERE ready_at IS NOT NULL"
        " AND (days > 0 AND ready_at < now() - make_interval(days => days)"
        " OR gb > 0 AND place > 1 AND bytes > gb::bigint * 1000000000) ORDER BY id LIMIT $3",
        keep_days,
        keep_gb,
        limit,
    )
    return [VodId(row["id"]) for row in rows]


async def finish_lost(db: Database, ended_for_s: float) -> list[VodId]:
    """Make ready, with what is known of them, recordings whose sessions ended this long ago and never got stored."""
    rows = await db.fetch(
        "UPDATE vods v SET ready_at = now() FROM streams s WHERE s.id = v.session_id AND v.ready_at IS NULL"
        " AND v.deleted_at IS NULL AND s.ended_at < now() - make_interval(secs => $1) RETURNING v.id",
        ended_for_s,
    )
    return [VodId(row["id"]) for row in rows]


async def settle(db: Database, session: SessionId) -> None:
    """What is known of a finished session now is all that there will be: its recording is that long and that large."""
    await db.execute(
        "WITH settled AS (UPDATE streams SET stored_at = coalesce(stored_at, now()) WHERE id = $1 RETURNING media_s),"
        " sums AS (SELECT coalesce(sum(size), 0) AS bytes, coalesce(max(start_s + duration_s), 0) AS end_s"
        " FROM segments WHERE session_id = $1)"
        " UPDATE vods v SET ready_at = coalesce(v.ready_at, now()), size_bytes = sums.bytes,"
        " duration_s = coalesce(settled.media_s, sums.end_s) FROM settled, sums WHERE v.session_id = $1",
        session,
    )


async def unmended(db: Database, limit: int) -> list[SessionId]:
    """Return sessions of which more is in storage than is known here, and that nobody is mending just now."""
    rows = await db.fetch(
        "SELECT id FROM streams WHERE index_name IS NOT NULL AND stored_at IS NULL"
        " AND is_recorded AND released_at IS NULL AND ended_at < now() - interval '1 minute'"
        " ORDER BY ended_at LIMIT $1",
        limit,
    )
    return [SessionId(row["id"]) for row in rows]
