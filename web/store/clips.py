"""Clips: each holds segments of one session, whatever becomes of the recording."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from schemas.access import Visibility
from schemas.ids import ChannelId, ClipId, SessionId, UserId, VodId, make_id
from schemas.storage import ClipMade, EdgePiece, clip_prefix
from web.store import Connection, Database, deletions
from web.store.vods import LEADING

if TYPE_CHECKING:
    import asyncpg

    Row = asyncpg.Record

SELECT: Final = (
    "SELECT k.id, k.channel_id, k.session_id, k.creator_id, k.title, k.visibility, k.start_s, k.end_s, k.first_msn,"
    " k.last_msn, k.made, k.failure, k.created_at, c.name AS channel_name, u.display_name, c.user_id AS owner_id,"
    " p.display_name AS creator_name, s.object_prefix, c.vod_visibility,"
    " v.id AS vod_id, v.visibility AS vod_own_visibility,"
    " (SELECT f.name FROM stream_files f WHERE f.session_id = k.session_id AND f.kind = 'thumbnail') AS thumbnail,"
    " EXISTS (SELECT 1 FROM segments g WHERE g.session_id = k.session_id AND g.is_gap"
    " AND g.msn BETWEEN k.first_msn AND k.last_msn"
    f" AND g.rendition = {LEADING.format(session='k.session_id')}) AS has_gaps"
    ", i.width, i.height"
    " FROM clips k JOIN channels c ON c.id = k.channel_id JOIN users u ON u.id = c.user_id"
    " JOIN users p ON p.id = k.creator_id JOIN streams s ON s.id = k.session_id"
    " LEFT JOIN vods v ON v.session_id = k.session_id AND v.deleted_at IS NULL"
    " LEFT JOIN LATERAL (SELECT width, height FROM inits n WHERE n.session_id = k.session_id AND n.kind = 'video'"
    " ORDER BY n.rendition <> 'video', n.rendition, n.number LIMIT 1) i ON true"
)


class ClipRow(msgspec.Struct, frozen=True):
    """A clip with what is shown of its channel. `made` is None until its edges are exact and its MP4 is there.

    `vod_id` and its visibility: the recording it is of, while that exists. `thumbnail`: the session's newest.
    `width`, `height`: of its pictures, None without any.
    """

    id: ClipId
    channel_id: ChannelId
    session_id: SessionId
    creator_id: UserId
    title: str
    visibility: Visibility
    start_s: float
    end_s: float
    first_msn: int
    last_msn: int
    made: ClipMade | None
    failure: str | None
    created_at: datetime
    channel_name: str
    display_name: str
    owner_id: UserId
    creator_name: str
    object_prefix: str
    vod_visibility: Visibility
    vod_id: VodId | None
    vod_own_visibility: Visibility | None
    thumbnail: str | None
    has_gaps: bool
    width: int | None
    height: int | None


class Covered(msgspec.Struct, frozen=True):
    """A segment of the leading rendition that a clip would have."""

    msn: int
    start_s: float
    duration_s: float
    is_gap: bool


class Stretch(msgspec.Struct, frozen=True):
    """What is stored of a session: from where to where, in media time."""

    start_s: float
    end_s: float


def _clip_of(row: "Row") -> ClipRow:
    values = dict(row)
    if values["made"] is not None:
        values["made"] = msgspec.json.decode(values["made"], type=ClipMade)
    return ClipRow(**values)


async def find(db: Database, clip: str) -> ClipRow | None:
    """Return a clip that is not deleted."""
    row = await db.fetchrow(f"{SELECT} WHERE k.id = $1 AND k.deleted_at IS NULL", clip)
    return _clip_of(row) if row else None


async def page(
    db: Database,
    *,
    channel: ChannelId | None,
    vod: str | None,
    viewer: UserId | None,
    sees_all: bool,
    after: str | None,
    limit: int,
) -> list[ClipRow]:
    """Return up to `limit` clips behind the id `after`, newest first; private ones only to creator and owner."""
    rows = await db.fetch(
        f"{SELECT} WHERE k.deleted_at IS NULL AND ($1::text IS NULL OR k.channel_id = $1)"
        " AND ($2::text IS NULL OR v.id = $2)"
        " AND ($3 OR k.visibility <> 'private' OR c.user_id = $4 OR k.creator_id = $4)"
        " AND ($5::text IS NULL OR k.id < $5) ORDER BY k.id DESC LIMIT $6",
        channel,
        vod,
        sees_all,
        viewer,
        after,
        limit,
    )
    return [_clip_of(row) for row in rows]


async def stretch(db: Database, session: SessionId) -> Stretch | None:
    """Return what is stored of the session's leading rendition; None for nothing."""
    row = await db.fetchrow(
        "SELECT min(start_s) AS start_s, max(start_s + duration_s) AS end_s FROM segments"
        f" WHERE session_id = $1 AND rendition = {LEADING.format(session='$1')}",
        session,
    )
    assert row is not None
    return Stretch(*row) if row["start_s"] is not None else None


async def covered(db: Database, session: SessionId, start_s: float, end_s: float) -> list[Covered]:
    """Return the leading rendition's segments that have something between the two times."""
    rows = await db.fetch(
        "SELECT msn, start_s, duration_s, is_gap FROM segments WHERE session_id = $1"
        f" AND rendition = {LEADING.format(session='$1')}"
        " AND start_s < $3 AND start_s + duration_s > $2 ORDER BY msn",
        session,
        start_s,
        end_s,
    )
    return [Covered(*row) for row in rows]


async def create(
    connection: Connection,
    *,
    channel: ChannelId,
    session: SessionId,
    creator: UserId,
    title: str,
    visibility: Visibility,
    start_s: float,
    end_s: float,
    msns: tuple[int, int],
) -> ClipId:
    """Make a clip, in a transaction that holds `sweeps.lock` of the session since before `covered` was asked."""
    clip = ClipId(make_id())
    await connection.execute(
        "INSERT INTO clips (id, channel_id, session_id, creator_id, title, visibility, start_s, end_s, first_msn,"
        " last_msn, asked_at, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now(), 1)",
        clip,
        channel,
        session,
        creator,
        title,
        visibility,
        start_s,
        end_s,
        *msns,
    )
    return clip


async def update(db: Database, clip: ClipId, *, title: str | None, visibility: Visibility | None) -> None:
    """Change what is not None."""
    await db.execute(
        "UPDATE clips SET title = coalesce($2, title), visibility = coalesce($3, visibility) WHERE id = $1",
        clip,
        title,
        visibility,
    )


async def delete(connection: Connection, clip: ClipId) -> bool:
    """Delete a clip with its own objects, inside a transaction; what it alone held of its session goes too."""
    row = await connection.fetchrow(
        "UPDATE clips SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL"
        " RETURNING session_id, channel_id, made",
        clip,
    )
    if row is None:
        return False
    if row["made"] is not None:
        made = msgspec.json.decode(row["made"], type=ClipMade)
        await _give_up(connection, ChannelId(row["channel_id"]), clip, own_files(made))
    await connection.execute(
        "UPDATE streams SET sweep_at = now() WHERE id = $1 AND released_at IS NOT NULL", row["session_id"]
    )
    return True


async def note_made(connection: Connection, made: ClipMade) -> bool:
    """Keep what was made of a clip; return False for one that is gone, and for one that has it. Its objects go then."""
    row = await connection.fetchrow(
        "SELECT channel_id, made, deleted_at FROM clips WHERE id = $1 FOR UPDATE", made.clip_id
    )
    if row is None:
        return False
    if row["deleted_at"] is None and row["made"] is None:
        await connection.execute(
            "UPDATE clips SET made = $2::jsonb, failure = NULL WHERE id = $1",
            made.clip_id,
            msgspec.json.encode(made).decode(),
        )
        return True
    kept = {}
    if row["deleted_at"] is None:
        kept = own_files(msgspec.json.decode(row["made"], type=ClipMade))
    surplus = {name: size for name, size in own_files(made).items() if name not in kept}
    await _give_up(connection, ChannelId(row["channel_id"]), made.clip_id, surplus)
    return False


async def note_failed(db: Database, clip: ClipId, reason: str) -> None:
    """A clip's edges could not be made."""
    await db.execute("UPDATE clips SET failure = $2 WHERE id = $1 AND made IS NULL", clip, reason)


async def unmade(db: Database, *, after_s: float, attempts: int, limit: int) -> list[ClipId]:
    """Return clips of which nothing was heard this long after they were asked for, and note that they are again."""
    rows = await db.fetch(
        "UPDATE clips SET asked_at = now(), attempts = attempts + 1 WHERE id IN (SELECT id FROM clips"
        " WHERE made IS NULL AND failure IS NULL AND deleted_at IS NULL AND attempts < $2"
        " AND asked_at < now() - make_interval(secs => $1) ORDER BY id LIMIT $3) RETURNING id",
        after_s,
        attempts,
        limit,
    )
    return [ClipId(row["id"]) for row in rows]


async def give_up(db: Database, *, after_s: float, attempts: int) -> list[ClipId]:
    """Let clips that were asked for as often as this stay as they are; return them."""
    rows = await db.fetch(
        "UPDATE clips SET failure = 'storage did not make it' WHERE made IS NULL AND failure IS NULL"
        " AND deleted_at IS NULL AND attempts >= $2 AND asked_at < now() - make_interval(secs => $1) RETURNING id",
        after_s,
        attempts,
    )
    return [ClipId(row["id"]) for row in rows]


def own_files(made: ClipMade) -> dict[str, int]:
    """Return the names and sizes of a clip's own objects."""
    pieces: Sequence[EdgePiece] = [piece for track in made.tracks for piece in (track.head, track.tail) if piece]
    return {
        **{piece.init_name: piece.init_size for piece in pieces},
        **{piece.name: piece.size for piece in pieces},
        made.mp4_name: made.mp4_size,
        made.thumbnail_name: made.thumbnail_size,
    }


async def _give_up(connection: Connection, channel: ChannelId, clip: ClipId, files: dict[str, int]) -> None:
    prefix = clip_prefix(channel, clip)
    await deletions.add_keys(connection, [(f"{prefix}/{name}", size) for name, size in files.items() if name])
