"""The modes and word lists of channels; a channel without a row has the defaults."""

from collections.abc import Mapping, Sequence
from typing import Final

from chat.store import Connection, Database
from schemas.chat import ChatSettings
from schemas.ids import ChannelId

COLUMNS: Final = ChatSettings.__struct_fields__
DEFAULT: Final = ChatSettings(blocked_terms=[], held_terms=[])


async def read(db: Database, channel: ChannelId) -> ChatSettings:
    """Return a channel's settings with its lists of terms."""
    return (await read_many(db, [channel]))[channel]


async def read_many(db: Database, channels: Sequence[ChannelId]) -> dict[ChannelId, ChatSettings]:
    """Return the settings of each of these channels, with their lists of terms."""
    rows = await db.fetch(
        f"SELECT channel_id, {', '.join(COLUMNS)} FROM chat_settings WHERE channel_id = ANY($1::text[])", channels
    )
    found = dict.fromkeys(channels, DEFAULT)
    for row in rows:
        found[ChannelId(row["channel_id"])] = ChatSettings(*(row[name] for name in COLUMNS))
    return found


async def write(connection: Connection, channel: ChannelId, changes: Mapping[str, object]) -> int:
    """Change columns, inside a transaction; return the new version."""
    assert changes
    assert changes.keys() <= set(COLUMNS)
    numbers = range(2, len(changes) + 2)
    sets = ", ".join(f"{name} = ${number}" for name, number in zip(changes, numbers, strict=True))
    version = await connection.fetchval(
        f"INSERT INTO chat_settings (channel_id, {', '.join(changes)})"
        f" VALUES ($1, {', '.join(f'${number}' for number in numbers)})"
        f" ON CONFLICT (channel_id) DO UPDATE SET {sets}, version = chat_settings.version + 1"
        " RETURNING version",
        channel,
        *changes.values(),
    )
    return int(version)
