"""Accounts without a password that programs speak for. Each belongs to the person who made it."""

from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from web.store import Connection, Database, users
from web.store.users import COLUMNS, Account, account_of

MOST = 5
"""Of one person: each takes a name that nobody else can have."""
NO_PASSWORD = ""
"""No hash of argon2: nothing that is typed fits it."""


async def create(connection: Connection, owner: UserId, username: str, display_name: str | None) -> Account:
    """Make one, inside a transaction. Raises CONFLICT above `MOST`, DUPLICATE for a name that is taken."""
    # The lock makes two of one person follow each other, or both could pass the count.
    await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE", owner)
    if len(await of_owner(connection, owner)) >= MOST:
        raise ApiError(ErrorCode.CONFLICT, f"You may have {MOST} bots. Delete one first.")
    return await users.create(
        connection, username=username, password_hash=NO_PASSWORD, display_name=display_name, bot_owner=owner
    )


async def of_owner(db: Database, owner: UserId) -> list[Account]:
    """Return somebody's bots, the oldest first."""
    rows = await db.fetch(f"SELECT {COLUMNS} FROM users WHERE bot_owner_id = $1 ORDER BY id", owner)
    return [account_of(row) for row in rows]


async def remove(db: Database, owner: UserId, bot: UserId) -> bool:
    """Delete a bot of somebody with its tokens; return whether there was one."""
    statement = "DELETE FROM users WHERE id = $2 AND bot_owner_id = $1 RETURNING true"
    return bool(await db.fetchval(statement, owner, bot))
