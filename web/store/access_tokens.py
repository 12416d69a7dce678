"""Tokens for programs, by the SHA-256 of the token: whose they are, what they open, until when."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import msgspec

from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId, make_id
from web.store import Connection, Database
from web.store.users import COLUMNS, Account, account_of

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

MOST = 50
"""Of one person, those for bots among them."""
USED_AFTER = timedelta(hours=1)
"""That a token was used is written at most this often."""
FORGOTTEN_AFTER = timedelta(days=30)
"""Expired tokens are listed so long, so that somebody who wonders finds the reason."""
SELECT = (
    "SELECT t.id, t.name, t.scopes, t.user_id, u.username, t.created_at, t.last_used_at, t.expires_at"
    " FROM access_tokens t JOIN users u ON u.id = t.user_id"
)


class TokenRow(msgspec.Struct, frozen=True):
    """A token as it may be seen; `user_id` is whom it speaks for."""

    id: str
    name: str
    scopes: list[str]
    user_id: UserId
    username: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


def _token_of(row: "Row") -> TokenRow:
    return msgspec.convert(dict(row), TokenRow)


async def find(db: Database, token_hash: bytes) -> tuple[Account, frozenset[str], bool] | None:
    """Return the account, the scopes, and whether it is due to be written that the token is used."""
    row = await db.fetchrow(
        f"SELECT {', '.join('u.' + column for column in COLUMNS.split(', '))}, t.scopes,"
        " (t.last_used_at IS NULL OR t.last_used_at < now() - $2::interval) AS is_due"
        " FROM access_tokens t JOIN users u ON u.id = t.user_id"
        " WHERE t.token_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > now())",
        token_hash,
        USED_AFTER,
    )
    return (account_of(row), frozenset(row["scopes"]), row["is_due"]) if row else None


async def used(db: Database, token_hash: bytes) -> None:
    """Note that the token was used now."""
    await db.execute("UPDATE access_tokens SET last_used_at = now() WHERE token_hash = $1", token_hash)


async def create(
    connection: Connection,
    owner: UserId,
    user: UserId,
    *,
    token_hash: bytes,
    name: str,
    scopes: Sequence[str],
    expires_in: timedelta | None,
) -> TokenRow:
    """Store a new token of `owner` that speaks for `user`, inside a transaction. Raises CONFLICT above `MOST`."""
    # The lock makes two of one person follow each other, or both could pass the count.
    await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE", owner)
    await connection.execute(
        "DELETE FROM access_tokens WHERE expires_at < now() - $2::interval AND user_id IN"
        " (SELECT id FROM users WHERE id = $1 OR bot_owner_id = $1)",
        owner,
        FORGOTTEN_AFTER,
    )
    if len(await of_owner(connection, owner)) >= MOST:
        raise ApiError(ErrorCode.CONFLICT, f"You may have {MOST} tokens. Delete one first.")
    made = await connection.fetchval(
        "INSERT INTO access_tokens (id, token_hash, user_id, name, scopes, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, now() + $6::interval) RETURNING id",
        make_id(),
        token_hash,
        user,
        name,
        list(scopes),
        expires_in,
    )
    row = await connection.fetchrow(f"{SELECT} WHERE t.id = $1", made)
    return _token_of(cast("Row", row))


async def of_owner(db: Database, owner: UserId) -> list[TokenRow]:
    """Return the tokens of somebody and of their bots, the newest first."""
    rows = await db.fetch(f"{SELECT} WHERE u.id = $1 OR u.bot_owner_id = $1 ORDER BY t.id DESC", owner)
    return [_token_of(row) for row in rows]


async def remove(db: Database, owner: UserId, token: str) -> bool:
    """End a token of somebody or of a bot of theirs; return whether there was one."""
    statement = (
        "DELETE FROM access_tokens t USING users u WHERE t.id = $2 AND u.id = t.user_id"
        " AND (u.id = $1 OR u.bot_owner_id = $1) RETURNING true"
    )
    return bool(await db.fetchval(statement, owner, token))
