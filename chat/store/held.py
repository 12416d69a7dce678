"""Messages that wait for a moderator."""

from typing import Final, Literal

import msgspec

from chat.store import Connection, Database
from schemas import chat_api
from schemas.chat import Authored
from schemas.ids import ChannelId, UserId

KEPT_DAYS: Final = 7
"""After which nobody decides any more."""
OF_ONE_MAX, OF_ALL_MAX = 10, 2_000
"""Messages that wait, of one author and in one channel: moderators are people."""

Outcome = Literal["new", "known", "full"]


class HeldRow(msgspec.Struct, frozen=True):
    """A message, and what was decided."""

    id: str
    message: Authored
    state: Literal["waiting", "approved", "denied"]


async def add(db: Database, held_id: str, message: Authored, key: str, reason: str) -> Outcome:
    """Keep a message; `known` when that one (by the author's key) is kept already, `full` when too many wait."""
    row = await db.fetchrow(
        "WITH waiting AS (SELECT count(*) AS all_of_them, count(*) FILTER (WHERE user_id = $3) AS of_one"
        " FROM chat_held WHERE channel_id = $2 AND state = 'waiting'),"
        " known AS (SELECT EXISTS (SELECT 1 FROM chat_held WHERE channel_id = $2 AND user_id = $3 AND key = $4) AS it),"
        " added AS (INSERT INTO chat_held (id, channel_id, user_id, key, message, reason)"
        f" SELECT $1, $2, $3, $4, $5, $6 FROM waiting WHERE of_one < {OF_ONE_MAX} AND all_of_them < {OF_ALL_MAX}"
        " ON CONFLICT DO NOTHING RETURNING id)"
        " SELECT (SELECT count(*) FROM added) AS added, it FROM known",
        held_id,
        message.channel_id,
        message.user_id,
        key,
        msgspec.json.encode(message).decode(),
        reason,
    )
    assert row is not None
    if row["added"]:
        return "new"
    return "known" if row["it"] or await _is_known(db, held_id, message, key) else "full"


async def _is_known(db: Database, held_id: str, message: Authored, key: str) -> bool:
    """Look again: somebody else may have written it while the statement ran."""
    statement = "SELECT EXISTS (SELECT 1 FROM chat_held WHERE id = $1 OR channel_id = $2 AND user_id = $3 AND key = $4)"
    return bool(await db.fetchval(statement, held_id, message.channel_id, message.user_id, key))


async def find(connection: Connection, channel: ChannelId, held_id: str) -> HeldRow | None:
    """Return a message, locked until the transaction's end."""
    row = await connection.fetchrow(
        "SELECT id, message::text, state FROM chat_held WHERE channel_id = $1 AND id = $2 FOR UPDATE", channel, held_id
    )
    if row is None:
        return None
    return HeldRow(row["id"], msgspec.json.decode(row["message"], type=Authored), row["state"])


async def decide(connection: Connection, held_id: str, state: Literal["approved", "denied"], by: UserId) -> None:
    """Note what a moderator decided."""
    await connection.execute(
        "UPDATE chat_held SET state = $2, decided_by = $3, decided_at = now() WHERE id = $1", held_id, state, by
    )


async def deny_all_of(connection: Connection, channel: ChannelId, user: UserId, by: UserId) -> list[str]:
    """Deny all that waits of somebody who was banned; return which."""
    rows = await connection.fetch(
        "UPDATE chat_held SET state = 'denied', decided_by = $3, decided_at = now()"
        " WHERE channel_id = $1 AND user_id = $2 AND state = 'waiting' RETURNING id",
        channel,
        user,
        by,
    )
    return [row["id"] for row in rows]


async def page(db: Database, channel: ChannelId, *, after: str | None, limit: int) -> list[chat_api.HeldMessage]:
    """Return up to `limit` messages that wait, behind that one, oldest first."""
    rows = await db.fetch(
        "SELECT id, user_id, message->>'username', message->>'displayName', message->>'content', reason, created_at"
        " FROM chat_held WHERE channel_id = $1 AND state = 'waiting' AND ($2::text IS NULL OR id > $2)"
        " ORDER BY id LIMIT $3",
        channel,
        after,
        limit,
    )
    return [chat_api.HeldMessage(*row) for row in rows]


async def sweep(db: Database) -> None:
    """Forget what is too old to be decided."""
    await db.execute("DELETE FROM chat_held WHERE created_at < now() - make_interval(days => $1)", KEPT_DAYS)
