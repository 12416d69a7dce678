"""Claims of media.webrtc.whip.publisher and track: packets in, a publication and feedback out."""

import asyncio
from typing import cast

import pytest
from aiortc import rtp as aiortc_rtp
from aiortc.codecs.h264 import H264Encoder

from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Description, Note
from media.webrtc.peer import Peer
from media.webrtc.whip import arrivals
from media.webrtc.whip.accepting import accept
from media.webrtc.whip.publisher import MAX_HELD, WhipPublisher
from schemas.ingest import NetworkHealth
from tests.media.webrtc.captured import chromium

VIDEO_SSRC, SOUND_SSRC = 111, 222
SPS = bytes.fromhex("6742c01eda0280bfe584000003000400000300f03c58ba80")
PPS = bytes.fromhex("68ce0fc8")
"""Of 640x360 in baseline, made by x264."""
IDR = b"\x65\x88\x84"


class Wire:
    """A peer's sending half: what is said about the packets is kept, read again."""

    rtt_s = 0.02

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.closed: list[str] = []

    def send_rtcp(self, packet: bytes) -> None:
        self.said.append(packet)

    def close(self, reason: str) -> None:
        self.closed.append(reason)

    def take(self) -> list[aiortc_rtp.AnyRtcpPacket]:
        said, self.said = self.said, []
        return [each for data in said for each in aiortc_rtp.RtcpPacket.parse(data)]


class Kept:
    """A publication that remembers."""

    def __init__(self) -> None:
        self.configs: list[CodecConfig] = []
        self.packets: list[Packet] = []
        self.measured: list[NetworkHealth] = []

    def configure(self, config: CodecConfig) -> None:
        self.configs.append(config)

    def push(self, packet: Packet) -> None:
        self.packets.append(packet)

    def describe(self, description: Description) -> None:
        raise AssertionError

    def annotate(self, note: Note) -> None:
        raise AssertionError

    def measure(self, network: NetworkHealth) -> None:
        self.measured.append(network)

    async def end(self, reason: str, *, is_lost: bool = True) -> None:
        raise AssertionError

    def of(self, kind: TrackKind) -> list[Packet]:
        return [each for each in self.packets if each.kind is kind]


class Camera:
    """Sends as Chromium does, to a publisher that is connected."""

    def __init__(self) -> None:
        self.accepted = accept(chromium())
        video, sound = self.accepted
        self.video_type, self.rtx_type, self.sound_type = (
            video.codec.payload_type,
            video.codec.rtx,
            sound.codec.payload_type,
        )
        self.kept, self.wire, self.ended = Kept(), Wire(), list[str]()
        self.publisher = WhipPublisher(self.accepted, 2.0, lambda _publisher, reason: self.ended.append(reason))
        self.publisher.publication = self.kept
        self.publisher.connected(cast(Peer, self.wire))
        self.sequence = {VIDEO_SSRC: 65_530, SOUND_SSRC: 100}
        self.now_s = asyncio.get_running_loop().time()

    def packets(self, ssrc: int, kind: int, timestamp: int, payloads: list[bytes]) -> list[bytes]:
        made = []
        for at, payload in enumerate(payloads):
            packet = aiortc_rtp.RtpPacket(
                kind, int(at == len(payloads) - 1), self.sequence[ssrc], timestamp & 0xFFFF_FFFF, ssrc, payload
            )
            self.sequence[ssrc] = self.sequence[ssrc] + 1 & 0xFFFF
            made.append(packet.serialize())
        return made

    def picture(self, number: int, *, key: bool = False) -> list[bytes]:
        units = [SPS, PPS, IDR + b"\x99" * 3_000] if key else [b"\x41\xe0" + b"\x88" * 2_500]
        payloads = H264Encoder._packetize(iter(units))
        return self.packets(VIDEO_SSRC, self.video_type, 0xFFFF_F000 + number * 3_000, payloads)

    def sound(self, number: int) -> list[bytes]:
        return self.packets(SOUND_SSRC, self.sound_type, number * 960, [b"\xfc" + bytes(40)])

    def send(self, *groups: list[bytes]) -> None:
        for packet in (each for group in groups for each in group):
            self.publisher.received_rtp(packet, self.now_s)

    def report(self, ssrc: int, timestamp: int, ntp_s: float) -> None:
        sender = aiortc_rtp.RtcpSenderInfo(round((3_900_000_000 + ntp_s) * (1 << 32)), timestamp & 0xFFFF_FFFF, 1, 1)
        self.publisher.received_rtcp(bytes(aiortc_rtp.RtcpSrPacket(ssrc, sender)), self.now_s)

    def reports(self) -> None:
        self.report(VIDEO_SSRC, 0xFFFF_F000, 0.0)
        self.report(SOUND_SSRC, 0, 0.0)

    def wait(self, seconds: float) -> None:
        """Let the publisher look at its timers at a later time."""
        self.now_s += seconds
        self.publisher._loop = cast(asyncio.AbstractEventLoop, Later(self.now_s))
        self.publisher._tick()


class Later:
    """A loop whose time is told; its timers never come by themselves."""

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s

    def time(self) -> float:
        return self._now_s

    def call_later(self, _delay_s: float, _callback: object) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(3_600, lambda: None)


@pytest.fixture
async def camera() -> Camera:
    return Camera()


async def test_pictures_and_sound_come_out_in_step(camera: Camera) -> None:
    camera.send(camera.picture(0, key=True), camera.sound(0))
    assert camera.kept.packets == [], "nobody knows yet how the tracks lie to each other"
    camera.reports()
    camera.send(camera.picture(1), camera.sound(1), camera.picture(2))
    assert {each.fourcc for each in camera.kept.configs} == {"avc1", "Opus"}
    video, sound = camera.kept.of(TrackKind.VIDEO), camera.kept.of(TrackKind.AUDIO)
    assert [each.is_keyframe for each in video] == [True, False, False]
    assert [each.pts - video[0].pts for each in video] == [0, 3_000, 6_000]
    assert [each.pts - video[0].pts for each in sound] == [0, 1_800]
    assert video[1].data[:6] == (2_502).to_bytes(4, "big") + b"\x41\xe0"


async def test_a_report_that_comes_before_the_first_whole_picture_counts(camera: Camera) -> None:
    first, *rest = camera.picture(0, key=True)
    camera.send([first], camera.sound(0))
    camera.reports()
    assert camera.kept.packets == []
    camera.send(rest)
    assert len(camera.kept.packets) == 2


async def test_reports_are_asked_for_at_once_and_not_waited_for_for_ever(camera: Camera) -> None:
    camera.send(camera.picture(0, key=True))
    asked = [each for each in camera.wire.take() if isinstance(each, aiortc_rtp.RtcpRtpfbPacket)]
    assert [(each.fmt, each.media_ssrc) for each in asked] == [(5, VIDEO_SSRC)]
    camera.wait(0.6)
    assert len(camera.kept.packets) == 1
    camera.send(*(camera.picture(number) for number in range(1, MAX_HELD)))
    assert len(camera.kept.packets) == MAX_HELD


async def test_a_lost_packet_is_asked_for_and_taken_from_its_retransmission(camera: Camera) -> None:
    camera.send(camera.picture(0, key=True), camera.sound(0))
    camera.reports()
    first, lost, *rest = camera.picture(1)
    camera.send([first], rest, camera.picture(2))
    camera.wire.take()
    camera.wait(0.05)
    (nack,) = [each for each in camera.wire.take() if isinstance(each, aiortc_rtp.RtcpRtpfbPacket) and each.fmt == 1]
    packet = aiortc_rtp.RtpPacket.parse(lost)
    assert [each & 0xFFFF for each in nack.lost] == [packet.sequence_number]
    assert len(camera.kept.of(TrackKind.VIDEO)) == 1
    assert camera.rtx_type is not None
    camera.send([aiortc_rtp.wrap_rtx(packet, camera.rtx_type, 7, 333).serialize()])
    assert len(camera.kept.of(TrackKind.VIDEO)) == 3
    assert camera.publisher.tracks[0].counts[1:] == (1, 1, 0)


async def test_after_a_loss_nothing_smeared_goes_out_and_a_keyframe_is_asked_for(camera: Camera) -> None:
    camera.send(camera.picture(0, key=True), camera.sound(0))
    camera.reports()
    camera.send(camera.picture(1)[1:], camera.picture(2), camera.sound(1))
    camera.wire.take()
    camera.wait(0.5)
    assert any(isinstance(each, aiortc_rtp.RtcpPsfbPacket) and each.fmt == 1 for each in camera.wire.take())
    camera.send(camera.picture(3), camera.picture(4, key=True), camera.picture(5))
    video = camera.kept.of(TrackKind.VIDEO)
    assert [each.pts - video[0].pts for each in video] == [0, 12_000, 15_000]
    assert len(camera.kept.of(TrackKind.AUDIO)) == 2


async def test_a_keyframe_is_asked_for_every_so_often(camera: Camera) -> None:
    def is_asked() -> bool:
        return any(isinstance(each, aiortc_rtp.RtcpPsfbPacket) for each in camera.wire.take())

    camera.send(camera.picture(0, key=True))
    camera.wire.take()
    camera.wait(1.9)
    assert not is_asked()
    camera.wait(0.2)
    assert is_asked()
    camera.wait(0.1)
    assert not is_asked()
    camera.send(camera.picture(1, key=True))
    camera.wait(1.9)
    assert not is_asked()


async def test_the_sender_learns_when_packets_came(camera: Camera) -> None:
    wide_id = camera.accepted[0].extensions[arrivals.URI]
    packet = bytearray(camera.sound(0)[0])
    packet[0] |= 0x10
    packet[12:12] = b"\xbe\xde\x00\x01" + bytes((wide_id << 4 | 1,)) + b"\x00\x07\x00"
    camera.send([bytes(packet)])
    camera.wire.take()
    camera.wait(0.05)
    assert [each[:2] for each in camera.wire.said if each[1] == 205 and each[0] & 0x1F == 15]


async def test_a_report_and_a_measurement_come_every_second(camera: Camera) -> None:
    camera.send(camera.picture(0, key=True), camera.sound(0))
    camera.wire.take()
    camera.wait(1.0)
    (report,) = [each for each in camera.wire.take() if isinstance(each, aiortc_rtp.RtcpRrPacket)]
    assert {each.ssrc for each in report.reports} == {VIDEO_SSRC, SOUND_SSRC}
    (health,) = camera.kept.measured
    assert (health.rtt_ms, health.received_packets, health.lost_packets) == (20.0, 5, 0)
    assert health.bitrate_bps > 20_000


async def test_who_sends_nothing_for_five_seconds_is_lost(camera: Camera) -> None:
    camera.send(camera.sound(0))
    camera.wait(4.9)
    assert camera.wire.closed == []
    camera.wait(0.2)
    assert camera.wire.closed == ["no media"]
    camera.publisher.closed("no media")
    assert camera.ended == ["no media"]


async def test_another_source_begins_with_its_own_numbers_and_keyframe(camera: Camera) -> None:
    camera.send(camera.picture(0, key=True), camera.sound(0))
    camera.reports()
    camera.sequence[333] = 5
    other = H264Encoder._packetize(iter([SPS, PPS, IDR + b"\x99" * 300]))
    camera.now_s += 0.033
    camera.send(camera.packets(333, camera.video_type, 77_000, [b"\x41\xe0" + bytes(50)]))
    camera.send(camera.packets(333, camera.video_type, 80_000, other))
    video = camera.kept.of(TrackKind.VIDEO)
    assert [each.is_keyframe for each in video] == [True, True]
    assert 0 < video[1].pts - video[0].pts < 9_000


async def test_bytes_that_are_no_media_are_counted(camera: Camera) -> None:
    camera.publisher.received_rtp(b"\x00" * 20, camera.now_s)
    camera.publisher.received_rtcp(b"\xff" * 20, camera.now_s)
    camera.send(camera.packets(SOUND_SSRC, 77, 0, [b"x"]))
    assert (camera.publisher.bad_packets, camera.kept.packets) == (1, [])
