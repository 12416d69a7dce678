"""Stream keys, by their SHA-256."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from schemas.ids import ChannelId
from schemas.ingest import KeyEntry
from web.store import Connection, Database

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

ENTRIES = (
    "SELECT c.id, c.name, coalesce(encode(k.key_hash, 'hex'), '') AS key_digest,"
    " coalesce(c.srt_passphrase, '') AS srt_passphrase"
    " FROM channels c LEFT JOIN stream_keys k ON k.channel_id = c.id AND k.revoked_at IS NULL"
)


class KeyInfo(msgspec.Struct, frozen=True):
    """What may be said of the valid key."""

    last_four: str
    created_at: datetime


async def info(db: Database, channel: ChannelId) -> KeyInfo | None:
    """Return what is known of the channel's valid key."""
    row = await db.fetchrow(
        "SELECT last_four, created_at FROM stream_keys WHERE channel_id = $1 AND revoked_at IS NULL", channel
    )
    return KeyInfo(row["last_four"], row["created_at"]) if row else None


async def srt_passphrase(db: Database, channel: ChannelId) -> str | None:
    """Return the channel's sealed passphrase."""
    sealed: str | None = await db.fetchval("SELECT srt_passphrase FROM channels WHERE id = $1", channel)
    return sealed


async def replace(connection: Connection, channel: ChannelId, key_hash: bytes, last_four: str) -> None:
    """Revoke the channel's key and store its new one, inside a transaction.

    The lock on the channel's row makes two rotations follow each other; the index allows one valid key. It is a NO KEY
    lock: a stronger one would wait for a publish that refers to the channel, while that publish waits for the key.
    """
    await connection.execute("SELECT 1 FROM channels WHERE id = $1 FOR NO KEY UPDATE", channel)
    await connection.execute(
        "UPDATE stream_keys SET revoked_at = now() WHERE channel_id = $1 AND revoked_at IS NULL", channel
    )
    await connection.execute(
        "INSERT INTO stream_keys (key_hash, channel_id, last_four) VALUES ($1, $2, $3)", key_hash, channel, last_four
    )


async def entries(db: Database, channels: Sequence[ChannelId]) -> list[KeyEntry]:
    """Return who may publish to these channels, of those that exist."""
    return _entries(await db.fetch(f"{ENTRIES} WHERE c.id = ANY($1) ORDER BY c.id", list(channels)))


async def page(db: Database, after: str, limit: int) -> list[KeyEntry]:
    """Return who may publish to the channels behind an id."""
    return _entries(await db.fetch(f"{ENTRIES} WHERE c.id > $1 ORDER BY c.id LIMIT $2", after, limit))


def _entries(rows: "Sequence[Row]") -> list[KeyEntry]:
    return [
        KeyEntry(
            channel_id=ChannelId(row["id"]),
            channel_name=row["name"],
            key_digest=row["key_digest"],
            srt_passphrase=row["srt_passphrase"],
        )
        for row in rows
    ]
