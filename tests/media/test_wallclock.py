"""The time of day of media: true to a few milliseconds for hours, and never in contradiction to durations."""

import itertools
import random

import pytest

from media.wallclock import PERIOD_S, SLEW, WallClock
from tests.media.material import WALL_CLOCK

SEGMENT_S = 2.0


def play(
    clock: WallClock,
    length_s: int,
    *,
    start_s: int = 0,
    drift: float = 0.0,
    latency_s: float = 0.05,
    jitter_s: float = 0.2,
    anchor: float = WALL_CLOCK,
) -> list[tuple[float, float]]:
    """Let packets arrive, ten a second, late by a little; return (media time, offset) of each segment."""
    dice = random.Random(7)
    found = []
    for tick in range(start_s * 10, (start_s + length_s) * 10):
        media_s = tick / 10
        # Most come at once, few are late; media time runs off by `drift`.
        late_s = latency_s + jitter_s * dice.random() ** 4
        clock.arrive(media_s, anchor + media_s * (1 + drift) + late_s)
        if tick % int(SEGMENT_S * 10) == 3:
            found.append((media_s, clock.offset_s(int(media_s / SEGMENT_S), media_s)))
    return found


@pytest.mark.parametrize("drift", [50e-6, -50e-6, 0.0])
def test_four_hours_of_a_bad_clock_leave_no_error(drift: float) -> None:
    for media_s, offset_s in play(WallClock(), 4 * 3600, drift=drift)[1:]:
        true_s = WALL_CLOCK + media_s * drift + 0.05
        assert abs(offset_s - true_s) < 0.03
        if media_s > PERIOD_S:
            assert abs(offset_s - true_s) < 0.008


def test_a_constant_offset_would_be_off_by_more_than_half_a_second_by_then() -> None:
    first, *_, last = play(WallClock(), 4 * 3600, drift=50e-6)
    assert last[1] - first[1] == pytest.approx(0.72, abs=0.05)


def test_the_mapping_moves_slowly() -> None:
    found = play(WallClock(), 600, drift=0.0005)
    found += play(WallClock(), 600, jitter_s=3)
    for (before_s, before), (after_s, after) in itertools.pairwise(found):
        if after_s > before_s:
            assert abs(after - before) <= SLEW * (after_s - before_s) + 1e-6  # a float this large has such steps


def test_a_faster_way_is_followed_slowly() -> None:
    clock = WallClock()
    play(clock, 60, latency_s=0.5, jitter_s=0)
    clock.arrive(60.0, WALL_CLOCK + 60.1)
    assert clock.offset_s(30, 60.3) == pytest.approx(WALL_CLOCK + 0.5 - 2 * SLEW, abs=1e-4)


def test_late_packets_do_not_move_it() -> None:
    clock = WallClock()
    play(clock, 120, jitter_s=0)
    clock.arrive(120.0, WALL_CLOCK + 120 + 5)
    assert clock.offset_s(60, 120.0) == pytest.approx(WALL_CLOCK + 0.05, abs=1e-4)


def test_a_slower_way_is_believed_after_a_minute() -> None:
    clock = WallClock()
    play(clock, 120, jitter_s=0)
    found = play(clock, 400, start_s=120, latency_s=0.15, jitter_s=0)
    assert dict(found)[160.3] == pytest.approx(WALL_CLOCK + 0.05, abs=1e-4)
    assert dict(found)[400.3] == pytest.approx(WALL_CLOCK + 0.15, abs=1e-4)


def test_a_number_keeps_its_offset_whoever_asks_when() -> None:
    clock = WallClock()
    play(clock, 60)
    first = clock.offset_s(100, 60.0)
    clock.arrive(61.0, WALL_CLOCK - 10)
    assert clock.offset_s(101, 64.0) != first
    assert clock.offset_s(100, 60.5) == first


def test_after_a_break_it_is_where_packets_say_at_once() -> None:
    clock = WallClock()
    play(clock, 60, jitter_s=0)
    clock.reanchor()
    # A segment that began before the break and is published after it still has the old mapping.
    assert clock.offset_s(500, 60.0) == pytest.approx(WALL_CLOCK + 0.05, abs=1e-4)
    clock.arrive(61.0, WALL_CLOCK + 61 + 30)
    assert clock.offset_s(501, 61.0) == pytest.approx(WALL_CLOCK + 30, abs=1e-4)


def test_numbers_are_not_remembered_for_ever() -> None:
    clock = WallClock()
    clock.arrive(0.0, WALL_CLOCK)
    assert clock.offset_s(0, 0.0) == WALL_CLOCK
    for msn in range(1, 2000):
        clock.arrive(2.0 * msn, WALL_CLOCK + 2.0 * msn - 1)
        clock.offset_s(msn, 2.0 * msn)
    assert clock.offset_s(0, 4000.0) != WALL_CLOCK


def test_the_offset_of_another_process_holds_until_packets_come() -> None:
    clock = WallClock()
    clock.resume(1_000.0)
    assert clock.offset_s(40, 80.0) == 1_000.0
    clock.reanchor()
    clock.arrive(90.0, 1_093.0)
    assert clock.offset_s(41, 90.0) == 1_003.0
