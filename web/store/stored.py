"""Whether single files of a session are in storage, by their names; what delivery asks for each file it hands on."""

import re
from typing import Final, Literal

from schemas.ids import SessionId
from web.store import Database

_SEGMENT: Final = re.compile(r"([a-z0-9]{1,64})-([0-9]{1,9})\.m4s", re.ASCII)
_INIT: Final = re.compile(r"([a-z0-9]{1,64})-init-([0-9]{1,9})\.mp4", re.ASCII)
_CAPTIONS: Final = re.compile(r"captions-([0-9]{1,9})\.vtt", re.ASCII)


def segment_of(name: str) -> tuple[str, int] | None:
    """Return the rendition and media sequence number of a segment's name."""
    match = _SEGMENT.fullmatch(name)
    return None if match is None else (match[1], int(match[2]))


def init_of(name: str) -> tuple[str, int] | None:
    """Return the rendition and number of an initialization section's name."""
    match = _INIT.fullmatch(name)
    return None if match is None else (match[1], int(match[2]))


def captions_of(name: str) -> int | None:
    """Return the media sequence number of captions' name."""
    match = _CAPTIONS.fullmatch(name)
    return None if match is None else int(match[1])


async def is_stored(db: Database, session: SessionId, name: str) -> bool:
    """Whether a file of the session is in storage."""
    if segment := segment_of(name):
        found = await db.fetchval(
            "SELECT 1 FROM segments WHERE session_id = $1 AND rendition = $2 AND msn = $3 AND NOT is_gap",
            session,
            *segment,
        )
    elif init := init_of(name):
        found = await db.fetchval(
            "SELECT 1 FROM inits WHERE session_id = $1 AND rendition = $2 AND number = $3", session, *init
        )
    elif (msn := captions_of(name)) is not None:
        found = await db.fetchval(
            "SELECT 1 FROM stream_files WHERE session_id = $1 AND kind = 'captions' AND number = $2", session, msn
        )
    else:
        found = await db.fetchval("SELECT 1 FROM stream_files WHERE session_id = $1 AND name = $2", session, name)
    return found is not None


async def first_within(db: Database, session: SessionId, rendition: str, within_s: float) -> tuple[int, int]:
    """Return the number of the first segment of which something lies within this time before the newest one's end, and
    how many discontinuities are known before it.
    """
    row = await db.fetchrow(
        "WITH own AS (SELECT msn, start_s + duration_s AS end_s, is_discontinuous FROM segments"
        " WHERE session_id = $1 AND rendition = $2),"
        " first AS (SELECT min(msn) AS msn FROM own WHERE end_s > (SELECT max(end_s) FROM own) - $3::double precision)"
        " SELECT coalesce(first.msn, 0), (SELECT count(*) FROM own WHERE is_discontinuous AND own.msn < first.msn)"
        " FROM first",
        session,
        rendition,
        within_s,
    )
    assert row is not None
    return row[0], row[1]


async def newest_name(db: Database, session: SessionId, kind: Literal["thumbnail", "storyboard"]) -> str | None:
    """Return the name of the newest picture of this kind."""
    name: str | None = await db.fetchval(
        "SELECT name FROM stream_files WHERE session_id = $1 AND kind = $2 AND number = 0", session, kind
    )
    return name


async def captions_language(db: Database, session: SessionId) -> str | None:
    """Return the language of a session's captions, "" when nobody knows it, None without captions."""
    language: str | None = await db.fetchval(
        "SELECT language FROM stream_files WHERE session_id = $1 AND kind = 'captions' ORDER BY number DESC LIMIT 1",
        session,
    )
    return language
