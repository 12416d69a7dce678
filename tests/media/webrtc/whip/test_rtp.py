"""Claims of media.webrtc.whip.rtp, with aiortc as the writer."""

from contextlib import suppress

import pytest
from aiortc import rtp as aiortc_rtp
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from hypothesis import given
from hypothesis import strategies as st

from media.webrtc.whip import arrivals
from media.webrtc.whip.rtp import BadRtp, RtpPacket, read_rtp, unwrapped, without_rtx


def written(extension_id: int = 3, *, padding: int = 0) -> bytes:
    packet = aiortc_rtp.RtpPacket(
        payload_type=102, marker=1, sequence_number=65535, timestamp=7, ssrc=9, payload=b"abc"
    )
    packet.padding_size = padding
    packet.csrc = [1, 2]
    packet.extensions.abs_send_time = 5
    packet.extensions.transport_sequence_number = 513
    known = aiortc_rtp.HeaderExtensionsMap()
    known.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=1, uri="http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
                RTCRtpHeaderExtensionParameters(id=extension_id, uri=arrivals.URI),
            ]
        )
    )
    return packet.serialize(known)


@pytest.mark.parametrize("extension_id", [3, 14, 20])
@pytest.mark.parametrize("padding", [0, 7])
def test_a_packet_is_read_with_its_wide_number(extension_id: int, padding: int) -> None:
    packet = read_rtp(written(extension_id, padding=padding), extension_id)
    assert packet == RtpPacket(102, True, 65535, 7, 9, b"abc", 513)


def test_without_the_extension_there_is_no_wide_number() -> None:
    assert read_rtp(written(), 5).wide_sequence == -1
    assert read_rtp(written()).wide_sequence == -1


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(0, 255))
def test_any_bytes_are_a_packet_or_none(data: bytes, cut: int, wide_id: int) -> None:
    for each in (data, written()[:cut] + data):
        with suppress(BadRtp):
            assert len(read_rtp(each, wide_id).payload) <= len(each)


def test_a_retransmission_is_what_it_repeats() -> None:
    again = RtpPacket(103, True, 1, 7, 10, b"\x12\x34abc")
    assert without_rtx(again, 102, 9) == RtpPacket(102, True, 0x1234, 7, 9, b"abc")
    assert without_rtx(RtpPacket(103, False, 1, 7, 10, b"\x12\x34"), 102, 9) is None


@given(st.integers(0, 1 << 40), st.integers(-(1 << 15) + 1, (1 << 15) - 1))
def test_a_cut_number_is_found_again_near_another(near: int, step: int) -> None:
    assert unwrapped((near + step) & 0xFFFF, near, 16) == near + step
