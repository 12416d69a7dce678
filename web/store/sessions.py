"""Sign-ins, by the SHA-256 of their token."""

from datetime import datetime, timedelta
from typing import cast

from schemas.ids import UserId
from web.store import Database
from web.store.users import COLUMNS, Account, account_of

LIFETIME = timedelta(days=30)
SLIDE_AFTER = timedelta(days=1)
"""A used session is extended to its full lifetime, but written at most this often."""
USER_AGENT_MAX = 200


async def create(db: Database, token_hash: bytes, user: UserId, user_agent: str) -> datetime:
    """Store a new sign-in and return when it expires."""
    expires_at = await db.fetchval(
        "INSERT INTO user_sessions (token_hash, user_id, expires_at, user_agent)"
        " VALUES ($1, $2, now() + $3, $4) RETURNING expires_at",
        token_hash,
        user,
        LIFETIME,
        user_agent[:USER_AGENT_MAX],
    )
    return cast("datetime", expires_at)


async def find(db: Database, token_hash: bytes) -> tuple[Account, datetime, bool] | None:
    """Return the account, the expiry, and whether that expiry is due to be extended."""
    row = await db.fetchrow(
        f"SELECT {', '.join('u.' + column for column in COLUMNS.split(', '))}, s.expires_at,"
        " s.expires_at < now() + $2 AS is_due FROM user_sessions s JOIN users u ON u.id = s.user_id"
        " WHERE s.token_hash = $1 AND s.expires_at > now()",
        token_hash,
        LIFETIME - SLIDE_AFTER,
    )
    return (account_of(row), row["expires_at"], row["is_due"]) if row else None


async def extend(db: Database, token_hash: bytes) -> datetime | None:
    """Give the session its full lifetime again; None when it was ended meanwhile."""
    expires_at = await db.fetchval(
        "UPDATE user_sessions SET expires_at = now() + $2 WHERE token_hash = $1 RETURNING expires_at",
        token_hash,
        LIFETIME,
    )
    return cast("datetime | None", expires_at)


async def end(db: Database, token_hash: bytes) -> None:
    """Sign out."""
    await db.execute("DELETE FROM user_sessions WHERE token_hash = $1", token_hash)


async def delete_expired(db: Database) -> None:
    """Forget sign-ins that nobody can use any more."""
    await db.execute("DELETE FROM user_sessions WHERE expires_at < now()")
