from collections.abc import Iterable
from itertools import pairwise

import pytest

from media.packets import VIDEO_TIMESCALE
from media.transcode.pacing import KeyframePolicy, Pace

S = VIDEO_TIMESCALE


def regular(rate: float, seconds: float = 4.0, *, rounds_to_ms: bool = True) -> list[int]:
    stamps = [number / rate for number in range(round(rate * seconds))]
    return [round(stamp * 1000) * 90 if rounds_to_ms else round(stamp * S) for stamp in stamps]


def shown(stamps: Iterable[int], cap: float, keyframes: Iterable[int] = ()) -> list[int]:
    pace, keys = Pace(cap), set(keyframes)
    return [pts for pts in stamps if pace.wants(pts, is_keyframe=pts in keys)]


@pytest.mark.parametrize(
    ("rate", "cap", "every"),
    [(60, 30, 2), (50, 30, 2), (50, 25, 2), (59.94, 30, 2), (120, 30, 4), (144, 60, 3), (30, 15, 2), (60, 24, 3)],
)
def test_a_faster_source_is_thinned_evenly(rate: float, cap: float, every: int) -> None:
    stamps = regular(rate)
    kept = shown(stamps, cap)
    settled = [stamps.index(pts) for pts in kept if pts > S // 2]
    assert {after - before for before, after in pairwise(settled)} == {every}


@pytest.mark.parametrize(("rate", "cap"), [(30, 30), (29.97, 30), (30, 29.97), (25, 30), (24, 60), (60, 60), (15, 30)])
def test_a_source_that_is_slow_enough_loses_nothing(rate: float, cap: float) -> None:
    assert shown(regular(rate), cap) == regular(rate)


def test_keyframes_are_always_shown() -> None:
    stamps = regular(60)
    keys = stamps[::31]  # falls on odd pictures too
    assert set(keys) <= set(shown(stamps, 30, keys))


def test_a_source_of_changing_rate_stays_under_the_cap_and_shows_what_it_has() -> None:
    slow, fast = regular(20, 3), [3 * S + pts for pts in regular(60, 3)]
    again = [6 * S + pts for pts in regular(20, 3)]
    kept = shown([*slow, *fast, *again], 30)
    assert [pts for pts in kept if pts < 3 * S] == slow
    in_fast = [pts for pts in kept if 3 * S + S // 2 <= pts < 6 * S]
    assert abs(len(in_fast) - 75) <= 2
    in_slow = [pts for pts in kept if pts >= 6 * S + S]
    assert in_slow == [pts for pts in again if pts >= 6 * S + S]


def test_a_pause_does_not_owe_pictures() -> None:
    stamps = [*regular(60, 2), *(20 * S + pts for pts in regular(60, 2))]
    kept = [pts for pts in shown(stamps, 30) if pts >= 20 * S]
    assert abs(len(kept) - 60) <= 1


def keyframes(stamps: Iterable[int], source_keys: Iterable[int] = (), boundaries: Iterable[int] = ()) -> list[int]:
    policy, keys = KeyframePolicy(), set(source_keys)
    for boundary in boundaries:
        policy.expect_boundary(boundary)
    return [pts for pts in stamps if policy.is_keyframe(pts, is_source_key=pts in keys)]


def test_the_first_picture_is_a_keyframe() -> None:
    assert keyframes(regular(30, 1)) == [0]


def test_source_keyframes_are_followed_when_they_are_about_a_second_apart() -> None:
    stamps = regular(30, 8)
    keys = stamps[::60]
    assert keyframes(stamps, keys) == keys
    often = stamps[::10]
    assert keyframes(stamps, often) == stamps[::30]


def test_a_boundary_is_a_keyframe_however_soon() -> None:
    stamps = regular(30, 2)
    assert keyframes(stamps, stamps[::30], [stamps[35]]) == [stamps[0], stamps[30], stamps[35]]


def test_a_boundary_whose_picture_is_lost_goes_to_the_next_one() -> None:
    stamps = regular(30, 2)
    lost = stamps[31]
    del stamps[31]
    assert keyframes(stamps, (), [lost]) == [0, stamps[31]]


def test_long_source_gops_are_divided_every_two_seconds() -> None:
    stamps = regular(30, 21)
    keys = stamps[::300]
    found = keyframes(stamps, keys)
    assert set(keys) <= set(found)
    # nobody can know in the first GOP before 4 s have passed
    gaps = [after - before for before, after in pairwise(found[1:])]
    assert {round(gap / S) for gap in gaps} == {2}
    assert found[1] <= 4.1 * S


def test_gops_of_four_seconds_are_left_alone() -> None:
    stamps = regular(30, 12)
    assert keyframes(stamps, stamps[::120]) == stamps[::120]


def test_a_source_that_shortens_its_gops_sets_the_pace_again() -> None:
    stamps = regular(30, 26)
    keys = [stamps[0], stamps[300], *stamps[390::90]]
    found = keyframes(stamps, keys)
    assert [pts for pts in found if pts >= stamps[390]] == stamps[390::90]


def test_after_a_break_the_next_picture_is_a_keyframe() -> None:
    policy = KeyframePolicy()
    assert policy.is_keyframe(0, is_source_key=True)
    policy.expect_boundary(9_000)
    policy.ask()
    assert policy.is_keyframe(3_000, is_source_key=False)
    assert not policy.is_keyframe(9_000, is_source_key=False)
