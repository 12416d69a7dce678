"""Lines of playlists that grow at the end and slide at the front: equal to those written anew."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from schemas.playlist import MediaPlaylist, Segment, join_media_playlist, write_media_playlist
from tests.web.archive.rows import SEGMENT_S, segment, segments
from web.archive.lines import Lines
from web.archive.timelines import View, segment_of
from web.store.media import SegmentRow


def lines_of(rows: Sequence[SegmentRow], view: View = View.MEDIA) -> Lines:
    lines = Lines()
    lines.first_msn = rows[0].msn if rows else 0
    for row in rows:
        lines.append(segment_of(row, "video", view), row.start_s)
    return lines


SHAPES = st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans()), min_size=1, max_size=30)


@given(SHAPES, st.data())
def test_any_window_and_delta_is_what_a_writer_without_memory_writes(
    shapes: list[tuple[int, bool, bool]], data: st.DataObject
) -> None:
    rows = [
        segment(5 + place, map_number=number, is_discontinuous=is_cut and place > 0, is_gap=is_gap)
        for place, (number, is_cut, is_gap) in enumerate(shapes)
    ]
    lines = lines_of(rows)
    index = data.draw(st.integers(0, len(rows) - 1))
    skip = data.draw(st.integers(0, len(rows) - index - 1))
    listed: list[Segment] = [segment_of(row, "video", View.MEDIA) for row in rows[index:]]
    playlist = MediaPlaylist(
        target_duration_s=2,
        segments=listed,
        media_sequence=5 + index,
        discontinuity_sequence=sum(row.is_discontinuous for row in rows[:index]),
    )
    assert lines.discontinuities_before(index) == playlist.discontinuity_sequence
    anew = write_media_playlist(playlist, skip=skip)
    joined = join_media_playlist(playlist, lines.written(index, skip), skip=skip)
    # EXT-X-MAP may stand before EXT-X-DISCONTINUITY of the first segment: both are for what follows.
    assert sorted(joined.splitlines()) == sorted(anew.splitlines())
    assert joined.splitlines()[-1] == anew.splitlines()[-1]


def test_the_window_is_what_lies_within_its_time_before_the_end() -> None:
    lines = lines_of(segments(0, 100))
    assert lines.end_s == 100 * SEGMENT_S
    assert lines.first_within(20.0) == 90
    assert lines.first_within(19.0) == 90  # of the first one a half
    assert lines.first_within(1_000.0) == 0
    assert Lines().first_within(20.0) == 0


def test_a_delta_leaves_out_whole_segments_before_the_boundary() -> None:
    lines = lines_of(segments(0, 100))
    assert lines.skippable(0, 12.0) == 94
    assert lines.skippable(90, 12.0) == 4
    assert lines.skippable(96, 12.0) == 0
    assert lines.skippable(0, 13.0) == 93
    assert lines_of(segments(0, 3)).skippable(0, 12.0) == 0


def test_sums_of_floats_move_no_boundary() -> None:
    rows = [segment(msn, start_s=msn * 1.001, duration_s=1.001) for msn in range(3000)]
    lines = lines_of(rows)
    assert lines.skippable(0, 6 * 1.001) == 2994
