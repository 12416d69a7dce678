"""When a store may be asked again."""

from structlog.testing import capture_logs

from config.objects.store import StoreRefused, StoreUnavailable
from media.storage.gate import LONGEST_PAUSE_S, REFUSED_PAUSE_S, REPORT_S, Gate


def test_a_store_that_is_away_is_asked_by_one_at_a_time_and_ever_less_often() -> None:
    gate, now, pauses = Gate(), 0.0, []
    assert gate.is_open(now)
    for _ in range(10):
        gate.failed(StoreUnavailable("away"), now, 1)
        began = now
        assert not gate.is_open(now)
        while not gate.is_open(now):
            now += 0.01
        pauses.append(now - began)
    assert pauses[0] < 0.3
    assert LONGEST_PAUSE_S / 2 <= pauses[-1] <= LONGEST_PAUSE_S + 0.02
    gate.in_flight = 1
    assert not gate.is_open(now)
    gate.worked(now, 0)
    assert gate.is_open(now)


def test_one_that_refuses_is_asked_slowly() -> None:
    gate = Gate()
    gate.failed(StoreRefused("no such bucket"), 0.0, 1)
    assert not gate.is_open(REFUSED_PAUSE_S / 2 - 0.01)
    assert gate.is_open(REFUSED_PAUSE_S)
    assert gate.trouble == "no such bucket"


def test_trouble_is_said_once_in_a_period_however_often_it_comes_and_goes() -> None:
    gate = Gate()
    with capture_logs() as said:
        for now in range(0, 50, 10):
            gate.failed(StoreRefused("too large"), now, 1)
            gate.worked(now + 1, 0)
        gate.failed(StoreUnavailable("away"), REPORT_S, 1)
    assert [line["event"] for line in said] == ["object store refuses", "object store back", "object store away"]
