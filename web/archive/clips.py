"""Playlists of clips: segments of their session from one number to another, and pieces in place of the outer ones."""

import math
from collections.abc import Iterator, Sequence

import msgspec

from schemas.playlist import MediaPlaylist, Segment, write_media_playlist
from schemas.storage import EdgedTrack, EdgePiece
from web.archive.timelines import View, segment_of, unbroken
from web.store.media import SegmentRow


def write_clip(
    rows: Sequence[SegmentRow],
    rendition: str,
    view: View,
    *,
    last_msn: int,
    target_duration_s: int,
    edges: EdgedTrack | None,
    is_final: bool,
) -> str:
    """Return the playlist of a clip's rendition, or of its captions.

    It is whole when its last segment is stored, or `is_final`: nothing will come any more.
    """
    first_msn = rows[0].msn if rows else 0
    listed = list(unbroken(rows, first_msn, is_final=is_final))
    is_ended = is_final or (bool(listed) and listed[-1].msn >= last_msn)
    segments = list(_segments(listed, rendition, view, edges if is_ended else None))
    longest_s = max((segment.duration_s or 0.0 for segment in segments), default=0.0)
    playlist = MediaPlaylist(
        # EXTINF rounded to the nearest integer is never above it (RFC 8216bis, 4.4.3.1)
        target_duration_s=max(target_duration_s, math.floor(longest_s + 0.5)),
        segments=segments,
        media_sequence=first_msn,
        is_ended=is_ended,
        playlist_type="VOD" if is_ended else "EVENT",
    )
    return write_media_playlist(playlist)


def _segments(rows: Sequence[SegmentRow], rendition: str, view: View, edges: EdgedTrack | None) -> Iterator[Segment]:
    """Yield the rows' segments, with each piece in place of the first segment that it stands for.

    A piece is coded anew: what it needs to be decoded differs from its neighbours', so it is cut off by
    discontinuities.
    """
    pieces = [piece for piece in (edges.head, edges.tail) if piece is not None] if edges else []
    is_after_piece, is_first = False, True
    done: set[str] = set()
    for row in rows:
        piece = next((piece for piece in pieces if piece.first_msn <= row.msn <= piece.last_msn), None)
        if piece is not None and piece.name in done:
            continue
        segment = segment_of(row, rendition, view)
        if piece is not None:
            done.add(piece.name)
            segment = _piece(segment, row, piece, view)
        is_cut = segment.is_discontinuous or is_after_piece or piece is not None
        # What the clip begins with follows nothing.
        yield msgspec.structs.replace(segment, is_discontinuous=is_cut and not is_first)
        is_after_piece, is_first = piece is not None, False


def _piece(segment: Segment, row: SegmentRow, piece: EdgePiece, view: View) -> Segment:
    is_captions = view is View.CAPTIONS
    return msgspec.structs.replace(
        segment,
        uri=segment.uri if is_captions else piece.name,
        map_uri=None if is_captions else piece.init_name,
        duration_s=piece.duration_s,
        program_date_time_ms=row.program_ms + round((piece.start_s - row.start_s) * 1000),
        is_gap=False,
    )
