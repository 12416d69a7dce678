"""Claims of media.webrtc.whip.h264: with the payloads that our own packetiser and aiortc make."""

import pytest
from aiortc.codecs.h264 import H264Encoder
from hypothesis import given
from hypothesis import strategies as st

from media.webrtc.whip.h264 import MAX_UNIT_BYTES, AccessUnit, Depacketizer
from media.webrtc.whip.rtp import RtpPacket

SPS, PPS = b"\x67\x42\xc0\x1e" + bytes(range(1, 9)), b"\x68\xce\x3c\x80"
IDR, SLICE = b"\x65" + b"\x99" * 4_000, b"\x41" + b"\x88" * 700
START = b"\x00\x00\x00\x01"


def packets(units: list[bytes], timestamp: int = 3_000) -> list[RtpPacket]:
    payloads = H264Encoder._packetize(iter(units))
    last = len(payloads) - 1
    return [RtpPacket(102, at == last, at, timestamp, 1, payload) for at, payload in enumerate(payloads)]


def stream(*units: bytes) -> bytes:
    return b"".join(START + unit for unit in units)


def test_aggregated_and_fragmented_units_come_out_as_they_went_in() -> None:
    depacketizer = Depacketizer()
    made = packets([SPS, PPS, IDR])
    assert [each.payload[0] & 0x1F for each in made][:2] == [24, 28]
    out = [unit for each in made for unit in depacketizer.add(each)]
    assert out == [AccessUnit(3_000, stream(SPS, PPS, IDR), True)]


def test_the_marker_ends_a_unit_without_waiting_for_the_next() -> None:
    assert Depacketizer().add(RtpPacket(102, True, 1, 7, 1, SLICE)) == [AccessUnit(7, stream(SLICE), True)]


def test_without_a_marker_the_next_time_stamp_ends_a_unit() -> None:
    depacketizer = Depacketizer()
    assert depacketizer.add(RtpPacket(102, False, 1, 0xFFFF_FFFF, 1, SLICE)) == []
    (unit,) = depacketizer.add(RtpPacket(102, False, 2, 2, 1, SLICE))
    assert (unit.timestamp, unit.is_whole) == (0xFFFF_FFFF, True)
    (unit,) = depacketizer.add(RtpPacket(102, True, 3, 2, 1, SLICE))
    assert (unit.timestamp, unit.data) == (0x1_0000_0001 + 1, stream(SLICE, SLICE))


@pytest.mark.parametrize("lost", [0, 1, 2, 4])
def test_a_unit_with_a_hole_is_not_whole(lost: int) -> None:
    depacketizer = Depacketizer()
    out: list[AccessUnit] = []
    made = packets([IDR, SLICE, IDR])
    assert len(made) > lost
    for at, each in enumerate(made):
        out += depacketizer.gap() if at == lost else depacketizer.add(each)
    out += depacketizer.add(RtpPacket(102, True, 9, 6_000, 1, SLICE))
    assert not any(each.is_whole for each in out if each.timestamp == 3_000)


def test_after_a_hole_the_next_unit_is_whole_again() -> None:
    depacketizer = Depacketizer()
    depacketizer.add(RtpPacket(102, False, 1, 3_000, 1, SLICE))
    depacketizer.gap()
    (unit,) = depacketizer.add(RtpPacket(102, True, 3, 6_000, 1, SLICE))
    assert not unit.is_whole, "its first packets may be among the lost"
    (unit,) = depacketizer.add(RtpPacket(102, True, 4, 9_000, 1, SLICE))
    assert unit.is_whole


def test_a_keyframe_behind_a_hole_is_whole_from_its_parameter_sets_on() -> None:
    depacketizer = Depacketizer()
    depacketizer.add(RtpPacket(102, False, 1, 3_000, 1, SLICE))
    depacketizer.gap()
    out = [unit for each in packets([SPS, PPS, IDR], 6_000) for unit in depacketizer.add(each)]
    assert out == [AccessUnit(6_000, stream(SPS, PPS, IDR), True)]


def test_a_unit_without_an_end_does_not_grow_for_ever() -> None:
    depacketizer = Depacketizer()
    payload = b"\x41" + bytes(1_200)
    for number in range(2 * MAX_UNIT_BYTES // len(payload)):
        depacketizer.add(RtpPacket(102, False, number, 1, 1, payload))
        assert sum(map(len, depacketizer._parts)) <= MAX_UNIT_BYTES
    assert not any(each.is_whole for each in depacketizer.add(RtpPacket(102, True, 0, 1, 1, payload)))


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.integers(0, 3))))
def test_any_payloads_are_survived(parts: list[tuple[bytes, bool, int]]) -> None:
    depacketizer = Depacketizer()
    for payload, marker, timestamp in parts:
        for unit in depacketizer.add(RtpPacket(102, marker, 0, timestamp, 1, payload)):
            assert unit.data
