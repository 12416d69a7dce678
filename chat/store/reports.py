"""What chatters reported to the moderators of a channel."""

from typing import TYPE_CHECKING, Final, Literal

import asyncpg
import msgspec

from chat.store import Connection, Database
from schemas import chat_api
from schemas.api import Id
from schemas.chat import ChatMessage
from schemas.ids import ChannelId, UserId, make_id

if TYPE_CHECKING:
    Row = asyncpg.Record

_SHOWN: Final = (
    "SELECT r.id, p.username AS reporter_name, r.user_id, u.username, u.display_name, r.message::text, r.reason,"
    " r.created_at, r.outcome, coalesce(d.username, '') AS decided_by FROM chat_reports r"
    " JOIN users p ON p.id = r.reporter_id JOIN users u ON u.id = r.user_id LEFT JOIN users d ON d.id = r.decided_by"
)


async def add(
    connection: Connection,
    channel: ChannelId,
    reporter: UserId,
    user: UserId,
    *,
    reason: str,
    message: ChatMessage | None,
) -> str | None:
    """Write a report and return its id, None when the reporter has reported that message before."""
    found = await connection.fetchval(
        "INSERT INTO chat_reports (id, channel_id, reporter_id, user_id, message_id, message, reason)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (reporter_id, message_id) WHERE message_id IS NOT NULL DO NOTHING RETURNING id",
        make_id(),
        channel,
        reporter,
        user,
        message.id if message else None,
        msgspec.json.encode(message).decode() if message else None,
        reason,
    )
    return None if found is None else str(found)


async def oldest_of_last_hour(connection: Connection, reporter: UserId, most: int) -> float | None:
    """Return how many seconds ago the `most`-th last report of somebody was, None if that is over an hour."""
    # The account's row is locked, so that many at once do not all pass.
    await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE", reporter)
    seconds = await connection.fetchval(
        "SELECT extract(epoch FROM clock_timestamp() - created_at) FROM chat_reports"
        " WHERE reporter_id = $1 AND created_at > now() - interval '1 hour'"
        " ORDER BY created_at DESC OFFSET $2 LIMIT 1",
        reporter,
        most - 1,
    )
    return None if seconds is None else float(seconds)


async def find(db: Database, channel: ChannelId, report: str) -> chat_api.Report | None:
    """Return a report."""
    row = await db.fetchrow(f"{_SHOWN} WHERE r.channel_id = $1 AND r.id = $2", channel, report)
    return _report(row) if row else None


async def decide(
    connection: Connection, channel: ChannelId, report: str, outcome: Literal["acted", "dismissed"], by: UserId
) -> UserId | None:
    """Note what came of a report that is open; return whom it was about, None if there is no such open one."""
    user = await connection.fetchval(
        "UPDATE chat_reports SET outcome = $3, decided_by = $4, decided_at = now()"
        " WHERE channel_id = $1 AND id = $2 AND outcome IS NULL RETURNING user_id",
        channel,
        report,
        outcome,
        by,
    )
    return None if user is None else UserId(user)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The place of the last row of a page."""

    is_decided: bool
    id: Id


async def page(db: Database, channel: ChannelId, *, after: Cursor | None, limit: int) -> list[chat_api.Report]:
    """Return up to `limit` reports behind that place: open ones first, newest first in each part."""
    rows = await db.fetch(
        f"{_SHOWN} WHERE r.channel_id = $1"
        " AND ($2::boolean IS NULL OR (r.outcome IS NOT NULL) > $2 OR ((r.outcome IS NOT NULL) = $2 AND r.id < $3))"
        " ORDER BY (r.outcome IS NOT NULL), r.id DESC LIMIT $4",
        channel,
        after.is_decided if after else None,
        after.id if after else None,
        limit,
    )
    return [_report(row) for row in rows]


def _report(row: "Row") -> chat_api.Report:
    fields = dict(row)
    text = fields.pop("message")
    message = msgspec.json.decode(text, type=ChatMessage) if text else None
    return chat_api.Report(message=message, **fields)
