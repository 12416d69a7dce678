"""Accounts."""

from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId, make_id
from web.store import Database

if TYPE_CHECKING:
    Row = asyncpg.Record

COLUMNS = "id, username, display_name, email, is_admin, max_channels, may_pull, created_at, chat_color, bot_owner_id"


class Account(msgspec.Struct, frozen=True):
    """A row of `users` without its password."""

    id: UserId
    username: str
    display_name: str
    email: str | None
    is_admin: bool
    max_channels: int
    may_pull: bool
    created_at: datetime
    chat_color: str
    """"#RRGGBB", "" for one that follows from the id."""
    bot_owner_id: UserId | None
    """Whose bot this is; a bot has no password."""


def account_of(row: "Row") -> Account:
    """Return the account in a row that has at least `COLUMNS`."""
    return Account(
        UserId(row["id"]),
        row["username"],
        row["display_name"],
        row["email"],
        row["is_admin"],
        row["max_channels"],
        row["may_pull"],
        row["created_at"],
        row["chat_color"],
        row["bot_owner_id"],
    )


async def create(
    db: Database,
    *,
    username: str,
    password_hash: str,
    display_name: str | None = None,
    email: str | None = None,
    is_admin: bool = False,
    bot_owner: UserId | None = None,
) -> Account:
    """Make an account. A name that is an account or someone's channel already raises `ApiError(DUPLICATE)`."""
    try:
        row = await db.fetchrow(
            "INSERT INTO users (id, username, display_name, email, password_hash, is_admin, bot_owner_id)"
            " SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT 1 FROM channels WHERE name = $2)"
            f" RETURNING {COLUMNS}",
            make_id(),
            username,
            display_name or username,
            email,
            password_hash,
            is_admin,
            bot_owner,
        )
    except asyncpg.UniqueViolationError as error:
        field = "email" if error.constraint_name == "users_email" else "username"
        raise ApiError(ErrorCode.DUPLICATE, f"This {field} is taken.", fields={field: "is taken"}) from None
    if row is None:
        raise ApiError(ErrorCode.DUPLICATE, "This username is taken.", fields={"username": "is taken"})
    return account_of(row)


async def with_password(db: Database, username: str) -> tuple[Account, str] | None:
    """Return the account of that name and its password's hash."""
    row = await db.fetchrow(f"SELECT {COLUMNS}, password_hash FROM users WHERE username = $1", username)
    return (account_of(row), row["password_hash"]) if row else None


async def by_name(db: Database, username: str) -> Account | None:
    """Return the account of that name."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM users WHERE username = $1", username)
    return account_of(row) if row else None


async def set_password_hash(db: Database, user: UserId, password_hash: str) -> None:
    """Replace the hash, after a sign-in that showed the old one to be made with older parameters."""
    await db.execute("UPDATE users SET password_hash = $2 WHERE id = $1", user, password_hash)


async def set_display_name(db: Database, user: UserId, display_name: str) -> None:
    """Rename what others see."""
    await db.execute("UPDATE users SET display_name = $2 WHERE id = $1", user, display_name)


async def set_chat_color(db: Database, user: UserId, color: str) -> None:
    """Colour the name in chats: "#RRGGBB" in capitals, "" for one that follows from the id."""
    await db.execute("UPDATE users SET chat_color = $2 WHERE id = $1", user, color)


async def any_exists(db: Database) -> bool:
    """Return whether there is any account yet."""
    return bool(await db.fetchval("SELECT EXISTS (SELECT 1 FROM users)"))


async def allow_one_more_channel(db: Database, user: UserId) -> None:
    """Raise the account's limit of channels by what it has used up."""
    await db.execute(
        "UPDATE users SET max_channels = greatest(max_channels,"
        " 1 + (SELECT count(*)::integer FROM channels WHERE user_id = $1)) WHERE id = $1",
        user,
    )


async def set_may_pull(db: Database, user: UserId, *, may_pull: bool) -> None:
    """Let an account have its channels fetched from elsewhere, or not any more."""
    await db.execute("UPDATE users SET may_pull = $2 WHERE id = $1", user, may_pull)
