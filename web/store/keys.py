"""Stream keys, by their SHA-256."""

from datetime import datetime

import msgspec

from schemas.ids import ChannelId
from web.store import Connection, Database


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
