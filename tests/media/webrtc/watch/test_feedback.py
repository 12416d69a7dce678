import pytest
from aiortc.rtp import RtcpPsfbPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpRtpfbPacket
from hypothesis import given
from hypothesis import strategies as st

from media.webrtc.watch.feedback import KeyframeWanted, Lost, Received, read_feedback

US, THEM = 0x1111, 0x2222


def test_a_nack_names_a_number_and_those_that_follow() -> None:
    # RFC 4585, section 6.2.1: PID 10, BLP with bits 0 and 2; then 0xFFFF with the number after the wrap
    data = bytes.fromhex("81cd0004 00002222 00001111 000a0005 ffff0001")
    assert read_feedback(data) == [Lost(US, [10, 11, 13, 0xFFFF, 0])]


def test_what_another_library_says_is_understood() -> None:
    info = RtcpReceiverInfo(US, 64, 7, 1000, 90, 0xAABBCCDD, 65_536)
    compound = (
        bytes(RtcpRrPacket(ssrc=THEM, reports=[info]))
        + bytes(RtcpRtpfbPacket(fmt=1, ssrc=THEM, media_ssrc=US, lost=[5, 6, 40]))
        + bytes(RtcpPsfbPacket(fmt=1, ssrc=THEM, media_ssrc=US))
    )
    assert read_feedback(compound) == [
        Received(US, 0.25, 90, 0xAABBCCDD, 65_536),
        Lost(US, [5, 6, 40]),
        KeyframeWanted(US),
    ]


def test_a_full_intra_request_names_its_track_inside() -> None:
    assert read_feedback(bytes.fromhex("84ce0004 00002222 00000000 00001111 01000000")) == [KeyframeWanted(US)]


@pytest.mark.parametrize(
    "data",
    ["", "80", "81cd0004 00002222", "41cd0003 00002222 00001111 000a0005", "81cdffff 00002222 00001111 000a0005"],
)
def test_what_is_torn_or_not_rtcp_says_nothing(data: str) -> None:
    assert read_feedback(bytes.fromhex(data)) == []


def test_a_torn_end_does_not_take_back_what_came_before() -> None:
    whole = bytes.fromhex("81ce0002 00002222 00001111")
    assert read_feedback(whole + bytes.fromhex("81cd0009 00002222")) == [KeyframeWanted(US)]


def test_a_nack_of_everything_is_cut() -> None:
    entries = b"".join(number.to_bytes(2, "big") + b"\xff\xff" for number in range(0, 17 * 300, 17))
    head = bytes.fromhex("81cd") + (2 + len(entries) // 4).to_bytes(2, "big") + bytes.fromhex("0000222200001111")
    [said] = read_feedback(head + entries)
    assert isinstance(said, Lost)
    assert said.sequence_numbers == list(range(1024))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    read_feedback(data)
