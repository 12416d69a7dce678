"""Claims of media.webrtc.watch behind a feed of the real origin; a peer is what remembers what it was given."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count, pairwise

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    unwrap_rtx,
)

from media.codecs.opus import packet_samples
from media.feeds import Feeds
from media.links.server import Links
from media.origin import make_runner
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import PublishAttempt, Unavailable
from media.publisher import Publisher
from media.webrtc.answers import AcceptedMedia
from media.webrtc.peer import Peer
from media.webrtc.watch import session as session_module
from media.webrtc.watch.admission import Asked, NotNow
from media.webrtc.watch.viewer import SILENCE, Viewer
from media.webrtc.watch.watching import Watching
from schemas.ids import ChannelId, SessionId
from tests.media.transcode.clips import sound, video
from tests.media.webrtc.watch.offers import offer

pytestmark = pytest.mark.services

CHANNEL, SESSION = ChannelId("channel"), SessionId("session")
WAIT_S = 30
PICTURES = video(frames=60, gop=30, options={"bf": "0"})
REORDERED = video(frames=60, gop=30, options={"bf": "2"})
OPUS, AAC = sound("libopus"), sound("aac")


class RememberingPeer(Peer):
    """Takes what is sent instead of encrypting it."""

    def __init__(self, viewer: Viewer) -> None:
        self.user = viewer
        self.accepted: list[AcceptedMedia] = viewer.accept(offer())
        self.packets: list[RtpPacket] = []
        self.reports: list[bytes] = []
        self.ended = ""
        viewer.connected(self)

    def send_rtp(self, packet: bytes) -> None:
        self.packets.append(RtpPacket.parse(packet, HeaderExtensionsMap()))

    def send_rtcp(self, packet: bytes) -> None:
        self.reports.append(packet)

    def close(self, reason: str) -> None:
        self.ended = reason
        self.user.closed(reason)

    def of(self, kind: str) -> list[RtpPacket]:
        """Return what was sent of pictures or sound."""
        [ssrc] = [each.ssrc for each in self.accepted if each.offered.kind == kind]
        return [packet for packet in self.packets if packet.ssrc == ssrc]


class NoPublishers:
    """Nobody publishes in these tests."""

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str = "") -> Publisher:
        raise Unavailable


class House:
    """A session with its feeds, and the viewers' side."""

    def __init__(self, url: str, feeds: Feeds, links: Links, watching: Watching) -> None:
        self.url, self.feeds, self.links, self.watching = url, feeds, links, watching
        self._pictures, self._sounds = count(), count()

    def asked(self, *, is_public: bool = True, session: SessionId = SESSION) -> Asked:
        return Asked(CHANNEL, session, self.url, "somebody", is_public)

    async def join(self, *, is_public: bool = True) -> RememberingPeer:
        return RememberingPeer(await self.watching.admit(self.asked(is_public=is_public)))

    async def asks_for(self, track: str) -> None:
        """Wait until the feed brings this track."""
        await until(lambda: any(track in each.tracks for each in self.feeds._subscribers))

    def show(self, frames: int, track: str = "video") -> None:
        """Give out the next frames of the clip, again and again."""
        for number in (next(self._pictures) for _ in range(frames)):
            source = PICTURES.packets[number % len(PICTURES.packets)]
            self.feeds.push(
                track, Packet(TrackKind.VIDEO, number * 3000, number * 3000, source.is_keyframe, source.data)
            )

    def play(self, packets: list[Packet], step: int) -> None:
        """Give out sound, one packet each `step` samples."""
        for packet in packets:
            at = next(self._sounds) * step
            self.feeds.push("sound", msgspec.structs.replace(packet, dts=at, pts=at))


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(session_module, "LINGER_S", 0.2)
    monkeypatch.setattr("media.webrtc.watch.viewer.SILENT_S", 0.0)
    feeds = Feeds(SESSION, CHANNEL, "demo", "public")
    links = Links(NoPublishers(), lambda session_id: feeds if session_id == SESSION else None)
    runner = make_runner({}, links=links.routes())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    async with aiohttp.ClientSession() as http:
        watching = Watching(http, 2)
        yield House(f"http://{host}:{port}", feeds, links, watching)
        await watching.close()
    await links.close()
    await runner.cleanup()


async def test_a_viewer_begins_with_the_running_gop_and_is_live_then(house: House) -> None:
    house.feeds.configure("video", PICTURES.config)
    house.show(45)  # the second GOP is half over
    peer = await house.join()
    await until(lambda: len({packet.timestamp for packet in peer.of("video")}) == 15)
    house.show(15)
    await until(lambda: len({packet.timestamp for packet in peer.of("video")}) == 30)
    packets = peer.of("video")
    assert packets[0].payload[0] & 0x1F == 24  # parameter sets
    assert [(after.sequence_number - packets[0].sequence_number) & 0xFFFF for after in packets] == list(
        range(len(packets))
    )
    assert (packets[-1].timestamp - packets[0].timestamp) & 0xFFFFFFFF == 29 * 3000
    await until(lambda: peer.reports)


async def test_all_viewers_share_one_feed_which_closes_behind_the_last(house: House) -> None:
    house.feeds.configure("video", PICTURES.config)
    house.show(10)
    first, second = await house.join(), await house.join()
    assert house.watching.viewers() == {CHANNEL: ["somebody", "somebody"]}
    assert house.links.reading == 1
    with pytest.raises(NotNow, match="All 2 places"):
        await house.join()
    first.close("gone")
    second.close("gone")
    assert house.watching.viewers() == {}
    await until(lambda: house.links.reading == 0)
    again = await house.join()
    await until(lambda: again.of("video"))


async def test_what_a_viewer_lost_is_sent_to_it_alone(house: House) -> None:
    house.feeds.configure("video", PICTURES.config)
    house.show(10)
    first, second = await house.join(), await house.join()
    await until(lambda: len({packet.timestamp for packet in first.of("video")}) == 10)
    lost = first.of("video")[3]
    said = RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=lost.ssrc, lost=[lost.sequence_number])
    before = len(second.packets)
    first.user.received_rtcp(bytes(said), 0.0)
    again = unwrap_rtx(first.packets[-1], lost.payload_type, lost.ssrc)
    assert (again.sequence_number, again.payload) == (lost.sequence_number, lost.payload)
    assert len(second.packets) == before


async def test_round_trips_and_losses_are_read_from_reports(house: House) -> None:
    house.feeds.configure("video", PICTURES.config)
    peer = await house.join()
    await house.asks_for("video")
    house.show(2)
    await until(lambda: peer.reports)
    [report, _] = RtcpPacket.parse(peer.reports[0])
    assert isinstance(report, RtcpSrPacket)
    name = report.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
    info = RtcpReceiverInfo(report.ssrc, 26, 1, 1, 0, name, 65_536)  # named, and held for a second
    loop = asyncio.get_running_loop()
    peer.user.received_rtcp(bytes(RtcpRrPacket(ssrc=1, reports=[info])), loop.time() + 1.25)
    assert peer.user.loss == pytest.approx(0.1, abs=0.01)
    assert 0.25 <= peer.user.rtt_s < 20


async def test_opus_passes_and_begins_with_silence(house: House) -> None:
    house.feeds.configure("sound", OPUS.config)
    peer = await house.join()
    await house.asks_for("sound")
    house.play(list(OPUS.packets[:20]), 960)
    await until(lambda: len(peer.of("audio")) == 20)
    assert [packet.payload for packet in peer.of("audio")] == [SILENCE, *(each.data for each in OPUS.packets[1:20])]


async def test_other_sound_is_made_opus_once(house: House) -> None:
    house.feeds.configure("sound", AAC.config)
    first, second = await house.join(), await house.join()
    await house.asks_for("sound")
    house.play(list(AAC.packets), 1024)
    await until(lambda: len(first.of("audio")) > 50 and len(second.of("audio")) > 50)
    heard = first.of("audio")[:50]
    assert {packet_samples(packet.payload) for packet in heard} == {960}
    steps = {(after.timestamp - before.timestamp) & 0xFFFFFFFF for before, after in pairwise(heard)}
    assert steps == {960}
    assert [packet.payload for packet in second.of("audio")[1:20]] == [packet.payload for packet in heard[1:20]]


async def test_a_rung_takes_the_place_of_a_source_that_turns_out_to_be_reordered(house: House) -> None:
    house.feeds.configure("video", REORDERED.config)
    for packet in REORDERED.packets[:2]:
        house.feeds.push("video", packet)
    peer = await house.join()
    await until(lambda: peer.of("video"))
    house.feeds.configure("480p", PICTURES.config)
    for packet in REORDERED.packets[2:8]:
        house.feeds.push("video", packet)
    await house.asks_for("480p")
    before = len(peer.packets)
    house.show(60, "480p")
    await until(lambda: len(peer.packets) > before + 10)


async def test_what_nothing_fits_of_is_coded_again(house: House) -> None:
    house.feeds.configure("video", REORDERED.config)
    for packet in REORDERED.packets[:40]:
        house.feeds.push("video", packet)
    peer = await house.join()
    await until(lambda: house.links.reading == 1)
    offset = 0
    async with asyncio.timeout(WAIT_S):
        while len({packet.timestamp for packet in peer.of("video")}) < 10:
            offset += 60 * 3000
            for packet in REORDERED.packets:
                house.feeds.push(
                    "video", msgspec.structs.replace(packet, dts=packet.dts + offset, pts=packet.pts + offset)
                )
            await asyncio.sleep(0.2)


async def test_viewers_of_what_is_not_public_any_more_go_unless_they_may_stay(house: House) -> None:
    house.feeds.configure("video", PICTURES.config)
    house.show(10)
    everybody, signed = await house.join(), await house.join(is_public=False)
    house.feeds.show_to("private")
    await until(lambda: everybody.ended)
    assert "public" in everybody.ended
    house.show(5)
    before = len(signed.packets)
    await until(lambda: len(signed.packets) > before or not signed.ended)
    assert not signed.ended


async def test_the_end_of_the_session_is_the_end_of_its_viewers(house: House) -> None:
    house.feeds.configure("video", PICTURES.config)
    house.show(10)
    peer = await house.join()
    await until(lambda: peer.of("video"))
    house.feeds.end("publisher left")
    await until(lambda: peer.ended)
    assert peer.ended == "publisher left"
    assert peer.reports[-1][-8] == 0x81  # RTCP's goodbye
    await until(lambda: house.watching.held == 0)


async def test_a_session_that_is_not_there_is_refused_with_a_sentence(house: House) -> None:
    with pytest.raises(NotNow, match="over"):
        await house.watching.admit(house.asked(session=SessionId("another")))
    assert house.watching.held == 0


async def test_a_session_that_has_nothing_for_browsers_is_refused_in_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "READY_S", 0.1)
    house.feeds.configure("video", CodecConfig(TrackKind.VIDEO, "vvc1", b"", width=640, height=360))
    with pytest.raises(NotNow, match="HLS"):
        await house.join()


async def test_a_place_that_is_never_used_is_given_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.webrtc.watch.viewer.HELD_S", 0.1)
    house.feeds.configure("video", PICTURES.config)
    await house.watching.admit(house.asked())
    assert house.watching.held == 1
    assert house.watching.viewers() == {}
    await until(lambda: house.watching.held == 0)


async def test_viewers_outlive_a_feed_that_breaks_off(house: House) -> None:
    house.feeds.configure("video", PICTURES.config)
    house.show(10)
    peer = await house.join()
    await until(lambda: peer.of("video"))
    tasks = list(house.links._tasks)
    for task in tasks:
        task.cancel()
    await until(lambda: house.links.reading == 0)
    await until(lambda: house.links.reading == 1)
    before = len(peer.packets)
    house.show(60)
    await until(lambda: len(peer.packets) > before + 30)
    assert not peer.ended
