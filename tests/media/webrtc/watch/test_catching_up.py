from media.webrtc.watch.catching_up import LATEST_S, LEAST_BPS, TICK_S, CatchingUp
from media.webrtc.watch.history import MAX_GOP_PACKETS, Unit

KB = b"x" * 1000


def unit(first: int, *, packets: int = 1, key: bool = False) -> Unit:
    return Unit(first, [KB] * packets, first, key)


def drained(catching_up: CatchingUp, seconds: float) -> list[int]:
    """Return the bytes that were sent in each tick until all was."""
    sent = []
    for tick in range(1, round(seconds / TICK_S)):
        sent.append(sum(each.size for each in catching_up.take(tick * TICK_S)))
        if catching_up.is_done:
            break
    return sent


def test_a_gop_goes_at_the_rate_in_small_bursts() -> None:
    catching_up = CatchingUp([unit(at, key=not at) for at in range(500)], 0, 0.0)
    sent = drained(catching_up, 2)
    assert sum(sent) == 500_000
    assert 0.9 < sum(sent) * 8 / (len(sent) * TICK_S) / LEAST_BPS < 1.2
    assert max(sent) <= LEAST_BPS / 8 * TICK_S * 2 + 1000


def test_a_fast_stream_catches_up_faster() -> None:
    gop = [unit(at) for at in range(500)]
    slow, fast = drained(CatchingUp(gop, 1e6, 0.0), 2), drained(CatchingUp(gop, 20e6, 0.0), 2)
    assert 5 < len(slow) / len(fast) < 7


def test_what_comes_meanwhile_goes_behind() -> None:
    catching_up = CatchingUp([unit(0, packets=40), unit(40)], 0, 0.0)
    assert [each.first for each in catching_up.take(0.0)] == [0]
    catching_up.add(unit(41))
    assert [each.first for each in catching_up.take(1.0)] == [40, 41]
    assert catching_up.is_done


def test_a_pause_is_not_made_up_for_at_once() -> None:
    catching_up = CatchingUp([unit(at) for at in range(2000)], 0, 0.0)
    assert sum(each.size for each in catching_up.take(10.0)) <= LEAST_BPS / 8 * LATEST_S + 1000


def test_when_too_much_waits_it_goes_on_with_a_keyframe() -> None:
    catching_up = CatchingUp([unit(0, key=True)], 0, 0.0)
    catching_up.add(unit(1, packets=MAX_GOP_PACKETS + 1))
    catching_up.add(unit(2))
    catching_up.add(unit(3, key=True))
    catching_up.add(unit(4))
    assert [each.first for each in catching_up.take(1.0)] == [3, 4]
