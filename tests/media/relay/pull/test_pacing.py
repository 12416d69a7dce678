"""Claims of media.relay.pull.pacing: as fast as it plays, and no faster to catch up with a stall."""

from media.relay.pull.pacing import Pacer


def s(seconds: float) -> int:
    return round(seconds * 90_000)


def test_packets_are_due_when_they_play() -> None:
    pacer = Pacer(0.0)
    assert pacer.wait_s(s(50), now=10.0) == 0
    assert round(pacer.wait_s(s(50.04), now=10.0), 6) == 0.04
    assert round(pacer.wait_s(s(52), now=10.0), 6) == 2.0
    assert pacer.wait_s(s(51.5), now=11.5) == 0


def test_being_late_by_a_little_does_not_add_up() -> None:
    pacer, now = Pacer(0.0), 0.0
    for number in range(1000):
        now += pacer.wait_s(s(number * 0.02), now) + 0.001
    assert 19.9 < now < 20.1


def test_after_a_stall_time_goes_on_from_there() -> None:
    pacer = Pacer(0.0)
    pacer.wait_s(s(0), now=0.0)
    assert pacer.wait_s(s(0.04), now=30.0) == 0
    assert round(pacer.wait_s(s(1.04), now=30.0), 6) == 1.0


def test_a_live_source_may_run_ahead_by_its_burst() -> None:
    pacer = Pacer(3.0)
    pacer.wait_s(s(0), now=0.0)
    assert pacer.wait_s(s(2.9), now=0.0) == 0
    assert round(pacer.wait_s(s(4), now=0.0), 6) == 1.0


def test_another_clock_goes_on_at_once() -> None:
    pacer = Pacer(0.0)
    pacer.wait_s(s(100), now=0.0)
    assert round(pacer.wait_s(s(101), now=0.0), 6) == 1.0
    assert round(pacer.wait_s(s(3), now=0.0), 6) == 1.0
    assert round(pacer.wait_s(s(4), now=1.0), 6) == 1.0


def test_stamps_wrap() -> None:
    pacer = Pacer(0.0)
    pacer.wait_s((1 << 33) - s(1), now=0.0)
    assert round(pacer.wait_s(s(1), now=0.0), 6) == 2.0
