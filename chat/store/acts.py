"""What moderators did: the audit log, which is also the list of what a channel's log is still to be told."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from chat.store import Connection, Database
from schemas import chat_api
from schemas.ids import ChannelId, UserId

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

ANSWERED_S: Final = 600
"""For how long a request is known again: longer than keys of messages are (5 minutes)."""
UNTOLD_MAX: Final = 100
"""Acts that are read at once."""


class NewAct(msgspec.Struct, frozen=True):
    """A line to be written. `events`: chat.log.acts.ActEvents as JSON, None when nobody needs to be told."""

    id: str
    channel_id: ChannelId
    actor_id: UserId
    action: str
    target_id: UserId | None
    message_id: str | None
    details: Mapping[str, str]
    events: str | None
    request: str | None
    notice: str


class Untold(msgspec.Struct, frozen=True):
    """An act that the log may not have yet."""

    id: str
    events: str


async def write(connection: Connection, act: NewAct) -> None:
    """Write a line, inside a transaction that has locked the channel (`parties.lock`)."""
    await connection.execute(
        "INSERT INTO chat_acts (id, channel_id, actor_id, action, target_id, message_id, details, events, request,"
        " notice, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp())",
        act.id,
        act.channel_id,
        act.actor_id,
        act.action,
        act.target_id,
        act.message_id,
        msgspec.json.encode(act.details).decode(),
        act.events,
        act.request,
        act.notice,
    )


async def answered(connection: Connection, channel: ChannelId, actor: UserId, request: str) -> tuple[str, str] | None:
    """Return id and notice of what somebody did lately under that name of a request, with the channel locked."""
    row = await connection.fetchrow(
        "SELECT id, notice FROM chat_acts WHERE channel_id = $1 AND actor_id = $2 AND request = $3"
        " AND created_at > clock_timestamp() - make_interval(secs => $4) ORDER BY place DESC LIMIT 1",
        channel,
        actor,
        request,
        ANSWERED_S,
    )
    return (row["id"], row["notice"]) if row else None


async def is_deleted(connection: Connection, channel: ChannelId, message: str) -> bool:
    """Return whether somebody took that message away by itself."""
    statement = (
        "SELECT EXISTS (SELECT 1 FROM chat_acts WHERE message_id = $2 AND channel_id = $1 AND action = 'delete')"
    )
    return bool(await connection.fetchval(statement, channel, message))


async def seconds_since(connection: Connection, channel: ChannelId, action: str) -> float | None:
    """Return how long ago something of the last hour was done last, None if it was not."""
    seconds = await connection.fetchval(
        "SELECT extract(epoch FROM clock_timestamp() - max(created_at)) FROM chat_acts"
        " WHERE channel_id = $1 AND action = $2 AND created_at > now() - interval '1 hour'",
        channel,
        action,
    )
    return None if seconds is None else float(seconds)


# --- what is still to be told -------------------------------------------------------------------------------


async def take_turn(connection: Connection, channel: ChannelId, *, is_patient: bool) -> bool:
    """Be the only one who tells that channel's log, until the transaction's end; return whether one is.

    Who is patient waits for it.
    """
    lock = "pg_advisory_xact_lock" if is_patient else "pg_try_advisory_xact_lock"
    taken = await connection.fetchval(f"SELECT {lock}(hashtextextended('chat acts of ' || $1, 0))", channel)
    return is_patient or bool(taken)


async def untold(connection: Connection, channel: ChannelId) -> list[Untold]:
    """Return the first acts that the log may not have yet, in their order."""
    rows = await connection.fetch(
        "SELECT id, events::text FROM chat_acts WHERE channel_id = $1 AND events IS NOT NULL ORDER BY place LIMIT $2",
        channel,
        UNTOLD_MAX,
    )
    return [Untold(*row) for row in rows]


async def told(connection: Connection, ids: list[str]) -> None:
    """Note that the log has these."""
    await connection.execute("UPDATE chat_acts SET events = NULL WHERE id = ANY($1::text[])", ids)


async def waiting(db: Database, *, older_than_s: float, limit: int) -> list[ChannelId]:
    """Return channels with acts that wait for longer than that, in any order."""
    rows = await db.fetch(
        "SELECT DISTINCT channel_id FROM chat_acts WHERE events IS NOT NULL"
        " AND created_at < clock_timestamp() - make_interval(secs => $1) LIMIT $2",
        older_than_s,
        limit,
    )
    return [ChannelId(row["channel_id"]) for row in rows]


# --- the audit log ------------------------------------------------------------------------------------------

_SHOWN: Final = (
    "SELECT a.id, a.action, coalesce(m.username, '') AS moderator, a.target_id,"
    " coalesce(t.username, '') AS target_name, a.message_id, a.details::text, a.created_at FROM chat_acts a"
    " LEFT JOIN users m ON m.id = a.actor_id LEFT JOIN users t ON t.id = a.target_id"
)


async def page(
    db: Database, channel: ChannelId, *, target: UserId | None, after: str | None, limit: int
) -> list[chat_api.Act]:
    """Return up to `limit` acts behind that one, newest first; with a target those that concern it."""
    rows = await db.fetch(
        f"{_SHOWN} WHERE a.channel_id = $1 AND ($2::text IS NULL OR a.target_id = $2)"
        " AND ($3::text IS NULL OR a.place < (SELECT place FROM chat_acts WHERE id = $3))"
        " ORDER BY a.place DESC LIMIT $4",
        channel,
        target,
        after,
        limit,
    )
    return [_act(row) for row in rows]


async def count(db: Database, channel: ChannelId, target: UserId, action: str) -> int:
    """Return how often something was done to somebody."""
    statement = "SELECT count(*) FROM chat_acts WHERE channel_id = $1 AND target_id = $2 AND action = $3"
    return int(await db.fetchval(statement, channel, target, action))


def _act(row: "Row") -> chat_api.Act:
    fields = dict(row)
    return chat_api.Act(details=msgspec.json.decode(fields.pop("details"), type=dict[str, str]), **fields)
