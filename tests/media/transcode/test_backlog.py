"""What a late child is not given."""

from hypothesis import given
from hypothesis import strategies as st

from media.transcode.backlog import LONGEST_S, LONGEST_START_S, MOST_BYTES, Backlog

S = 90_000


def running(at_s: float = 0) -> Backlog:
    """A child that has made everything up to this time."""
    backlog = Backlog()
    assert backlog.admits_video(round(at_s * S), 0, is_keyframe=True)
    backlog.finished(round(at_s * S))
    return backlog


def test_a_child_begins_with_a_keyframe() -> None:
    backlog = Backlog()
    assert not backlog.admits_video(0, 0, is_keyframe=False)
    assert backlog.admits_video(3000, 0, is_keyframe=True)
    assert backlog.admits_video(6000, 0, is_keyframe=False)


def test_two_seconds_of_media_are_the_bound_and_then_all_is_left_out_up_to_a_keyframe_in_time() -> None:
    backlog = running()
    assert all(backlog.admits_video(at * S // 10, 0, is_keyframe=False) for at in range(1, 22))
    assert not backlog.admits_video(22 * S // 10, 0, is_keyframe=False)
    assert not backlog.admits_video(3 * S, 0, is_keyframe=True)  # still late
    backlog.finished(2 * S)
    assert not backlog.admits_video(4 * S, 0, is_keyframe=False)
    assert backlog.admits_video(5 * S, 0, is_keyframe=True)
    assert backlog.admits_video(5 * S + 3000, 0, is_keyframe=False)  # what was left out before it does not count


def test_a_pause_of_the_stream_is_nothing_that_waits() -> None:
    backlog = running()
    assert backlog.admits_video(S // 10, 0, is_keyframe=False)
    assert backlog.admits_video(60 * S, 0, is_keyframe=True)
    assert backlog.behind_s <= 0.4
    assert backlog.admits_video(60 * S + 3000, 0, is_keyframe=False)
    backlog.finished(S // 10)  # of before the pause
    assert backlog.behind_s <= 0.4
    backlog.finished(60 * S)
    assert backlog.behind_s <= 0.04


def test_a_start_may_take_longer_than_a_lag() -> None:
    backlog = Backlog()
    given = [backlog.admits_video(at * S // 5, 0, is_keyframe=True) for at in range(28)]
    assert given == [True] * 27 + [False]  # up to 5.2 s
    backlog.finished(6 * S // 5)  # it catches up: 4 s are still before it
    assert backlog.behind_s == 4
    assert backlog.admits_video(28 * S // 5, 0, is_keyframe=True)
    backlog.finished(28 * S // 5)  # it has caught up: from here on a lag is a lag
    given = [backlog.admits_video(at * S // 5, 0, is_keyframe=True) for at in range(29, 41)]
    assert given == [True] * 11 + [False]


def test_bytes_bound_it_where_media_time_does_not() -> None:
    backlog = running()
    assert backlog.admits_video(S, MOST_BYTES, is_keyframe=False)
    assert not backlog.admits_video(S, MOST_BYTES + 1, is_keyframe=False)
    assert not backlog.admits_audio(S, MOST_BYTES + 1, is_lead=False)
    assert backlog.admits_audio(S, 0, is_lead=False)


def test_a_child_that_read_all_and_made_nothing_of_it_gets_the_next_keyframe() -> None:
    backlog = running()
    for at in range(1, 30):
        backlog.admits_video(at * S // 10, 0, is_keyframe=False)
    assert not backlog.admits_video(4 * S, 0, is_keyframe=True)
    backlog.emptied()
    assert backlog.admits_video(5 * S, 0, is_keyframe=True)


def test_sound_alone_is_its_own_measure() -> None:
    backlog = Backlog()
    assert all(backlog.admits_audio(at * S // 5, 0, is_lead=True) for at in range(27))
    assert not backlog.admits_audio(27 * S // 5, 0, is_lead=True)
    backlog.finished(5 * S)
    assert backlog.admits_audio(28 * S // 5, 0, is_lead=True)


def test_sound_that_goes_on_under_a_still_picture_is_not_late() -> None:
    backlog = running()
    assert all(backlog.admits_audio(at * S, 0, is_lead=False) for at in range(60))


def test_after_a_break_it_begins_with_a_keyframe() -> None:
    backlog = running()
    backlog.interrupt()
    assert not backlog.admits_video(S, 0, is_keyframe=False)
    assert backlog.admits_video(S, 0, is_keyframe=True)


@given(st.lists(st.tuples(st.integers(1, S), st.booleans(), st.booleans()), max_size=200))
def test_no_child_has_more_before_it_than_the_bound(steps: list[tuple[int, bool, bool]]) -> None:
    backlog, dts = Backlog(), 0
    for step, is_keyframe, catches_up in steps:
        dts += step
        backlog.admits_video(dts, 0, is_keyframe=is_keyframe)
        if catches_up:
            backlog.finished(dts)
        assert backlog.behind_s <= LONGEST_START_S + step / S
    assert LONGEST_START_S > LONGEST_S
