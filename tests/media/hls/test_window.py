"""The live window: what is listed, what can still be fetched, what is in memory."""

from media.hls.dates import DateRanges
from media.hls.playlists import Skip, write_rendition
from media.hls.segmenter import DiscontinuityMark, Gap, Init, Part, SegmentEnd
from media.hls.window import Window
from tests.media.listing import Listing, read
from tests.media.material import VIDEO_CONFIG


def make_window() -> Window:
    """Return an empty window of a stream with segments of 2 s and parts of 0.5 s."""
    window = Window("video", target_duration_s=2, part_target_s=0.5, part_hold_back_s=1.5, clock_offset_s=1000)
    window.apply(Init("video", 1, VIDEO_CONFIG, b"init"))
    return window


def part(msn: int, index: int) -> Part:
    return Part("video", msn, index, msn * 2 + index / 2, 0.5, index == 0, b"%d-%d " % (msn, index))


def add_segments(window: Window, first: int, count: int, *, is_stored: bool = True) -> None:
    for msn in range(first, first + count):
        for index in range(4):
            window.apply(part(msn, index))
        closed = window.apply(SegmentEnd("video", msn, 2.0))
        assert closed is not None
        closed.is_stored = is_stored
        window.forget_stored()


def listing(window: Window) -> Listing:
    return read(written(window).encode())


def written(window: Window, skip: Skip = "") -> str:
    return write_rendition(window, [], DateRanges(), skip)


def test_the_window_slides_when_it_is_full() -> None:
    window = make_window()
    add_segments(window, 0, 30)
    assert listing(window).media_sequence == 0
    add_segments(window, 30, 1)
    assert listing(window).media_sequence == 1
    assert len(listing(window).segments) == 30


def test_long_target_durations_get_a_longer_window() -> None:
    window = Window("video", target_duration_s=10, part_target_s=0.5, part_hold_back_s=1.5, clock_offset_s=0)
    for msn in range(20):
        window.apply(Part("video", msn, 0, msn * 10, 0.5, True, b"x"))
        window.apply(SegmentEnd("video", msn, 10.0))
    assert len(listing(window).segments) == 8


def test_stored_segments_leave_memory_once_their_parts_are_old() -> None:
    window = make_window()
    add_segments(window, 0, 10)
    assert [segment.is_in_memory for segment in window.segments] == [False] * 7 + [True] * 3
    assert [entry.offset for entry in window.segments[0].parts] == [0, 4, 8, 12]
    assert window.segments[0].size == 16


def test_segments_that_are_not_stored_stay_in_memory_as_long_as_they_are_listed() -> None:
    window = make_window()
    add_segments(window, 0, 35, is_stored=False)
    assert all(segment.is_in_memory for segment in window.segments)
    assert window.find(3) is None  # no disk, and memory is for what is listed
    late = window.find(6)
    assert late is not None
    late.is_stored = True
    window.forget_stored()
    assert not late.is_in_memory


def test_segments_expire() -> None:
    window = make_window()
    add_segments(window, 0, 64)
    assert window.find(1) is None
    assert window.find(2) is not None


def test_the_next_part_follows_the_last_or_begins_a_segment() -> None:
    window = make_window()
    assert window.next_part == (0, 0)
    assert window.last_closed_msn == -1
    window.apply(part(0, 0))
    assert window.next_part == (0, 1)
    assert window.last_closed_msn == -1
    add_segments(window, 1, 1)
    assert window.next_part == (2, 0)
    assert window.last_closed_msn == 1


def test_has_knows_segments_parts_and_parts_past_the_end() -> None:
    window = make_window()
    add_segments(window, 0, 2)
    window.apply(part(2, 0))
    assert window.has(1, None)
    assert not window.has(2, None)
    assert window.has(2, 0)
    assert not window.has(2, 1)
    assert window.has(1, 3)
    assert window.has(1, 4)  # part 0 of segment 2
    assert not window.has(3, 0)
    empty = make_window()
    add_segments(empty, 0, 1)
    assert not empty.has(0, 4)


def test_a_report_tells_of_the_last_part() -> None:
    window = make_window()
    add_segments(window, 0, 1)
    assert (window.report().last_msn, window.report().last_part) == (0, 3)
    window.apply(part(1, 0))
    assert (window.report().last_msn, window.report().last_part) == (1, 0)
    window.apply(Gap("video", 2, 4.0, 2.0))
    assert (window.report().last_msn, window.report().last_part) == (1, 0)  # the last part, whatever came after


def test_parts_are_listed_for_three_segments_and_for_more_only_if_these_are_short() -> None:
    window = make_window()
    add_segments(window, 0, 6)
    window.apply(part(6, 0))
    assert [bool(entry.parts) for entry in listing(window).entries] == [False] * 4 + [True] * 3
    window = make_window()
    for msn in range(12):
        window.apply(Part("video", msn, 0, msn / 2, 0.5, True, b"x"))
        window.apply(SegmentEnd("video", msn, 0.5))
    assert [bool(entry.parts) for entry in listing(window).entries] == [False] * 4 + [True] * 8


def test_a_gap_is_listed_without_parts() -> None:
    window = make_window()
    add_segments(window, 0, 1)
    assert window.apply(Gap("video", 1, 2.0, 1.5)) is None
    gap = listing(window).segments[-1]
    assert (gap.is_gap, gap.parts, gap.duration_s, gap.time) == (True, [], 1.5, 1002.0)


def test_a_break_marks_one_segment_and_is_counted_when_it_leaves() -> None:
    window = make_window()
    window.apply(DiscontinuityMark("video"))  # before anything: there is nothing it could not join
    add_segments(window, 0, 1)
    window.apply(DiscontinuityMark("video"))
    window.apply(DiscontinuityMark("video"))
    window.apply(Init("video", 2, VIDEO_CONFIG, b"other"))
    add_segments(window, 1, 2)
    assert [segment.is_discontinuous for segment in listing(window).segments] == [False, True, False]
    assert [segment.map_uri for segment in listing(window).segments] == ["video-init-1.mp4", "video-init-2.mp4", None]
    add_segments(window, 3, 28)
    assert (listing(window).media_sequence, listing(window).discontinuity_sequence) == (1, 0)
    add_segments(window, 31, 1)
    assert (listing(window).media_sequence, listing(window).discontinuity_sequence) == (2, 1)


def test_the_peak_leaves_short_segments_out() -> None:
    window = make_window()
    window.apply(Part("video", 0, 0, 0, 0.1, True, b"x" * 1000))
    window.apply(SegmentEnd("video", 0, 0.1))
    assert window.peak_bps == 0
    add_segments(window, 1, 1)
    assert window.peak_bps == 16 * 8 / 2


def test_a_delta_is_a_whole_playlist_while_there_is_nothing_to_skip_and_after_the_end() -> None:
    window = make_window()
    add_segments(window, 0, 6)
    assert written(window, "YES") == written(window)
    add_segments(window, 6, 1)
    assert "SKIPPED-SEGMENTS=1\n" in written(window, "YES")
    window.end()
    assert written(window, "YES") == written(window)
    assert "PRELOAD-HINT" not in written(window)
