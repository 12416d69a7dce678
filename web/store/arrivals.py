"""What the storage process tells of sessions, written into rows; every event may come twice and in another order.

Nothing that was written is changed by a repetition, with one exception: a picture's newer version takes the place of
the older one, whose object is then nobody's (`web/store/deletions.py`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from schemas.ids import ChannelId, SessionId, VodId, make_id
from schemas.storage import CueStored, FileStored, InitStored, SegmentStored, StreamStarted, StreamStored
from web.store import Connection, deletions, sweeps

SessionEvent = StreamStarted | InitStored | SegmentStored | FileStored | CueStored | StreamStored
T = TypeVar("T")
VERSION = re.compile(r"(\d+)\.[a-z0-9]+$")
"""What counts the versions of a picture in its name: `thumbnail-{n}.jpg`, `storyboard-{sheet}-{tiles}.jpg`."""


class Finished(msgspec.Struct, frozen=True):
    """A session whose last event came. `is_whole`: as many segments are known of it as it has."""

    session_id: SessionId
    channel_id: ChannelId
    vod_id: VodId | None
    is_whole: bool


class Unknown(Exception):
    """Events of sessions that are not in this database."""

    def __init__(self, sessions: set[SessionId]) -> None:
        super().__init__(f"{len(sessions)} unknown sessions")
        self.sessions = sessions


async def write(connection: Connection, events: Sequence[SessionEvent]) -> list[Finished]:
    """Write events of any sessions, inside a transaction, and return the sessions that are finished by them.

    Raises `Unknown` before anything is written.
    """
    sessions = sorted({event.session_id for event in events})
    rows = await connection.fetch("SELECT id FROM streams WHERE id = ANY($1)", sessions)
    if unknown := set(sessions) - {SessionId(row["id"]) for row in rows}:
        raise Unknown(unknown)
    for started in _of(events, StreamStarted):
        await _begin(connection, started)
    await _add_inits(connection, _of(events, InitStored))
    await _add_segments(connection, _of(events, SegmentStored))
    await _add_files(connection, _of(events, FileStored))
    await _add_cues(connection, _of(events, CueStored))
    # What comes late of a session that was given up must not stay for ever.
    await connection.execute(
        "UPDATE streams SET sweep_at = now() WHERE id = ANY($1) AND released_at IS NOT NULL", sessions
    )
    return [await _finish(connection, stored) for stored in _of(events, StreamStored)]


def _of(events: Iterable[SessionEvent], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


async def _begin(connection: Connection, started: StreamStarted) -> None:
    """Note where the session's objects are; a recorded one is a recording from now on, a deleted one stays deleted."""
    row = await connection.fetchrow(
        "UPDATE streams SET object_prefix = $2, is_recorded = $3, target_duration_s = $4,"
        " sweep_at = CASE WHEN $3 THEN sweep_at ELSE now() END"
        " WHERE id = $1 AND object_prefix IS NULL RETURNING channel_id, started_at",
        started.session_id,
        started.prefix,
        started.is_recorded,
        started.target_duration_s,
    )
    if row is None or not started.is_recorded:
        return
    await connection.execute(
        "INSERT INTO vods (id, session_id, channel_id, title, visibility, started_at)"
        " SELECT $1, $2, c.id, c.title, c.vod_visibility, $4 FROM channels c WHERE c.id = $3"
        " ON CONFLICT (session_id) DO NOTHING",
        make_id(),
        started.session_id,
        row["channel_id"],
        row["started_at"],
    )


async def _add_inits(connection: Connection, inits: list[InitStored]) -> None:
    if not inits:
        return
    await connection.execute(
        "INSERT INTO inits (session_id, rendition, number, kind, codec, size, width, height, frame_rate, sample_rate,"
        " channels) SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::bigint[],"
        " $7::integer[], $8::integer[], $9::double precision[], $10::integer[], $11::integer[])"
        " ON CONFLICT DO NOTHING",
        *_columns(inits, lambda i: (i.session_id, i.rendition, i.number, i.kind, i.codec, i.size, i.width, i.height,
                                    i.frame_rate, i.sample_rate, i.channels)),
    )  # fmt: skip


async def _add_segments(connection: Connection, segments: list[SegmentStored]) -> None:
    """Add what is new, and count it to its recording until the session's last event says how much it all is."""
    if not segments:
        return
    await connection.execute(
        "WITH added AS (INSERT INTO segments (session_id, rendition, msn, map_number, start_s, duration_s, program_ms,"
        " size, sha256, still_bytes, is_discontinuous, is_gap)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::double precision[],"
        " $6::double precision[], $7::bigint[], $8::bigint[], $9::bytea[], $10::integer[], $11::boolean[],"
        " $12::boolean[]) ON CONFLICT DO NOTHING RETURNING session_id, size, start_s + duration_s AS end_s),"
        " sums AS (SELECT session_id, sum(size) AS bytes, max(end_s) AS end_s FROM added GROUP BY session_id)"
        " UPDATE vods v SET size_bytes = v.size_bytes + sums.bytes, duration_s = greatest(v.duration_s, sums.end_s)"
        " FROM sums JOIN streams s ON s.id = sums.session_id"
        " WHERE v.session_id = sums.session_id AND s.index_name IS NULL",
        *_columns(segments, lambda s: (s.session_id, s.rendition, s.msn, s.map_number, s.start_s, s.duration_s,
                                       s.program_ms, s.size, bytes.fromhex(s.sha256) or None, s.still_bytes,
                                       s.is_discontinuous, s.is_gap)),
    )  # fmt: skip


async def _add_files(connection: Connection, files: list[FileStored]) -> None:
    """Keep the newest version of each; the objects of the others are nobody's."""
    if not files:
        return
    # One after the other: two writers of one picture could each believe theirs to be the first.
    sessions = sorted({file.session_id for file in files})
    await connection.execute("SELECT 1 FROM streams WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", sessions)
    newest: dict[tuple[SessionId, str, int], FileStored] = {}
    outdated: list[tuple[SessionId, str, int]] = []
    for file in files:
        place = (file.session_id, file.kind, file.number)
        other = newest.get(place)
        newest[place] = file if other is None or _version(file) >= _version(other) else other
        if other is not None and other.name != file.name:
            older = other if newest[place] is file else file
            outdated.append((older.session_id, older.name, older.size))
    for file in newest.values():
        replaced = await _replace_file(connection, file)
        if replaced is not None:
            outdated.append((file.session_id, *replaced))
    await deletions.add_files(connection, outdated)


async def _replace_file(connection: Connection, file: FileStored) -> tuple[str, int] | None:
    """Write a file's row unless there is a newer one; return the name and size of the one that lost its place."""
    row = await connection.fetchrow(
        "SELECT name, size FROM stream_files WHERE session_id = $1 AND kind = $2 AND number = $3 FOR UPDATE",
        file.session_id,
        file.kind,
        file.number,
    )
    if row is not None and _version_of(row["name"]) > _version(file):
        return file.name, file.size
    await connection.execute(
        "INSERT INTO stream_files (session_id, kind, number, name, size, language) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (session_id, kind, number)"
        " DO UPDATE SET name = excluded.name, size = excluded.size, language = excluded.language",
        file.session_id,
        file.kind,
        file.number,
        file.name,
        file.size,
        file.language,
    )
    return (row["name"], row["size"]) if row is not None and row["name"] != file.name else None


def _version(file: FileStored) -> int:
    return _version_of(file.name)


def _version_of(name: str) -> int:
    found = VERSION.search(name)
    return int(found[1]) if found else 0


async def _add_cues(connection: Connection, cues: list[CueStored]) -> None:
    if not cues:
        return
    await connection.execute(
        "INSERT INTO cues (session_id, cue_id, class_name, start_s, duration_s, program_ms, fields)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::double precision[],"
        " $6::bigint[], $7::jsonb[]) ON CONFLICT DO NOTHING",
        *_columns(cues, lambda c: (c.session_id, c.cue_id, c.class_name, c.start_s, c.duration_s, c.program_ms,
                                   msgspec.json.encode(c.fields).decode())),
    )  # fmt: skip


async def _finish(connection: Connection, stored: StreamStored) -> Finished:
    """The session is all in storage: its recording is ready, with what is known of it already."""
    # What is not recorded, or deleted already, is let go of and need not be whole.
    state = await connection.fetchrow(
        "SELECT object_prefix, is_recorded AND released_at IS NULL AS is_held, released_at IS NOT NULL AS is_released"
        " FROM streams WHERE id = $1 FOR NO KEY UPDATE",
        stored.session_id,
    )
    assert state is not None
    is_whole = not state["is_held"] or (
        state["object_prefix"] is not None and await count_segments(connection, stored.session_id) == stored.segments
    )
    channel = await connection.fetchval(
        "UPDATE streams SET index_name = $2, media_s = $3, stored_at = CASE WHEN $4 THEN coalesce(stored_at, now())"
        " ELSE stored_at END WHERE id = $1 RETURNING channel_id",
        stored.session_id,
        stored.index_name,
        stored.duration_s,
        is_whole,
    )
    vod = await connection.fetchval(
        "UPDATE vods SET ready_at = coalesce(ready_at, now()), duration_s = $2, size_bytes = $3"
        " WHERE session_id = $1 AND deleted_at IS NULL RETURNING id",
        stored.session_id,
        stored.duration_s,
        stored.total_bytes,
    )
    if state["is_held"] and not stored.segments:
        # Whoever published left before anything could be played: there is nothing to keep.
        await connection.execute("UPDATE vods SET deleted_at = now() WHERE session_id = $1", stored.session_id)
        await sweeps.release(connection, stored.session_id)
        return Finished(stored.session_id, ChannelId(channel), None, is_whole=True)
    if state["is_released"]:
        await sweeps.give_up_playlists(connection, stored.session_id)
    return Finished(stored.session_id, ChannelId(channel), VodId(vod) if vod else None, is_whole)


async def count_segments(connection: Connection, session: SessionId) -> dict[str, int]:
    """Return how many segments of each rendition are known."""
    rows = await connection.fetch(
        "SELECT rendition, count(*) AS number FROM segments WHERE session_id = $1 GROUP BY rendition", session
    )
    return {row["rendition"]: row["number"] for row in rows}


def _columns(events: Sequence[T], fields: Callable[[T], tuple[object, ...]]) -> list[list[object]]:
    """Return the events' fields as arrays, one for each column."""
    return [list(column) for column in zip(*map(fields, events), strict=True)]
