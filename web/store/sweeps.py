"""What holds the objects of a session, and the end of those that nothing holds.

A recording holds all of its session while it exists. A session that is not recorded is held by its viewers: as far as
they may go back, and for a while after its end. After that the session is released, and what of it stays is what its
clips hold: the segments from `first_msn` to `last_msn` with their initialization sections, captions and metadata, and
the newest thumbnail. Rows go together with their objects, which join `deletions` in the same transaction.

Everything here locks the session's row first, as does whoever makes a clip (`web/store/clips.py`), so that nothing is
given up that a clip is about to hold.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from schemas.ids import SessionId
from web.store import Connection, Database, deletions

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

BATCH: Final = 20_000
"""Segments that one sweep gives up at most, some 200 ms of the database's time; the rest follows in the next."""
REWIND_MARGIN_S: Final = 60
"""How much further back than viewers may go a live stream's media stays: their playlists are a little older."""
ENDED_KEPT: Final = timedelta(minutes=10)
"""How long a session that is not recorded stays after its end: players show the rest of it, lost ones come back."""
LIVE_EVERY: Final = timedelta(minutes=1)
"""Between two sweeps of a live session that is not recorded."""
MULTIVARIANT: Final = "playlist.m3u8"
HOLDS: Final = (
    "EXISTS (SELECT 1 FROM clips c WHERE c.session_id = $1 AND c.deleted_at IS NULL"
    " AND {msn} BETWEEN c.first_msn AND c.last_msn)"
)


class Swept(msgspec.Struct, frozen=True):
    """How many objects were given up, and whether there may be more to do at once."""

    objects: int
    is_done: bool


async def due(db: Database, limit: int) -> list[SessionId]:
    """Return sessions that are to be swept, the longest overdue first."""
    rows = await db.fetch("SELECT id FROM streams WHERE sweep_at <= now() ORDER BY sweep_at LIMIT $1", limit)
    return [SessionId(row["id"]) for row in rows]


async def lock(connection: Connection, session: SessionId) -> "Row | None":
    """Lock the session's row against others who hold or give up what it has, until the transaction's end."""
    return await connection.fetchrow(
        "SELECT is_recorded, ended_at, released_at, now() AS now FROM streams WHERE id = $1 FOR NO KEY UPDATE", session
    )


async def release(connection: Connection, session: SessionId) -> None:
    """The session as a whole is nobody's any more; once. Its playlists go with this, the rest with the next sweep."""
    is_new = await connection.fetchval(
        "UPDATE streams SET released_at = now(), sweep_at = now() WHERE id = $1 AND released_at IS NULL RETURNING true",
        session,
    )
    if is_new:
        await give_up_playlists(connection, session)


async def give_up_playlists(connection: Connection, session: SessionId) -> None:
    """Have what storage writes beside the media deleted: the playlists, the list of events."""
    index = await connection.fetchval("SELECT index_name FROM streams WHERE id = $1", session)
    rows = await connection.fetch("SELECT DISTINCT rendition FROM inits WHERE session_id = $1", session)
    names = [MULTIVARIANT, *(f"{row['rendition']}.m3u8" for row in rows), *([index] if index else [])]
    await deletions.add_files(connection, [(session, name, 0) for name in names])


async def sweep(connection: Connection, session: SessionId, *, rewind_s: int) -> Swept:
    """Give up what nothing holds, inside a transaction."""
    row = await lock(connection, session)
    assert row is not None
    if not row["is_recorded"] and row["released_at"] is None and _is_over(row["ended_at"], row["now"]):
        await release(connection, session)
        is_released = True
    else:
        is_released = row["released_at"] is not None
    if not is_released and row["is_recorded"]:
        await _next(connection, session, None)
        return Swept(0, is_done=True)
    first_msn = None if is_released else await _first_rewound(connection, session, rewind_s)
    given_up = await _segments(connection, session, first_msn)
    is_done = len(given_up) < BATCH
    if is_done:
        given_up += await _inits(connection, session, is_released=is_released)
        given_up += await _files(connection, session, first_msn)
        await _cues(connection, session, is_released=is_released)
        await _next(connection, session, None if is_released else LIVE_EVERY)
        if is_released:
            await connection.execute("DELETE FROM vods WHERE session_id = $1 AND deleted_at IS NOT NULL", session)
    await deletions.add_files(connection, [(session, name, size) for name, size in given_up])
    return Swept(len(given_up), is_done=is_done)


def _is_over(ended_at: datetime | None, now: datetime) -> bool:
    return ended_at is not None and ended_at + ENDED_KEPT <= now


async def _next(connection: Connection, session: SessionId, after: timedelta | None) -> None:
    await connection.execute("UPDATE streams SET sweep_at = now() + $2::interval WHERE id = $1", session, after)


async def _first_rewound(connection: Connection, session: SessionId, rewind_s: int) -> int:
    """Return the first media sequence number that viewers of a live session may still ask for."""
    first = await connection.fetchval(
        "SELECT min(msn) FROM segments WHERE session_id = $1 AND start_s + duration_s >="
        " (SELECT max(start_s + duration_s) FROM segments WHERE session_id = $1) - $2::double precision",
        session,
        float(rewind_s + REWIND_MARGIN_S),
    )
    return int(first or 0)


async def _segments(connection: Connection, session: SessionId, first_msn: int | None) -> list[tuple[str, int]]:
    """Delete rows of segments below `first_msn` (all without it) that no clip holds; return their objects."""
    rows = await connection.fetch(
        "DELETE FROM segments WHERE ctid IN (SELECT s.ctid FROM segments s WHERE s.session_id = $1"
        f" AND ($2::integer IS NULL OR s.msn < $2) AND NOT {HOLDS.format(msn='s.msn')} LIMIT $3)"
        " RETURNING rendition || '-' || msn || '.m4s' AS name, size, is_gap",
        session,
        first_msn,
        BATCH,
    )
    return [(row["name"], row["size"]) for row in rows if not row["is_gap"]]


async def _inits(connection: Connection, session: SessionId, *, is_released: bool) -> list[tuple[str, int]]:
    """Delete initialization sections that no segment needs; in a running session, not those whose segments come."""
    rows = await connection.fetch(
        "DELETE FROM inits i WHERE i.session_id = $1 AND NOT EXISTS (SELECT 1 FROM segments s"
        " WHERE s.session_id = $1 AND s.rendition = i.rendition AND s.map_number = i.number)"
        " AND ($2 OR i.number < (SELECT max(map_number) FROM segments s WHERE s.session_id = $1"
        " AND s.rendition = i.rendition)) RETURNING rendition || '-init-' || number || '.mp4' AS name, size",
        session,
        is_released,
    )
    return [(row["name"], row["size"]) for row in rows]


async def _files(connection: Connection, session: SessionId, first_msn: int | None) -> list[tuple[str, int]]:
    rows = await connection.fetch(
        "DELETE FROM stream_files f WHERE session_id = $1 AND CASE"
        f" WHEN kind = 'captions' THEN ($2::integer IS NULL OR number < $2) AND NOT {HOLDS.format(msn='f.number')}"
        " WHEN kind = 'thumbnail' THEN $2::integer IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM clips c WHERE c.session_id = $1 AND c.deleted_at IS NULL)"
        " ELSE $2::integer IS NULL END RETURNING name, size",
        session,
        first_msn,
    )
    return [(row["name"], row["size"]) for row in rows]


async def _cues(connection: Connection, session: SessionId, *, is_released: bool) -> None:
    """Forget metadata that no clip shows; a running session keeps it, it is small."""
    if is_released:
        await connection.execute(
            "DELETE FROM cues q WHERE session_id = $1 AND NOT EXISTS (SELECT 1 FROM clips c WHERE c.session_id = $1"
            " AND c.deleted_at IS NULL AND q.start_s < c.end_s AND q.start_s + coalesce(q.duration_s, 0) >= c.start_s)",
            session,
        )
