"""Playlists of clips: existing segments, and pieces with exact edges in place of the outer ones."""

import m3u8

from schemas.storage import EdgedTrack, EdgePiece
from tests.web.archive.rows import BEGAN_MS, segment, segments
from web.archive.clips import write_clip
from web.archive.timelines import View
from web.store.media import SegmentRow

HEAD = EdgePiece(5, 5, "video-head-init.mp4", 800, "video-head.m4s", 9000, 10.8, 1.2, "avc1.64001f")
TAIL = EdgePiece(9, 9, "video-tail-init.mp4", 800, "video-tail.m4s", 9000, 18.0, 0.5, "avc1.64001f")


def write(
    rows: list[SegmentRow], edges: EdgedTrack | None = None, *, view: View = View.MEDIA, is_final: bool = False
) -> str:
    return write_clip(rows, "video", view, last_msn=9, target_duration_s=2, edges=edges, is_final=is_final)


def test_a_clip_is_its_segments_at_first() -> None:
    playlist = m3u8.loads(write(segments(5, 10)))
    assert [part.uri for part in playlist.segments] == [f"video-{msn}.m4s" for msn in range(5, 10)]
    assert playlist.media_sequence == 5
    assert playlist.playlist_type == "vod"
    assert playlist.is_endlist


def test_pieces_stand_in_place_of_the_outer_segments() -> None:
    rows = segments(5, 10)
    text = write(rows, EdgedTrack("video", HEAD, TAIL))
    playlist = m3u8.loads(text)
    assert [(part.uri, part.init_section.uri, part.discontinuity) for part in playlist.segments] == [
        ("video-head.m4s", "video-head-init.mp4", False),
        ("video-6.m4s", "video-init-1.mp4", True),
        ("video-7.m4s", "video-init-1.mp4", False),
        ("video-8.m4s", "video-init-1.mp4", False),
        ("video-tail.m4s", "video-tail-init.mp4", True),
    ]
    assert sum(part.duration for part in playlist.segments) == 1.2 + 3 * 2 + 0.5
    starts = [part.program_date_time.timestamp() * 1000 - BEGAN_MS for part in playlist.segments]
    assert starts == [10_800, 12_000, 14_000, 16_000, 18_000]


def test_a_piece_may_stand_for_several_segments() -> None:
    whole = EdgePiece(5, 9, "i.mp4", 1, "p.m4s", 1, 10.5, 8.6, "avc1.64001f")
    playlist = m3u8.loads(write(segments(5, 10), EdgedTrack("video", whole, None)))
    assert [part.uri for part in playlist.segments] == ["p.m4s"]
    assert playlist.target_duration == 9
    assert not playlist.segments[0].discontinuity


def test_a_clip_of_the_live_edge_grows_until_its_last_segment_is_stored() -> None:
    playlist = m3u8.loads(write(segments(5, 8), EdgedTrack("video", HEAD, TAIL)))
    assert playlist.playlist_type == "event"
    assert not playlist.is_endlist
    assert [part.uri for part in playlist.segments] == ["video-5.m4s", "video-6.m4s", "video-7.m4s"]


def test_a_clip_over_a_gap_shows_it() -> None:
    rows = [segment(5), segment(6, is_gap=True), segment(8), segment(9)]
    playlist = m3u8.loads(write(rows, is_final=True))
    assert [part.gap_tag for part in playlist.segments] == [None, True, True, None, None]
    assert playlist.is_endlist


def test_what_a_clip_begins_with_follows_nothing() -> None:
    rows = [segment(5, is_discontinuous=True), *segments(6, 10)]
    assert "DISCONTINUITY\n" not in write(rows)


def test_captions_keep_their_files_and_get_the_clips_times() -> None:
    text = write(segments(5, 10), EdgedTrack("video", HEAD, TAIL), view=View.CAPTIONS)
    playlist = m3u8.loads(text)
    assert [part.uri for part in playlist.segments] == [f"captions-{msn}.vtt" for msn in range(5, 10)]
    assert [part.duration for part in playlist.segments] == [1.2, 2.0, 2.0, 2.0, 0.5]
    assert "EXT-X-MAP" not in text
