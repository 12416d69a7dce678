"""Pages of `chat_messages`: the newest of a channel, and those that belong to a stretch of a recording."""

from datetime import datetime
from typing import Final

import msgspec

from chat.store import Database
from chat.store.messages import COLUMNS, TAKEN_BACK_MS, MessageRow, Row, message_json, milliseconds, moment
from schemas.ids import ChannelId

BELIEVED_MS: Final = 60_000
"""How far behind a message the picture on its author's screen may be (DVR, slow players), and is believed."""
END: Final = (1 << 63) - 1
"""Behind every place in a log."""
_COLUMNS: Final = f"m.id, m.user_id, m.kind, m.color, m.picture_at, {COLUMNS}"
_NEWEST: Final = f"""
SELECT coalesce(r.seq, 0) AS reached, m.* FROM (SELECT) one LEFT JOIN chat_rooms r ON r.channel_id = $1
LEFT JOIN LATERAL (
    SELECT {_COLUMNS} FROM chat_messages m
    WHERE m.channel_id = $1 AND m.seq < $2 AND m.seq > coalesce(r.cleared_seq, 0) AND m.deleted_at IS NULL {{more}}
    ORDER BY m.seq DESC LIMIT $3
) m ON true ORDER BY m.seq
"""
_THREAD: Final = "AND (m.id = $4 OR (m.message ? 'replyTo' AND m.message -> 'replyTo' ->> 'threadId' = $4))"
# `at` is never before picture_at and never long behind it: so PostgreSQL looks into the tables of those months alone.
_BETWEEN: Final = f"""
SELECT {_COLUMNS} FROM chat_messages m
WHERE m.channel_id = $1 AND m.deleted_at IS NULL AND (m.picture_at, m.seq) > ($2, $3) AND m.picture_at < $4
    AND m.at >= $2 AND m.at < $4 + make_interval(secs => {BELIEVED_MS // 1000} + 1)
    AND NOT EXISTS (
        SELECT 1 FROM chat_clears c WHERE c.channel_id = $1 AND c.seq > m.seq
        AND (c.at <= coalesce($5::timestamptz, 'infinity')
            OR c.at <= m.at + make_interval(secs => {TAKEN_BACK_MS // 1000}))
    )
ORDER BY m.picture_at, m.seq LIMIT $6
"""


class KeptMessage(msgspec.Struct, frozen=True, gc=False):
    """A message that is written down. `json`: a `schemas.chat.ChatMessage`; `announcement`: its colour, else None."""

    id: str
    user_id: str
    seq: int
    at_ms: int
    picture_at_ms: int
    announcement: str | None
    json: bytes


class Kept(msgspec.Struct, frozen=True):
    """Messages oldest first, and up to where the channel's log is written down: taken away till there are none."""

    reached: int
    messages: list[KeptMessage]


class Spot(msgspec.Struct, frozen=True, array_like=True):
    """A place in a replay: behind the message with that picture (ms) and number."""

    picture_at_ms: int
    seq: int


async def newest(db: Database, channel: ChannelId, before: int | None, limit: int, thread: str | None = None) -> Kept:
    """Return the last messages before a place, or of all; with `thread` only that message and its answers."""
    more = (_THREAD,) if thread is not None else ("",)
    rows = await db.fetch(
        _NEWEST.format(more=more[0]), channel, END if before is None else before, limit, *([thread] if thread else [])
    )
    return Kept(rows[0]["reached"], [_kept(row) for row in rows if row["id"] is not None])


async def between(
    db: Database, channel: ChannelId, after: Spot, until_ms: int, *, limit: int, ended_at: datetime | None
) -> list[KeptMessage]:
    """Return messages whose picture is behind a spot and before `until_ms`, in the order of their pictures.

    `ended_at`: of the stream, None while it is on the air; what was cleared until then is left out.
    """
    rows = await db.fetch(
        _BETWEEN,
        channel,
        moment(after.picture_at_ms),
        after.seq,
        moment(until_ms),
        ended_at,
        limit,
    )
    return [_kept(row) for row in rows]


def kept_of(row: MessageRow) -> KeptMessage:
    """Return a message as pages have it, from its row before that is written."""
    return KeptMessage(
        id=row.id,
        user_id=row.user_id,
        seq=row.seq,
        at_ms=row.at_ms,
        picture_at_ms=row.picture_at_ms,
        announcement=row.color if row.kind == "announcement" else None,
        json=message_json(row.message, row.at_ms, row.seq, row.epoch),
    )


def _kept(row: Row) -> KeptMessage:
    at_ms = milliseconds(row["at"])
    return KeptMessage(
        id=row["id"],
        user_id=row["user_id"],
        seq=row["seq"],
        at_ms=at_ms,
        picture_at_ms=milliseconds(row["picture_at"]),
        announcement=row["color"] if row["kind"] == "announcement" else None,
        json=message_json(row["message"], at_ms, row["seq"], row["epoch"]),
    )
