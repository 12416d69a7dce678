"""What was said: rows of `chat_messages`, and what happens to them. Written by `chat/keeping` alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import asyncpg
import msgspec

from chat.store import Connection, Database
from schemas.chat import ChatMessage
from schemas.chat_api import PastMessage
from schemas.ids import ChannelId, UserId

Row: TypeAlias = asyncpg.Record
TAKEN_BACK_MS: Final = 6 * 3_600_000
"""Of somebody who is banned or timed out, what they said within this time before is taken away."""
_WRITE: Final = """
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::timestamptz[], $10::jsonb[])
        AS g (channel_id, seq, at, epoch, id, user_id, kind, color, picture_at, message)
), added AS (
    INSERT INTO chat_messages (channel_id, seq, at, epoch, id, user_id, kind, color, picture_at, message)
    SELECT * FROM given g
    ON CONFLICT DO NOTHING RETURNING channel_id, seq, at, user_id
), spoken AS (
    SELECT channel_id, user_id, min(at) AS first_at, max(at) AS last_at, count(*) AS messages, max(seq) AS last_seq
    FROM added GROUP BY channel_id, user_id
), chatters AS (
    INSERT INTO chat_chatters AS c (channel_id, user_id, first_at, last_at, messages, last_seq)
    SELECT s.* FROM spoken s JOIN channels h ON h.id = s.channel_id JOIN users u ON u.id = s.user_id
    ORDER BY s.channel_id, s.user_id
    ON CONFLICT (channel_id, user_id) DO UPDATE SET messages = c.messages + excluded.messages,
        first_at = least(c.first_at, excluded.first_at), last_at = greatest(c.last_at, excluded.last_at),
        last_seq = greatest(c.last_seq, excluded.last_seq)
), hours AS (
    INSERT INTO stream_hours AS h (session_id, hour, messages)
    SELECT t.id, date_trunc('hour', s.second), sum(s.messages)
    FROM (SELECT channel_id, date_trunc('second', at) AS second, count(*) AS messages FROM added GROUP BY 1, 2) s
    JOIN LATERAL (
        SELECT id, live_at, ended_at FROM streams WHERE channel_id = s.channel_id AND started_at <= s.second
        ORDER BY started_at DESC LIMIT 1
    ) t ON t.live_at <= s.second AND (t.ended_at IS NULL OR t.ended_at > s.second)
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (session_id, hour) DO UPDATE SET messages = h.messages + excluded.messages
)
SELECT count(*) FROM added
"""
_SHOWN: Final = "m.deleted_at IS NULL AND m.seq > coalesce(r.cleared_seq, 0)"
_FROM: Final = "FROM chat_messages m LEFT JOIN chat_rooms r ON r.channel_id = m.channel_id"
COLUMNS: Final = "m.message::text, m.at, m.seq, m.epoch"
"""What `message_of` takes."""


class MessageRow(msgspec.Struct, frozen=True, gc=False):
    """A message in its place. `message` is `schemas.chat.Authored` as JSON; `color` is of an announcement."""

    channel_id: ChannelId
    seq: int
    at_ms: int
    epoch: str
    id: str
    user_id: UserId
    kind: Literal["message", "announcement"]
    color: str
    picture_at_ms: int
    message: str


class Deletion(msgspec.Struct, frozen=True, gc=False):
    """One message was taken away."""

    channel_id: ChannelId
    message_id: str
    at_ms: int


class Purge(msgspec.Struct, frozen=True, gc=False):
    """What somebody said within `TAKEN_BACK_MS` before this place was taken away."""

    channel_id: ChannelId
    user_id: UserId
    seq: int
    at_ms: int


class Clear(msgspec.Struct, frozen=True, gc=False):
    """All that was said before this place was taken away."""

    channel_id: ChannelId
    seq: int
    at_ms: int


class Reached(msgspec.Struct, frozen=True, gc=False):
    """Up to here a channel's log is written down."""

    channel_id: ChannelId
    seq: int
    epoch: str


class Batch(msgspec.Struct, frozen=True):
    """What is written together. Each of it bears repetition, in any order."""

    messages: list[MessageRow]
    deletions: list[Deletion]
    purges: list[Purge]
    clears: list[Clear]
    reached: list[Reached]


def moment(ms: int) -> datetime:
    """Return milliseconds since the epoch as PostgreSQL takes them."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def milliseconds(at: datetime) -> int:
    """Return a time of PostgreSQL in milliseconds since the epoch."""
    return round(at.timestamp() * 1000)


async def write(connection: Connection, batch: Batch) -> int:
    """Write a batch inside the caller's transaction; return how many messages were new. Raises as databases do."""
    added = await _write_messages(connection, batch.messages) if batch.messages else 0
    if batch.deletions:
        await _delete(connection, batch.deletions)
    if batch.purges:
        await _purge(connection, batch.purges)
    if batch.clears:
        await _clear(connection, batch.clears)
    if batch.reached:
        await _reach(connection, batch.reached)
    return added


async def _write_messages(connection: Connection, rows: Sequence[MessageRow]) -> int:
    added = await connection.fetchval(
        _WRITE,
        [row.channel_id for row in rows],
        [row.seq for row in rows],
        [moment(row.at_ms) for row in rows],
        [row.epoch for row in rows],
        [row.id for row in rows],
        [row.user_id for row in rows],
        [row.kind for row in rows],
        [row.color for row in rows],
        [moment(row.picture_at_ms) for row in rows],
        [row.message for row in rows],
    )
    return int(added)


async def _delete(connection: Connection, deletions: Sequence[Deletion]) -> None:
    await connection.execute(
        "UPDATE chat_messages m SET deleted_at = d.at"
        " FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS d (channel_id, id, at)"
        " WHERE m.id = d.id AND m.channel_id = d.channel_id AND m.deleted_at IS NULL",
        [deletion.channel_id for deletion in deletions],
        [deletion.message_id for deletion in deletions],
        [moment(deletion.at_ms) for deletion in deletions],
    )


async def _purge(connection: Connection, purges: Sequence[Purge]) -> None:
    for purge in purges:  # one by one: each then looks into the partitions of its own hours alone
        await connection.execute(
            "UPDATE chat_messages SET deleted_at = $4 WHERE channel_id = $1 AND user_id = $2 AND seq < $3"
            " AND at > $5 AND at <= $4 AND deleted_at IS NULL",
            purge.channel_id,
            purge.user_id,
            purge.seq,
            moment(purge.at_ms),
            moment(purge.at_ms - TAKEN_BACK_MS),
        )


async def _clear(connection: Connection, clears: Sequence[Clear]) -> None:
    for clear in clears:
        await connection.execute(
            "INSERT INTO chat_clears (channel_id, seq, at) SELECT id, $2, $3 FROM channels WHERE id = $1"
            " ON CONFLICT DO NOTHING",
            clear.channel_id,
            clear.seq,
            moment(clear.at_ms),
        )
        await connection.execute(
            "INSERT INTO chat_rooms AS r (channel_id, cleared_seq) SELECT id, $2 FROM channels WHERE id = $1"
            " ON CONFLICT (channel_id) DO UPDATE SET cleared_seq = greatest(r.cleared_seq, excluded.cleared_seq)",
            clear.channel_id,
            clear.seq,
        )


async def _reach(connection: Connection, reached: Sequence[Reached]) -> None:
    await connection.execute(
        "INSERT INTO chat_rooms AS r (channel_id, seq, epoch) SELECT n.*"
        " FROM unnest($1::text[], $2::bigint[], $3::text[]) AS n (channel_id, seq, epoch)"
        " JOIN channels c ON c.id = n.channel_id ORDER BY n.channel_id"
        " ON CONFLICT (channel_id) DO UPDATE SET seq = excluded.seq, epoch = excluded.epoch WHERE r.seq < excluded.seq",
        [place.channel_id for place in reached],
        [place.seq for place in reached],
        [place.epoch for place in reached],
    )


class _Added(msgspec.Struct, rename="camel"):
    """What a row adds to `Authored`."""

    timestamp: int
    seq: int
    epoch: str


_message_decoder: Final = msgspec.json.Decoder(ChatMessage)


def message_json(message: str, at_ms: int, seq: int, epoch: str) -> bytes:
    """Return the JSON of the `ChatMessage` that an `Authored` in its place is."""
    return message[:-1].encode() + b"," + msgspec.json.encode(_Added(at_ms, seq, epoch))[1:]


def message_of(row: Row) -> ChatMessage:
    """Return the message of a row with `COLUMNS`."""
    return _message_decoder.decode(message_json(row["message"], milliseconds(row["at"]), row["seq"], row["epoch"]))


async def find(db: Database, channel: ChannelId, message_id: str) -> ChatMessage | None:
    """Return a message that is written down and was not taken away."""
    row = await db.fetchrow(
        f"SELECT {COLUMNS} {_FROM} WHERE m.id = $2 AND m.channel_id = $1 AND {_SHOWN}", channel, message_id
    )
    return message_of(row) if row else None


async def of_user(db: Database, channel: ChannelId, user: UserId, limit: int) -> list[PastMessage]:
    """Return the last messages of somebody, newest first, those that were taken away too."""
    rows = await db.fetch(
        f"SELECT {COLUMNS}, NOT ({_SHOWN}) AS is_deleted {_FROM}"
        " WHERE m.channel_id = $1 AND m.user_id = $2 ORDER BY m.seq DESC LIMIT $3",
        channel,
        user,
        limit,
    )
    return [PastMessage(message_of(row), row["is_deleted"]) for row in rows]
