"""Claims of media.webrtc.whip.reorder."""

from hypothesis import given
from hypothesis import strategies as st

from media.webrtc.whip.reorder import FIRST_ASK_S, MAX_ASKED, MAX_WAITING, Gap, Reorder
from media.webrtc.whip.rtp import RtpPacket

HOLD_S = 0.4


def packet(sequence: int) -> RtpPacket:
    return RtpPacket(96, False, sequence & 0xFFFF, 0, 1, b"")


def numbers(items: list[RtpPacket | Gap]) -> list[int | str]:
    return [f"gap {each.count}" if isinstance(each, Gap) else each.sequence for each in items]


def test_packets_in_order_wait_for_nothing() -> None:
    reorder = Reorder(HOLD_S)
    assert [numbers(reorder.add(packet(each), 0.0)) for each in (65534, 65535, 65536)] == [[65534], [65535], [0]]
    assert (reorder.received, reorder.lost) == (3, 0)


def test_a_late_packet_goes_where_it_belongs_and_a_repetition_nowhere() -> None:
    reorder = Reorder(HOLD_S)
    out = [numbers(reorder.add(packet(each), 0.0)) for each in (1, 3, 4, 2, 2, 3)]
    assert out == [[1], [], [], [2, 3, 4], [], []]
    assert (reorder.received, reorder.lost, reorder.recovered, reorder.dropped) == (4, 1, 1, 0)


def test_what_is_missing_is_asked_for_until_it_comes() -> None:
    reorder = Reorder(HOLD_S)
    for each in (10, 13):
        reorder.add(packet(each), 0.0)
    assert reorder.asked(0.001, 0.05) == []
    assert reorder.asked(FIRST_ASK_S, 0.05) == [11, 12]
    assert reorder.asked(FIRST_ASK_S + 0.05, 0.05) == []
    reorder.add(packet(11), 0.06)
    assert reorder.asked(FIRST_ASK_S + 0.07, 0.05) == [12]
    reorder.add(packet(12), 0.08)
    assert (reorder.asked(9.0, 0.05), reorder.is_waiting) == ([], False)


def test_what_does_not_come_is_given_up_after_the_hold() -> None:
    reorder = Reorder(HOLD_S)
    for each in (1, 4, 7):
        reorder.add(packet(each), 0.0)
    assert reorder.due(HOLD_S - 0.01) == []
    assert numbers(reorder.due(HOLD_S)) == ["gap 2", 4, "gap 2", 7]
    assert (reorder.dropped, reorder.is_waiting, reorder.due(9.0)) == (4, False, [])
    assert numbers(reorder.add(packet(2), 9.0)) == []
    assert numbers(reorder.add(packet(8), 9.0)) == [8]


def test_a_publisher_that_begins_anew_is_followed() -> None:
    reorder = Reorder(HOLD_S)
    for each in (1, 3):
        reorder.add(packet(each), 0.0)
    assert numbers(reorder.add(packet(30_000), 0.0)) == ["gap 1", 3, "gap 0", 30_000]
    assert numbers(reorder.add(packet(30_001), 0.0)) == [30_001]


def test_neither_packets_nor_holes_pile_up() -> None:
    reorder = Reorder(HOLD_S)
    reorder.add(packet(0), 0.0)
    for each in range(1, 200):
        reorder.add(packet(each * 1_000), 0.0)
        assert len(reorder.asked(1.0, 0.0)) <= MAX_ASKED
        assert len(reorder._missing) <= MAX_WAITING + 1_000
    out = 0
    reorder = Reorder(HOLD_S)
    reorder.add(packet(0), 0.0)
    for each in range(2, 3 * MAX_WAITING):
        out += len(reorder.add(packet(each), 0.0))
    assert out > MAX_WAITING


@given(st.permutations(range(20)), st.sets(st.integers(1, 19)))
def test_whatever_the_order_all_that_came_goes_out_in_order(order: list[int], lost: set[int]) -> None:
    reorder = Reorder(HOLD_S)
    out = reorder.add(packet(100), 0.0)
    for each in order:
        if each not in lost and each:
            out += reorder.add(packet(100 + each), 0.0)
    out += reorder.due(HOLD_S)
    sent = [100, *(100 + each for each in range(1, 20) if each not in lost)]
    assert [each.sequence for each in out if isinstance(each, RtpPacket)] == sent
    assert sum(each.count for each in out if isinstance(each, Gap)) == sent[-1] - 100 + 1 - len(sent)
