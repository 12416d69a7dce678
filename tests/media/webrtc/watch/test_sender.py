import itertools

import pytest
from aiortc.rtp import HeaderExtensionsMap, RtpPacket, unwrap_rtx

from media.packets import TrackKind
from media.webrtc.watch.admission import Sending
from media.webrtc.watch.history import KEPT_PACKETS, History
from media.webrtc.watch.sender import FIRST_RETRANSMITTED_BYTES, TrackSender
from tests.media.webrtc.watch.offers import accepted

PICTURES = Sending(TrackKind.VIDEO, 0xAAAA, 0xBBBB, "64001e")


def parsed(data: bytes) -> RtpPacket:
    return RtpPacket.parse(data, HeaderExtensionsMap())


def sender(history: History, *, rtx: bool = True) -> TrackSender:
    sending = PICTURES if rtx else Sending(TrackKind.VIDEO, 0xAAAA, 0, "64001e")
    return TrackSender(accepted([sending])[0], history)


def test_packets_of_a_unit_share_a_stamp_and_the_last_is_marked() -> None:
    history = History()
    made = sender(history)
    unit = history.add([b"one", b"two", b"three"], (1 << 32) + 90_000, is_keyframe=False)
    packets = [parsed(each) for each in made.send(unit)]
    assert [packet.payload for packet in packets] == [b"one", b"two", b"three"]
    assert [packet.marker for packet in packets] == [0, 0, 1]
    assert {(packet.timestamp, packet.ssrc, packet.payload_type) for packet in packets} == {(90_000, 0xAAAA, 106)}
    first = packets[0].sequence_number
    assert [packet.sequence_number for packet in packets] == [first, first + 1, first + 2]
    assert (made.packets, made.octets) == (3, 11)


def test_a_keyframe_says_how_long_players_may_wait() -> None:
    history = History()
    made = sender(history)
    [key] = made.send(history.add([b"key"], 0, is_keyframe=True))
    assert key[0] == 0x90
    assert key[12:20] == bytes.fromhex("bede0001 52 000032")  # id 5, three bytes: from 0 to 500 ms
    assert parsed(key).payload == b"key"


def test_viewers_begin_anywhere_and_none_has_gaps() -> None:
    history = History()
    history.add([b"before"] * 10, 0, is_keyframe=True)
    made = sender(history)
    first = parsed(made.send(history.add([b"a"], 1, is_keyframe=True))[0]).sequence_number
    assert first < 1 << 15
    history.add([b"skipped"] * 3, 2, is_keyframe=False)
    assert parsed(made.send(history.add([b"b"], 3, is_keyframe=True))[0]).sequence_number == first + 1


def test_sequence_numbers_wrap() -> None:
    history = History()
    made = sender(history)
    numbers = [
        parsed(packet).sequence_number
        for _ in range(80)
        for packet in made.send(history.add([b"x"] * 1000, 0, is_keyframe=False))
    ]
    assert all((after - before) & 0xFFFF == 1 for before, after in itertools.pairwise(numbers))
    last = made.retransmit(numbers[-5])
    assert last is not None
    assert unwrap_rtx(parsed(last), 106, 0xAAAA).sequence_number == numbers[-5]


def test_a_lost_packet_comes_again_as_it_was() -> None:
    history = History()
    made = sender(history)
    sent = [parsed(each) for each in made.send(history.add([b"one", b"two"], 5, is_keyframe=True))]
    for index, (marker, number) in enumerate([(0, 0), (1, 1)]):
        data = made.retransmit(sent[index].sequence_number)
        assert data is not None
        again = parsed(data)
        assert (again.ssrc, again.payload_type, again.marker) == (0xBBBB, 107, marker)
        original = unwrap_rtx(again, 106, 0xAAAA)
        assert original.payload == sent[index].payload
        assert original.sequence_number == sent[0].sequence_number + number
        assert original.timestamp == 5


def test_without_rtx_the_very_packet_comes_again() -> None:
    history = History()
    made = sender(history, rtx=False)
    sent = made.send(history.add([b"one", b"two"], 5, is_keyframe=True))
    assert [made.retransmit(parsed(each).sequence_number) for each in sent] == sent


@pytest.mark.parametrize("off", [-1, 1, 1000, -1000, 0x8000])
def test_numbers_that_were_never_sent_are_not_found(off: int) -> None:
    history = History()
    history.add([b"earlier"] * 20, 0, is_keyframe=True)
    made = sender(history)
    [packet] = made.send(history.add([b"one"], 5, is_keyframe=True))
    assert made.retransmit((parsed(packet).sequence_number + off) & 0xFFFF) is None


def test_what_went_before_a_gap_in_the_stream_is_not_mixed_up_with_what_was_left_out() -> None:
    history = History()
    made = sender(history)
    [before] = made.send(history.add([b"before"], 0, is_keyframe=True))
    history.add([b"left out"], 1, is_keyframe=False)
    made.send(history.add([b"after"], 2, is_keyframe=True))
    assert made.retransmit(parsed(before).sequence_number) is None


def test_what_is_too_old_is_gone() -> None:
    history = History()
    made = sender(history)
    [first] = made.send(history.add([b"first"], 0, is_keyframe=True))
    for _ in range(KEPT_PACKETS):
        made.send(history.add([b"x"], 1, is_keyframe=False))
    assert made.retransmit(parsed(first).sequence_number) is None


def test_who_asks_for_everything_again_and_again_gets_half_of_what_is_sent() -> None:
    history = History()
    made = sender(history)
    packets = made.send(history.add([bytes(1000)] * 1000, 0, is_keyframe=True))
    numbers = [parsed(packet).sequence_number for packet in packets]
    assert sum(made.retransmit(number) is not None for number in numbers) == FIRST_RETRANSMITTED_BYTES // 1000
    made.send(history.add([bytes(1000)] * 20, 1, is_keyframe=False))
    assert sum(made.retransmit(number) is not None for number in numbers) == 10
