"""Claims of media.webrtc.whip.arrivals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.webrtc.whip.arrivals import MAX_NUMBERS, Arrivals
from tests.media.webrtc.whip.transport_cc import read_feedback

START_S = 1_000.0


def said(arrivals: Arrivals) -> tuple[int, int, dict[int, float | None]]:
    data = arrivals.feedback(9)
    assert data is not None
    return read_feedback(data)


@given(st.integers(0, 0xFFFF), st.lists(st.tuples(st.booleans(), st.floats(0, 0.3)), min_size=1, max_size=120))
def test_who_sends_learns_when_each_packet_came(first: int, packets: list[tuple[bool, float]]) -> None:
    arrivals = Arrivals(1)
    arrivals.add(first, START_S)
    came = {first: START_S}
    at_s = START_S
    for number, (is_there, pause_s) in enumerate(packets, 1):
        at_s += pause_s
        if is_there:
            came[first + number & 0xFFFF] = at_s
            arrivals.add(first + number & 0xFFFF, at_s)
    base, _count, times = said(arrivals)
    assert base == first
    assert {number for number, each in times.items() if each is not None} == set(came)
    for number, each in came.items():
        assert times[number] == pytest.approx(each, abs=0.001)


def test_each_feedback_goes_on_where_the_last_ended() -> None:
    arrivals = Arrivals(1)
    assert arrivals.feedback(9) is None
    arrivals.add(5, START_S)
    assert said(arrivals)[:2] == (5, 0)
    assert arrivals.feedback(9) is None
    arrivals.add(8, START_S + 0.01)
    arrivals.add(7, START_S + 0.02)
    base, count, times = said(arrivals)
    assert (base, count) == (6, 1)
    assert times[6] is None
    assert times[7] == pytest.approx(START_S + 0.02, abs=0.001)


def test_a_burst_is_cut_to_what_fits_and_a_new_beginning_is_followed() -> None:
    arrivals = Arrivals(1)
    for number in range(MAX_NUMBERS * 2):
        arrivals.add(number, START_S)
    base, _count, times = said(arrivals)
    assert (base, len(times)) == (MAX_NUMBERS, MAX_NUMBERS)
    arrivals.add(40_000, START_S + 1)
    assert list(said(arrivals)[2]) == [40_000]
