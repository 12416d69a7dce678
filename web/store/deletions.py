"""Objects that nothing refers to any more: listed with the same commit that gives them up, until they are gone.

Whoever still plays with an address that he has got is left a while.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from schemas.ids import SessionId
from schemas.storage import MAX_DELETIONS
from web.store import Connection, Database

LEFT: Final = timedelta(minutes=1)
"""Between the moment at which an object becomes nobody's and the order to delete it."""
ASK_AGAIN: Final = timedelta(minutes=10)
"""An order that was not answered for this long is given again."""
PREFIX: Final = (
    "coalesce(s.object_prefix, CASE WHEN s.is_recorded THEN 'recordings/' ELSE 'live/' END || s.channel_id || '/' ||"
    " s.id)"
)
"""What a session's keys begin with, also when the event that says so was lost (`schemas.storage.session_prefix`)."""


async def add_keys(connection: Connection, keys: Sequence[tuple[str, int]]) -> None:
    """List objects by their keys and sizes."""
    if keys:
        await connection.execute(
            "INSERT INTO deletions (key, size) SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT DO NOTHING",
            [key for key, _ in keys],
            [size for _, size in keys],
        )


async def add_files(connection: Connection, files: Sequence[tuple[SessionId, str, int]]) -> None:
    """List objects by their sessions, names and sizes."""
    if files:
        await connection.execute(
            f"INSERT INTO deletions (key, size) SELECT {PREFIX} || '/' || f.name, f.size"
            " FROM unnest($1::text[], $2::text[], $3::bigint[]) AS f (session_id, name, size)"
            " JOIN streams s ON s.id = f.session_id ON CONFLICT DO NOTHING",
            [session for session, _, _ in files],
            [name for _, name, _ in files],
            [size for _, _, size in files],
        )


async def take(db: Database) -> list[str]:
    """Return the keys of the next order, at most `MAX_DELETIONS`, and note that it is given now."""
    rows = await db.fetch(
        "UPDATE deletions SET asked_at = now() WHERE key IN (SELECT key FROM deletions"
        " WHERE created_at <= now() - $1::interval AND (asked_at IS NULL OR asked_at <= now() - $2::interval)"
        " ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING key",
        LEFT,
        ASK_AGAIN,
        MAX_DELETIONS,
    )
    return [row["key"] for row in rows]


async def forget(db: Database, keys: Sequence[str]) -> None:
    """Take off the list what is gone."""
    await db.execute("DELETE FROM deletions WHERE key = ANY($1)", list(keys))
