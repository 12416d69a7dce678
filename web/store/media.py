"""What is in storage of a session, as delivery and the API read it: rows that `web/store/arrivals.py` writes.

Times are media time in seconds from the start of the session. A session of 2 h has 3,600 rows for each rendition:
rows become Structs without a detour over dictionaries.
"""

from datetime import datetime
from typing import Final, Literal, cast

import msgspec

from schemas.access import Visibility
from schemas.ids import ChannelId, SessionId
from web.store import Database, deletions
from web.store.vods import LEADING

LAST_MSN: Final = (1 << 31) - 1
"""No media sequence number is above it: rows hold them in 32 bits."""

FileKind = Literal["thumbnail", "sheet", "storyboard", "captions"]


class StreamMedia(msgspec.Struct, frozen=True, gc=False):
    """A session of which something is or was in storage. `object_prefix` begins its keys; `visibility` is the live one.

    `media_s`: how long it is, None until it is over. `stored_at`: since when everything of it is in storage.
    """

    session_id: SessionId
    channel_id: ChannelId
    channel_name: str
    object_prefix: str
    target_duration_s: int
    is_recorded: bool
    visibility: Visibility
    started_at: datetime
    ended_at: datetime | None
    stored_at: datetime | None
    media_s: float | None


class InitRow(msgspec.Struct, frozen=True, gc=False):
    """An initialization section. `codec` as RFC 6381 writes it."""

    rendition: str
    number: int
    kind: Literal["video", "audio"]
    codec: str
    size: int
    width: int
    height: int
    frame_rate: float
    sample_rate: int
    channels: int


class SegmentRow(msgspec.Struct, frozen=True, gc=False):
    """A segment of one rendition. `still_bytes`: its leading bytes up to the end of its first picture."""

    msn: int
    map_number: int
    start_s: float
    duration_s: float
    program_ms: int
    size: int
    still_bytes: int
    is_discontinuous: bool
    is_gap: bool


class RateRow(msgspec.Struct, frozen=True, gc=False):
    """Bit rates of a rendition over its stored segments (RFC 8216bis, 4.4.6.2), and of its first pictures alone."""

    rendition: str
    peak_bps: int
    average_bps: int
    still_peak_bps: int
    still_average_bps: int


class FileRow(msgspec.Struct, frozen=True, gc=False):
    """The newest picture or captions of one kind and number; `schemas.storage.FileStored` says what numbers are."""

    kind: FileKind
    number: int
    name: str
    size: int
    language: str


class CueRow(msgspec.Struct, frozen=True, gc=False):
    """Timed metadata."""

    cue_id: str
    class_name: str
    start_s: float
    duration_s: float | None
    program_ms: int
    fields: dict[str, str]


async def stream_media(db: Database, session: SessionId) -> StreamMedia | None:
    """Return what is known of a session's storage; None for no session, and for one of which nothing came yet."""
    row = await db.fetchrow(
        "SELECT s.id, s.channel_id, c.name, s.object_prefix, s.target_duration_s, s.is_recorded, c.visibility,"
        " s.started_at, s.ended_at, s.stored_at, s.media_s"
        " FROM streams s JOIN channels c ON c.id = s.channel_id WHERE s.id = $1 AND s.object_prefix IS NOT NULL",
        session,
    )
    return StreamMedia(*row) if row else None


async def leading(db: Database, session: SessionId) -> str | None:
    """Return the rendition that leads the session's others, None when none is stored yet."""
    return cast("str | None", await db.fetchval(f"SELECT {LEADING.format(session='$1')}", session))


async def inits(db: Database, session: SessionId) -> list[InitRow]:
    """Return the session's initialization sections by rendition and number."""
    rows = await db.fetch(
        "SELECT rendition, number, kind, codec, size, width, height, frame_rate, sample_rate, channels"
        " FROM inits WHERE session_id = $1 ORDER BY rendition, number",
        session,
    )
    return [InitRow(*row) for row in rows]


async def segments(
    db: Database, session: SessionId, rendition: str, *, first_msn: int = 0, last_msn: int | None = None
) -> list[SegmentRow]:
    """Return a rendition's segments from one media sequence number to another, both included, in their order."""
    rows = await db.fetch(
        "SELECT msn, map_number, start_s, duration_s, program_ms, size, still_bytes, is_discontinuous, is_gap"
        " FROM segments WHERE session_id = $1 AND rendition = $2 AND msn BETWEEN $3 AND $4 ORDER BY msn",
        session,
        rendition,
        first_msn,
        LAST_MSN if last_msn is None else last_msn,
    )
    return [SegmentRow(*row) for row in rows]


async def rates(db: Database, session: SessionId, *, first_msn: int = 0, last_msn: int | None = None) -> list[RateRow]:
    """Return the bit rates of the session's renditions, those that have media in this range."""
    rows = await db.fetch(
        "SELECT rendition,"
        " ceil(max(size * 8 / duration_s))::bigint, ceil(sum(size) * 8 / sum(duration_s))::bigint,"
        " ceil(max(still_bytes * 8 / duration_s))::bigint, ceil(sum(still_bytes) * 8 / sum(duration_s))::bigint"
        " FROM segments WHERE session_id = $1 AND msn BETWEEN $2 AND $3 AND NOT is_gap AND duration_s > 0"
        " GROUP BY rendition ORDER BY rendition",
        session,
        first_msn,
        LAST_MSN if last_msn is None else last_msn,
    )
    return [RateRow(*row) for row in rows]


async def files(db: Database, session: SessionId) -> list[FileRow]:
    """Return the session's pictures and captions by kind and number."""
    rows = await db.fetch(
        "SELECT kind, number, name, size, language FROM stream_files WHERE session_id = $1 ORDER BY kind, number",
        session,
    )
    return [FileRow(*row) for row in rows]


async def cues(db: Database, session: SessionId, from_s: float, to_s: float) -> list[CueRow]:
    """Return the timed metadata that is in effect somewhere from `from_s` to `to_s`, in its order."""
    rows = await db.fetch(
        "SELECT cue_id, class_name, start_s, duration_s, program_ms, fields::text FROM cues"
        " WHERE session_id = $1 AND start_s < $3 AND start_s + coalesce(duration_s, 0) >= $2"
        " ORDER BY start_s, cue_id",
        session,
        from_s,
        to_s,
    )
    return [
        CueRow(
            row["cue_id"],
            row["class_name"],
            row["start_s"],
            row["duration_s"],
            row["program_ms"],
            msgspec.json.decode(row["fields"], type=dict[str, str]),
        )
        for row in rows
    ]


async def index_key(db: Database, session: SessionId) -> str | None:
    """Return the key of the list of everything that a session has in storage, of one that is held and has one."""
    key = await db.fetchval(
        f"SELECT {deletions.PREFIX} || '/' || s.index_name FROM streams s"
        " WHERE s.id = $1 AND s.index_name IS NOT NULL AND s.released_at IS NULL",
        session,
    )
    return cast("str | None", key)
