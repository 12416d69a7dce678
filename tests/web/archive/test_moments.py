"""The clock of a stream and the time of its recording."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.archive.rows import BEGAN_MS, segment, segments
from web.archive.moments import Moments
from web.archive.timelines import unbroken


def moments_of(*rows: object) -> Moments:
    moments = Moments()
    moments.add(rows)  # type: ignore[arg-type]  # rows of segments
    return moments


def interrupted(away_ms: int, at: int = 5, end: int = 10) -> Moments:
    """Ten segments of 2 s; before the sixth its publisher was away."""
    return moments_of(
        *segments(0, at),
        *(
            segment(msn, program_ms=BEGAN_MS + msn * 2000 + away_ms, is_discontinuous=msn == at)
            for msn in range(at, end)
        ),
    )


def test_without_interruptions_the_clock_runs_with_the_recording() -> None:
    moments = moments_of(*segments(0, 10))
    assert moments.end_ms == 20_000
    assert [moments.time_of(BEGAN_MS + ms) for ms in (0, 1, 7_777, 19_999)] == [0, 1, 7_777, 19_999]
    assert [moments.moment_of(ms) for ms in (0, 7_777, 20_000, 99_999)] == [
        BEGAN_MS,
        BEGAN_MS + 7_777,
        BEGAN_MS + 20_000,
        BEGAN_MS + 20_000,
    ]
    assert len(moments._pieces) == 1


def test_what_was_before_and_behind_the_pictures_is_not_shown() -> None:
    moments = moments_of(*segments(0, 10))
    assert moments.time_of(BEGAN_MS - 1) is None
    assert moments.time_of(BEGAN_MS + 20_000) is None
    assert (Moments().time_of(BEGAN_MS), Moments().moment_of(0)) == (None, None)


def test_what_happened_while_the_publisher_was_gone_is_shown_where_the_recording_goes_on() -> None:
    moments = interrupted(60_000)
    assert moments.time_of(BEGAN_MS + 9_999) == 9_999
    assert [moments.time_of(BEGAN_MS + ms) for ms in (10_000, 40_000, 70_000)] == [10_000, 10_000, 10_000]
    assert moments.time_of(BEGAN_MS + 70_001) == 10_001
    assert moments.moment_of(10_000) == BEGAN_MS + 10_000  # with all that belongs there
    assert moments.moment_of(10_001) == BEGAN_MS + 70_001


def test_a_clock_that_was_put_back_shows_no_moment_twice() -> None:
    moments = interrupted(-3_000)
    assert moments.time_of(BEGAN_MS + 9_999) == 9_999
    assert moments.time_of(BEGAN_MS + 10_000) == 13_000
    assert moments.time_of(BEGAN_MS + 16_999) == 19_999


def test_a_recording_whose_beginning_is_gone_counts_from_what_is_left() -> None:
    moments = moments_of(*segments(50, 60))
    assert moments.time_of(BEGAN_MS + 100_000) == 0
    assert moments.end_ms == 20_000


def test_gaps_that_are_listed_take_their_time() -> None:
    rows = [segment(msn, is_gap=msn in (3, 4)) for msn in range(10)]
    assert moments_of(*rows).time_of(BEGAN_MS + 12_345) == 12_345
    missing = [row for row in segments(0, 10) if row.msn not in (3, 4)]
    assert moments_of(*unbroken(missing, 0, is_final=True)).time_of(BEGAN_MS + 12_345) == 12_345


def test_a_clock_that_drifts_makes_pieces_that_stay_near() -> None:
    rows = [segment(msn, program_ms=BEGAN_MS + round(msn * 2_010)) for msn in range(100)]
    moments = moments_of(*rows)
    assert len(moments._pieces) < 30
    for msn in range(99):
        time_ms = moments.time_of(BEGAN_MS + round(msn * 2_010))
        assert time_ms is not None
        assert abs(time_ms - msn * 2_000) <= 60


@pytest.mark.parametrize("grow_by", [1, 3, 7])
def test_a_recording_that_grows_is_the_same_as_one_that_is_read_at_once(grow_by: int) -> None:
    rows = [segment(msn, program_ms=BEGAN_MS + msn * 2000 + 5_000 * (msn // 4)) for msn in range(20)]
    moments = Moments()
    for start in range(0, 20, grow_by):
        moments.add(rows[start : start + grow_by])
    assert moments._pieces == moments_of(*rows)._pieces
    assert moments.next_msn == 20


@given(st.lists(st.integers(-5_000, 20_000), min_size=1, max_size=12), st.data())
def test_times_never_go_back_and_each_moment_can_be_found_again(steps_ms: list[int], data: st.DataObject) -> None:
    clock_ms, rows = BEGAN_MS, []
    for msn, step_ms in enumerate(steps_ms):
        clock_ms += step_ms
        rows.append(segment(msn, program_ms=clock_ms))
        clock_ms += 2_000
    moments = moments_of(*rows)
    first, last = moments.moment_of(0), moments.moment_of(moments.end_ms)
    assert first is not None
    assert last is not None
    some = sorted(data.draw(st.lists(st.integers(first, max(first, last - 1)), min_size=2, max_size=8)))
    times = [moments.time_of(moment) for moment in some]
    assert None not in times
    assert times == sorted(times, key=lambda time_ms: time_ms or 0)
    for moment, time_ms in zip(some, times, strict=True):
        again = moments.moment_of(time_ms or 0)
        assert again is not None
        assert again <= moment
