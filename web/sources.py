"""Stored segments as work on media needs them: for clips, and for downloads as MP4."""

from schemas.ids import SessionId
from schemas.journal import init_file, segment_file
from schemas.storage import SourceSegment, SourceTrack
from web.store import Database, media
from web.store.media import SegmentRow


async def tracks(
    db: Database, prefix: str, session: SessionId, msns: tuple[int, int] | None = None, *, is_best_only: bool = False
) -> list[SourceTrack]:
    """Return the renditions that have media from one media sequence number to another (everywhere without them).

    The source's picture is first, then its rungs, then the sound; with `is_best_only` at most one of each kind.
    """
    first_msn, last_msn = msns or (0, None)
    kinds = {row.rendition: row.kind for row in await media.inits(db, session)}
    found: list[SourceTrack] = []
    for rendition in sorted(kinds, key=lambda name: (kinds[name] == "audio", name != "video", name)):
        kind = kinds[rendition]
        if is_best_only and any(track.kind == kind for track in found):
            continue
        rows = await media.segments(db, session, rendition, first_msn=first_msn, last_msn=last_msn)
        if not all(row.is_gap for row in rows):
            found.append(SourceTrack(rendition, kind, [_source(prefix, rendition, row) for row in rows]))
    return found


def _source(prefix: str, rendition: str, row: SegmentRow) -> SourceSegment:
    return SourceSegment(
        msn=row.msn,
        key="" if row.is_gap else f"{prefix}/{segment_file(rendition, row.msn)}",
        init_key="" if row.is_gap else f"{prefix}/{init_file(rendition, row.map_number)}",
        size=row.size,
        start_s=row.start_s,
        duration_s=row.duration_s,
        is_discontinuous=row.is_discontinuous,
        is_gap=row.is_gap,
    )
