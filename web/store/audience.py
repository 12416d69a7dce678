"""Who watched, hour by hour: what streamers look at afterwards."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from schemas.ids import SessionId
from web.store import Database


class Hour(msgspec.Struct, frozen=True):
    """An hour of a stream so far; `start_s` is when it began, in seconds since the epoch."""

    session_id: SessionId
    start_s: int
    unique_viewers: int
    peak_viewers: int
    peak_chatters: int


async def write_hours(db: Database, hours: Sequence[Hour]) -> None:
    """Write hours of streams. What is there already only grows: somebody else may have counted a part of it."""
    await db.execute(
        "INSERT INTO stream_hours AS h (session_id, hour, unique_viewers, peak_viewers, peak_chatters)"
        " SELECT n.* FROM unnest($1::text[], $2::timestamptz[], $3::integer[], $4::integer[], $5::integer[])"
        " AS n (id, hour, unique_viewers, peak_viewers, peak_chatters) JOIN streams s ON s.id = n.id ORDER BY 1, 2"
        " ON CONFLICT (session_id, hour) DO UPDATE SET"
        " unique_viewers = greatest(h.unique_viewers, excluded.unique_viewers),"
        " peak_viewers = greatest(h.peak_viewers, excluded.peak_viewers),"
        " peak_chatters = greatest(h.peak_chatters, excluded.peak_chatters)",
        [hour.session_id for hour in hours],
        [datetime.fromtimestamp(hour.start_s, UTC) for hour in hours],
        [hour.unique_viewers for hour in hours],
        [hour.peak_viewers for hour in hours],
        [hour.peak_chatters for hour in hours],
    )


async def write_unique(db: Database, viewers: Mapping[SessionId, int]) -> None:
    """Write how many have watched these streams so far."""
    await db.execute(
        "UPDATE streams s SET unique_viewers = greatest(s.unique_viewers, n.viewers)"
        " FROM unnest($1::text[], $2::integer[]) AS n (id, viewers) WHERE s.id = n.id",
        list(viewers),
        list(viewers.values()),
    )
