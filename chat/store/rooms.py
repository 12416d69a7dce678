"""What a channel's log begins with when Redis does not have it: the last number, who is banned, the modes."""

from typing import TYPE_CHECKING, Final

from chat.log.recall import Recalled, modes_of
from chat.store import Database
from chat.store.settings import COLUMNS, DEFAULT
from schemas.chat import ChatSettings
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

_SETTINGS: Final = ", ".join(f"s.{name}" for name in COLUMNS)
_ROOM: Final = (
    f"SELECT coalesce(r.seq, 0) AS seq, s.version, {_SETTINGS} FROM channels c"
    " LEFT JOIN chat_rooms r ON r.channel_id = c.id LEFT JOIN chat_settings s ON s.channel_id = c.id WHERE c.id = $1"
)


async def recall(db: Database, channel: ChannelId) -> Recalled:
    """Return what is known of a channel (`chat.log.recall.Recall`). Raises `ApiError` NOT_FOUND; as databases do.

    Whatever is written after this was asked reaches the log as an act of its own.
    """
    row = await db.fetchrow(_ROOM, channel)
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such channel.")
    return Recalled(row["seq"], await bans(db, channel), _modes(row))


async def bans(db: Database, channel: ChannelId) -> dict[UserId, int]:
    """Return who may not chat: until when in ms, 0 for ever."""
    rows = await db.fetch(
        "SELECT user_id, until FROM chat_bans WHERE channel_id = $1 AND (until IS NULL OR until > now())", channel
    )
    return {UserId(row["user_id"]): round(row["until"].timestamp() * 1000) if row["until"] else 0 for row in rows}


async def reached(db: Database, channel: ChannelId) -> int:
    """Return up to which number a channel's log is written down."""
    return int(await db.fetchval("SELECT seq FROM chat_rooms WHERE channel_id = $1", channel) or 0)


def _modes(row: "Row") -> dict[str, int]:
    if row["version"] is None:
        return modes_of(DEFAULT, 0)
    return modes_of(ChatSettings(*(row[name] for name in COLUMNS)), row["version"])
