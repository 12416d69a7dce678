"""Migrations: `schemas/sql/NNNN_name.sql` in order, one transaction each, under an advisory lock.

What was applied is kept in `schema_migrations` with the SHA-256 of the file. Errors: `MigrationRefused`.
"""

import hashlib
import re
from importlib import resources

import asyncpg
import msgspec

from config.postgres import WAIT_S, Connection, connect

LOCK_KEY = 0x7A11_1167
"""Of the advisory lock; held by the session, so a session-pooling (or no) pgbouncer is needed here."""
LOCK_S = 120.0
"""How long another process may take with its migrations."""
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class MigrationRefused(Exception):
    """The database cannot be brought to this version; nothing was changed by the file that is named."""


class Migration(msgspec.Struct, frozen=True):
    """One file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The checksum of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped() -> list[Migration]:
    """Return the migrations of this version of the program, in order."""
    entries = resources.files("schemas").joinpath("sql").iterdir()
    found = [
        Migration(int(match[1]), entry.name, entry.read_text("utf-8"))
        for entry in sorted(entries, key=lambda entry: entry.name)
        if (match := _NAME.fullmatch(entry.name))
    ]
    assert [m.version for m in found] == list(range(1, len(found) + 1)), "migrations are numbered 1, 2, 3, ..."
    return found


async def migrate(database_url: str, *, migrations: list[Migration] | None = None, wait_s: float = WAIT_S) -> list[str]:
    """Apply what is missing and return its names. Any number of processes may call this at once.

    Raises `MigrationRefused` and `config.postgres.DatabaseUnavailable`.
    """
    ours = shipped() if migrations is None else migrations
    connection = await connect(database_url, wait_s=wait_s, command_s=None)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY, timeout=LOCK_S)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL, "
            "sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        missing = await pending(connection, ours)
        for migration in missing:
            await _apply(connection, migration)
        return [migration.name for migration in missing]
    except TimeoutError as error:
        raise MigrationRefused(f"another process has been migrating this database for {LOCK_S:g} s: end it") from error
    finally:
        await connection.close()  # which also lets go of the lock


async def pending(connection: Connection, ours: list[Migration]) -> list[Migration]:
    """Return what is not applied yet. Raises `MigrationRefused` when the database is newer, or a file was edited."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return ours
    rows = await connection.fetch("SELECT version, name, sha256 FROM schema_migrations ORDER BY version")
    applied = {row["version"]: row for row in rows}
    for migration in ours:
        row = applied.pop(migration.version, None)
        if row is not None and row["sha256"] != migration.sha256:
            raise MigrationRefused(f"{migration.name} was edited after it was applied: restore it and add a new file")
    if applied:
        newest = applied[max(applied)]["name"]
        raise MigrationRefused(
            f"the database is newer than this program (it has {newest}): run the version that made it, or a later one"
        )
    return [migration for migration in ours if migration.version > (rows[-1]["version"] if rows else 0)]


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.sha256,
            )
    except asyncpg.PostgresError as error:
        raise MigrationRefused(f"{migration.name} failed and was rolled back: {error}") from error
