"""Keys that sign access tokens. They retire by the database's clock."""

import msgspec

from web.store import Connection, Database

ONE_MAKES_THE_FIRST = 7_407_184
"""Advisory lock under which the first key is made, so that processes that start together make one."""
_VALID = "retires_at IS NULL OR retires_at > now()"


class KeyRow(msgspec.Struct, frozen=True):
    """A key that verifies; the newest one without `retires_in_s` signs."""

    id: str
    key: bytes
    retires_in_s: float | None


async def valid(db: Database) -> list[KeyRow]:
    """Return the keys that still verify, the newest first."""
    rows = await db.fetch(
        "SELECT id, key, extract(epoch FROM retires_at - now())::float8 AS retires_in_s FROM access_keys "
        f"WHERE {_VALID} ORDER BY created_at DESC, id"
    )
    return [KeyRow(row["id"], row["key"], row["retires_in_s"]) for row in rows]


async def ensure(connection: Connection, key_id: str, key: bytes) -> None:
    """Store this as the key that signs when there is none yet, inside a transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ONE_MAKES_THE_FIRST)
    await connection.execute(
        "INSERT INTO access_keys (id, key) SELECT $1, $2 "
        "WHERE NOT EXISTS (SELECT 1 FROM access_keys WHERE retires_at IS NULL)",
        key_id,
        key,
    )


async def replace(connection: Connection, key_id: str, key: bytes, retires_in_s: int) -> None:
    """Store a key that signs from now on, inside a transaction; those before it retire after `retires_in_s`, or
    when they would have anyway if that is earlier. Those that have retired are forgotten.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ONE_MAKES_THE_FIRST)
    await connection.execute("DELETE FROM access_keys WHERE retires_at <= now()")
    await connection.execute(
        "UPDATE access_keys SET retires_at = least(retires_at, now() + make_interval(secs => $1))", retires_in_s
    )
    # Not now(): of two rotations within one transaction's time the later one signs.
    await connection.execute(
        "INSERT INTO access_keys (id, key, created_at) VALUES ($1, $2, clock_timestamp())", key_id, key
    )
