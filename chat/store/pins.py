"""The message at the top of a channel."""

from collections.abc import Sequence

import msgspec

from chat.store import Connection, Database
from schemas.chat import Pinned
from schemas.ids import ChannelId, UserId


async def read_many(db: Database, channels: Sequence[ChannelId]) -> dict[ChannelId, Pinned]:
    """Return what is pinned where; whether it still is at the time is for the caller to see (`Pinned.until`)."""
    rows = await db.fetch(
        "SELECT channel_id, pinned::text FROM chat_rooms WHERE channel_id = ANY($1::text[]) AND pinned IS NOT NULL",
        channels,
    )
    return {ChannelId(row["channel_id"]): msgspec.json.decode(row["pinned"], type=Pinned) for row in rows}


async def write(connection: Connection, channel: ChannelId, pinned: Pinned) -> None:
    """Pin a message in place of another."""
    await connection.execute(
        "INSERT INTO chat_rooms (channel_id, pinned) VALUES ($1, $2)"
        " ON CONFLICT (channel_id) DO UPDATE SET pinned = excluded.pinned",
        channel,
        msgspec.json.encode(pinned).decode(),
    )


async def take_down(
    connection: Connection, channel: ChannelId, *, message: str | None = None, author: UserId | None = None
) -> bool:
    """Take down what is pinned, if it is that message or of that author (None: whatever it is); return whether."""
    return bool(
        await connection.fetchval(
            "UPDATE chat_rooms SET pinned = NULL WHERE channel_id = $1 AND pinned IS NOT NULL"
            " AND ($2::text IS NULL OR pinned->'message'->>'id' = $2)"
            " AND ($3::text IS NULL OR pinned->'message'->>'userId' = $3) RETURNING true",
            channel,
            message,
            author,
        )
    )
