from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket

from media.webrtc.watch.reports import goodbye, middle, ntp, sender_report


def test_a_sender_report_reads_as_another_library_reads_it() -> None:
    report, description = RtcpPacket.parse(sender_report(0x1234, "cname", ntp(0.5), 90_000 + (1 << 32), (7, 700)))
    assert isinstance(report, RtcpSrPacket)
    assert report.ssrc == 0x1234
    info = report.sender_info
    assert (info.rtp_timestamp, info.packet_count, info.octet_count) == (90_000, 7, 700)
    assert info.ntp_timestamp == (2_208_988_800 << 32) + (1 << 31)  # 1970 as NTP counts, and a half
    assert isinstance(description, RtcpSdesPacket)
    assert description.chunks[0].items == [(1, b"cname")]


def test_a_cname_of_any_length_ends_in_zeros_on_a_word() -> None:
    for length in range(1, 9):
        data = sender_report(1, "c" * length, 0, 0, (0, 0))
        assert len(data) % 4 == 0
        [_, description] = RtcpPacket.parse(data)
        assert isinstance(description, RtcpSdesPacket)
        assert description.chunks[0].items == [(1, b"c" * length)]


def test_a_goodbye_names_the_track() -> None:
    report, _, bye = RtcpPacket.parse(goodbye(0x1234, "cname"))
    assert isinstance(report, RtcpRrPacket)
    assert isinstance(bye, RtcpByePacket)
    assert bye.sources == [0x1234]


def test_a_report_is_named_by_the_middle_of_its_time() -> None:
    assert middle(0x1122_3344_5566_7788) == 0x3344_5566
