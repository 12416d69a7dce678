"""Playlists of rewind and recordings, read by the m3u8 package and checked by the rules of RFC 8216bis."""

import re

import m3u8
import pytest

from tests.web.archive.rows import BEGAN_MS, segment, segments
from tests.web.archive.test_lines import lines_of
from web.archive.lines import Lines
from web.archive.playlists import MAX_DATE_RANGES, Listing
from web.archive.timelines import View, segment_of
from web.store.media import CueRow

TARGET_S = 2
REWIND_S = 60.0


def parsed(text: str) -> m3u8.M3U8:
    playlist = m3u8.loads(text)
    assert text.count("#EXTM3U") == 1
    for part in playlist.segments:
        assert round(part.duration) <= playlist.target_duration
    return playlist


def rewind(lines: Lines, *, skip: bool = False, is_ended: bool = False) -> str:
    index = lines.first_within(REWIND_S)
    return Listing(lines, TARGET_S, index=index).rewind((), is_ended=is_ended, skip=skip)


def recording(lines: Lines, *, skip: bool = False, is_ended: bool = False) -> str:
    return Listing(lines, TARGET_S).recording((), is_ended=is_ended, skip=skip)


def test_a_stream_shorter_than_the_window_is_listed_whole() -> None:
    playlist = parsed(rewind(lines_of(segments(0, 20))))
    assert [part.uri for part in playlist.segments] == [f"video-{msn}.m4s" for msn in range(20)]
    assert playlist.media_sequence == 0
    assert playlist.playlist_type is None
    assert not playlist.is_endlist
    assert playlist.segments[0].init_section.uri == "video-init-1.mp4"
    assert playlist.segments[3].program_date_time.timestamp() * 1000 == BEGAN_MS + 6000


def test_a_sliding_playlist_keeps_its_counts() -> None:
    """Every step leaves the numbers such that a player can tell which segments are the same."""
    rows = [segment(msn, is_discontinuous=msn in (10, 35, 36), map_number=1 + (msn >= 35)) for msn in range(80)]
    lines = Lines()
    breaks: dict[str, int] = {}
    for row in rows:
        lines.append(segment_of(row, "video", View.MEDIA), row.start_s)
        text = rewind(lines)
        playlist = parsed(text)
        assert playlist.media_sequence == max(0, row.msn - 29)
        assert playlist.segments[0].uri == f"video-{playlist.media_sequence}.m4s"
        assert playlist.segments[0].init_section is not None
        number = playlist.discontinuity_sequence
        for part in playlist.segments:
            number += part.discontinuity
            assert breaks.setdefault(part.uri, number) == number, "a segment's discontinuity number never changes"
    assert breaks["video-79.m4s"] == 3


def test_a_delta_and_what_was_there_before_are_the_whole() -> None:
    rows = [segment(msn, is_discontinuous=msn == 50, map_number=1 + (msn >= 50)) for msn in range(60)]
    lines = lines_of(rows)
    whole, delta = rewind(lines), rewind(lines, skip=True)
    skipped = int(re.search(r"#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)\n", delta)[1])  # type: ignore[index]  # it is there
    assert skipped == 30 - 6
    assert "CAN-SKIP-UNTIL=12.000" in whole
    assert "BLOCK" not in whole
    bodies = [text[text.index("#EXTINF") :].split("#EXTINF")[1:] for text in (whole, delta)]
    assert bodies[0][skipped:] == bodies[1]
    assert len(delta) < len(whole) / 2


def test_a_recording_grows_as_an_event_and_ends_as_vod() -> None:
    lines = lines_of(segments(0, 40))
    growing, whole = parsed(recording(lines)), recording(lines, is_ended=True)
    assert growing.playlist_type == "event"
    assert not growing.is_endlist
    ended = parsed(whole)
    assert ended.playlist_type == "vod"
    assert ended.is_endlist
    assert [part.uri for part in ended.segments] == [part.uri for part in growing.segments]
    assert "SERVER-CONTROL" not in whole
    assert recording(lines, is_ended=True, skip=True) == whole  # directives on what has ended are ignored (6.2.5)
    assert "#EXT-X-SKIP" in recording(lines, skip=True)


def test_gaps_stay_in_their_places() -> None:
    rows = [segment(msn, is_gap=msn in (3, 4), map_number=1) for msn in range(10)]
    playlist = parsed(recording(lines_of(rows), is_ended=True))
    assert [part.gap_tag for part in playlist.segments] == [None] * 3 + [True] * 2 + [None] * 5


def test_stills_are_ranges_of_the_files() -> None:
    rows = [segment(0), segment(1, still_bytes=0), segment(2, is_gap=True, still_bytes=0)]
    lines = lines_of(rows, View.STILLS)
    text = Listing(lines, TARGET_S, is_iframes_only=True).recording((), is_ended=True, skip=False)
    playlist = parsed(text)
    assert playlist.is_i_frames_only
    assert [part.byterange for part in playlist.segments] == ["20000@0", None, None]
    assert [part.gap_tag for part in playlist.segments] == [None, True, True]


def test_captions_have_one_file_for_each_segment() -> None:
    lines = lines_of([segment(0), segment(1, is_gap=True)], View.CAPTIONS)
    text = recording(lines, is_ended=True)
    assert [part.uri for part in parsed(text).segments] == ["captions-0.vtt", "captions-1.vtt"]
    assert "EXT-X-MAP" not in text
    assert "EXT-X-GAP" not in text


@pytest.mark.parametrize("skip", [False, True])
def test_date_ranges_are_in_wholes_and_deltas(skip: bool) -> None:
    cue = CueRow("c1", "chapter", 3.0, None, BEGAN_MS + 3000, {"title": 'a "quoted" one'})
    lines = lines_of(segments(0, 40))
    text = Listing(lines, TARGET_S).recording([cue], is_ended=False, skip=skip)
    line = '#EXT-X-DATERANGE:ID="c1",CLASS="chapter",START-DATE="2023-11-14T22:13:23.000Z",X-TITLE="a \'quoted\' one"'
    assert line in text


def test_no_more_date_ranges_are_listed_than_players_can_bear() -> None:
    cues = [CueRow(f"c{n}", "x", 0.0, None, BEGAN_MS, {}) for n in range(MAX_DATE_RANGES + 5)]
    text = Listing(lines_of(segments(0, 4)), TARGET_S).recording(cues, is_ended=True, skip=False)
    assert text.count("#EXT-X-DATERANGE") == MAX_DATE_RANGES
    assert 'ID="c5"' in text
    assert 'ID="c4"' not in text
