"""Claims of media.webrtc.whip.feedback, with aiortc at the other end."""

import pytest
from aiortc import rtp as aiortc_rtp
from hypothesis import given
from hypothesis import strategies as st

from media.webrtc.whip import feedback
from media.webrtc.whip.feedback import ReportBlock, SenderReport


@given(st.sets(st.integers(0, 0xFFFF), max_size=60))
def test_all_lost_numbers_are_asked_for(lost: set[int]) -> None:
    (read,) = aiortc_rtp.RtcpPacket.parse(feedback.nack(1, 2, sorted(lost)))
    assert isinstance(read, aiortc_rtp.RtcpRtpfbPacket)
    assert (read.fmt, read.ssrc, read.media_ssrc) == (1, 1, 2)
    assert {each & 0xFFFF for each in read.lost} == lost


def test_numbers_are_asked_for_over_the_wrap() -> None:
    (read,) = aiortc_rtp.RtcpPacket.parse(feedback.nack(1, 2, [65_534, 65_535, 0, 3]))
    assert isinstance(read, aiortc_rtp.RtcpRtpfbPacket)
    assert [each & 0xFFFF for each in read.lost] == [65_534, 65_535, 0, 3]
    assert len(bytes(read)) == 16


def test_a_report_says_what_was_lost() -> None:
    block = ReportBlock(7, 64, 12, 0x1_0005, 33, 0xABCD, 99)
    (read,) = aiortc_rtp.RtcpPacket.parse(feedback.receiver_report(1, [block]))
    assert isinstance(read, aiortc_rtp.RtcpRrPacket)
    (info,) = read.reports
    assert (info.ssrc, info.fraction_lost, info.packets_lost, info.highest_sequence) == (7, 64, 12, 0x1_0005)
    assert (info.jitter, info.lsr, info.dlsr) == (33, 0xABCD, 99)


def test_keyframes_and_reports_are_asked_for() -> None:
    asked = feedback.receiver_report(1, []) + feedback.picture_loss(1, 2) + feedback.rapid_resync(1, 2)
    _, picture, resync = aiortc_rtp.RtcpPacket.parse(asked)
    assert isinstance(picture, aiortc_rtp.RtcpPsfbPacket)
    assert (picture.fmt, picture.media_ssrc) == (1, 2)
    assert isinstance(resync, aiortc_rtp.RtcpRtpfbPacket)
    assert (resync.fmt, resync.media_ssrc) == (5, 2)


@pytest.mark.parametrize("bitrate_bps", [1, 200_000, 20_000_000, 3_000_000_000])
def test_a_limit_is_read_as_it_was_meant(bitrate_bps: int) -> None:
    (read,) = aiortc_rtp.RtcpPacket.parse(feedback.bitrate_limit(1, [5, 6], bitrate_bps))
    assert isinstance(read, aiortc_rtp.RtcpPsfbPacket)
    bps, ssrcs = aiortc_rtp.unpack_remb_fci(read.fci)
    assert bps == pytest.approx(bitrate_bps, rel=1e-4)
    assert ssrcs == [5, 6]


def test_sender_reports_are_found_among_others() -> None:
    sender = aiortc_rtp.RtcpSenderInfo(ntp_timestamp=1 << 40, rtp_timestamp=77, packet_count=1, octet_count=2)
    data = feedback.receiver_report(3, []) + bytes(aiortc_rtp.RtcpSrPacket(9, sender)) + feedback.picture_loss(1, 2)
    assert list(feedback.sender_reports(data)) == [SenderReport(9, 1 << 40, 77)]
    assert list(feedback.sender_reports(data[:30])) == []


@given(st.binary(max_size=80))
def test_any_bytes_are_survived(data: bytes) -> None:
    list(feedback.sender_reports(data))
