"""What there is to know of two channels before one sends its viewers to the other."""

import msgspec

from chat.store import Connection, Database
from schemas.ids import ChannelId, UserId


class End(msgspec.Struct, frozen=True):
    """One end of a raid. `viewer_count` is None off the air; `is_public`: everybody may watch it."""

    id: ChannelId
    user_id: UserId
    name: str
    display_name: str
    is_public: bool
    viewer_count: int | None


async def channel_id(db: Database, name_or_id: str) -> ChannelId | None:
    """Return the channel of that id, else of that name."""
    found = await db.fetchval(
        "SELECT id FROM channels WHERE id = $1 OR name = $1 ORDER BY id = $1 DESC LIMIT 1", name_or_id
    )
    return None if found is None else ChannelId(found)


async def ends(connection: Connection, source: ChannelId, target: ChannelId) -> tuple[End, End]:
    """Return both channels, which must exist."""
    rows = await connection.fetch(
        "SELECT c.id, c.user_id, c.name, u.display_name, c.visibility = 'public', s.viewer_count"
        " FROM channels c JOIN users u ON u.id = c.user_id"
        " LEFT JOIN streams s ON s.channel_id = c.id AND s.ended_at IS NULL AND s.live_at IS NOT NULL"
        " WHERE c.id = ANY($1::text[])",
        [source, target],
    )
    found = {row["id"]: End(*row) for row in rows}
    return found[source], found[target]
