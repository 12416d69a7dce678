"""The listener with real sockets: ffmpeg, OBS-like bytes, bad peers, TLS, and what publications see of them."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import imageio_ffmpeg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from media.codecs import access_unit_samples, rfc6381
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Description, Note, PublishAttempt, Refused, Unavailable, masked
from media.rtmp import amf, connection, server
from media.rtmp.chunks import ChunkWriter
from media.rtmp.client import PublishFailed, RtmpPublisher
from media.rtmp.messages import Message, MessageType
from media.rtmp.server import RtmpServer
from schemas.ingest import NetworkHealth

pytestmark = pytest.mark.services

VECTORS = Path(__file__).parents[2] / "vectors" / "rtmp"
FFMPEG: str = imageio_ffmpeg.get_ffmpeg_exe()
HANDSHAKE = b"\3" + bytes(2 * 1536)


class Recording:
    """A publication that remembers."""

    def __init__(self, attempt: PublishAttempt, on_cut: Callable[[str], None]) -> None:
        self.attempt = attempt
        self.cut = on_cut
        self.configs: list[CodecConfig] = []
        self.packets: list[Packet] = []
        self.descriptions: list[Description] = []
        self.notes: list[Note] = []
        self.is_lost: bool | None = None
        self.fails_after = 1 << 30
        self.has_packet = asyncio.Event()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def configure(self, config: CodecConfig) -> None:
        self.configs.append(config)

    def push(self, packet: Packet) -> None:
        if len(self.packets) >= self.fails_after:
            raise RuntimeError("a fault of ours")
        self.packets.append(packet)
        self.has_packet.set()

    def describe(self, description: Description) -> None:
        self.descriptions.append(description)

    def annotate(self, note: Note) -> None:
        self.notes.append(note)

    def measure(self, network: NetworkHealth) -> None:
        raise AssertionError(network)

    async def end(self, reason: str, *, is_lost: bool = True) -> None:
        self.is_lost = is_lost
        assert not self.ended.done()
        self.ended.set_result(reason)

    def count(self, kind: TrackKind) -> int:
        return sum(packet.kind is kind for packet in self.packets)


class Watched(Recording):
    """A publication that somebody watches with the lowest latency."""

    is_urgent = True


class Recordings:
    """Grants every key but "wrong" and "later"; "slow" waits for `go`."""

    def __init__(self) -> None:
        self.all: list[Recording] = []
        self.go = asyncio.Event()
        self.asked = asyncio.Event()

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None]) -> Recording:
        self.asked.set()
        if attempt.key.startswith("slow"):
            await self.go.wait()
        if attempt.key == "wrong":
            raise Refused("No such stream key. Copy it from your dashboard.")
        if attempt.key == "later":
            raise Unavailable
        if attempt.key == "broken":
            raise RuntimeError("a fault of ours")
        self.all.append((Watched if attempt.key == "watched" else Recording)(attempt, on_cut))
        return self.all[-1]


class Site:
    def __init__(self, publications: Recordings, listener: RtmpServer, port: int) -> None:
        self.publications = publications
        self.server = listener
        self.port = port

    def url(self, key: str = "KEY", app: str = "live") -> str:
        return f"rtmp://127.0.0.1:{self.port}/{app}/{key}"

    async def closed(self, reason: str) -> None:
        """Wait until a connection has been counted out for `reason`."""
        async with asyncio.timeout(10):
            while not self.server.closed[reason]:
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    publications = Recordings()
    listener = RtmpServer(publications)
    port = await listener.start("127.0.0.1", 0)
    yield Site(publications, listener, port)
    await listener.close()
    assert listener.connections == 0


async def ffmpeg(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        FFMPEG, "-nostdin", "-v", "error", *arguments, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(40):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, said.decode()


async def publish(url: str, *codecs: str, duration_s: float = 1.0) -> tuple[int, str]:
    return await ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=128x72:r=25", "-f", "lavfi", "-i", "sine=r=48000", "-t", str(duration_s),
        *codecs, "-f", "flv", "-flvflags", "no_duration_filesize", url,
    )  # fmt: skip


X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "25")


@pytest.mark.parametrize(
    ("codecs", "names"),
    [
        ((*X264, "-c:a", "aac"), {"avc1.64000a", "mp4a.40.2"}),
        (
            ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=error", "-c:a", "aac"),
            {"hvc1.1.6.L30.90", "mp4a.40.2"},
        ),
        (("-c:v", "libsvtav1", "-c:a", "libopus"), {"av01.0.00M.08", "opus"}),
        ((*X264, "-c:a", "eac3"), {"avc1.64000a", "ec-3"}),
        ((*X264, "-c:a", "libmp3lame"), {"avc1.64000a", "mp4a.40.34"}),
        ((*X264, "-c:a", "ac3"), {"avc1.64000a", "ac-3"}),
        ((*X264, "-c:a", "flac"), {"avc1.64000a", "fLaC"}),
        (
            ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "aac"),
            {"vp09.00.10.08", "mp4a.40.2"},
        ),
        ((*X264, "-an"), {"avc1.64000a"}),
        (("-vn", "-c:a", "aac"), {"mp4a.40.2"}),
    ],
    ids=[
        "h264-aac",
        "hevc-aac",
        "av1-opus",
        "h264-eac3",
        "h264-mp3",
        "h264-ac3",
        "h264-flac",
        "vp9-aac",
        "video-only",
        "audio-only",
    ],
)
async def test_ffmpeg_publishes(site: Site, codecs: tuple[str, ...], names: set[str]) -> None:
    status, said = await publish(site.url("KEY?takeover=1&priority=-5&bandwidthtest=true"), *codecs)
    (publication,) = site.publications.all
    assert await publication.ended == "publisher sent FCUnpublish"
    assert publication.is_lost is False
    assert status == 0, said
    assert {rfc6381(config) for config in publication.configs} == names
    if "-vn" not in codecs:
        assert publication.count(TrackKind.VIDEO) == 25
    if "-an" not in codecs:
        assert publication.count(TrackKind.AUDIO) > 25
    assert publication.attempt.key == "KEY"
    assert publication.attempt.params == {"takeover": "1", "priority": "-5", "bandwidthtest": "true"}
    assert publication.attempt.protocol == "rtmp"
    assert publication.attempt.remote_address == "127.0.0.1"
    assert "Lavf" in publication.attempt.encoder


@pytest.mark.parametrize(
    ("codec", "rate", "layout", "samples"),
    [
        ("aac", 44_100, "mono", 1024),
        ("aac", 48_000, "5.1", 1024),
        ("libopus", 48_000, "mono", 960),
        ("libopus", 48_000, "5.1", 960),
        ("libmp3lame", 44_100, "mono", 1152),
        ("libmp3lame", 22_050, "stereo", 576),
        ("ac3", 44_100, "5.1", 1536),
        ("eac3", 48_000, "mono", 1536),
        ("flac", 44_100, "5.1", 1024),
    ],
)
async def test_ffmpeg_publishes_sound_of_every_kind(
    site: Site, codec: str, rate: int, layout: str, samples: int
) -> None:
    status, said = await ffmpeg(
        "-f", "lavfi", "-i", f"sine=r={rate}", "-t", "1", "-af", f"aformat=channel_layouts={layout}", "-ar", str(rate),
        "-c:a", codec, "-f", "flv", "-flvflags", "no_duration_filesize", site.url(),
    )  # fmt: skip
    assert status == 0, said
    (publication,) = site.publications.all
    await publication.ended
    (config,) = set(publication.configs)  # ffmpeg sends FLAC's again at the end
    assert (config.sample_rate, config.channels) == (rate, {"mono": 1, "stereo": 2, "5.1": 6}[layout])
    lengths = [access_unit_samples(config, packet.data) for packet in publication.packets]
    assert set(lengths[:-1]) == {samples}
    assert abs(sum(lengths) - rate) < 3 * samples


async def test_ffmpeg_says_what_it_sends(site: Site) -> None:
    await publish(site.url(), *X264, "-b:v", "300k", "-an", duration_s=0.2)
    (publication,) = site.publications.all
    await publication.ended
    (description,) = publication.descriptions
    assert (description.frame_rate, round(description.video_bitrate_bps, -3)) == (25, 293_000)
    assert description.encoder.startswith("Lavf")


async def test_data_of_a_stream_arrives_with_its_times(site: Site) -> None:
    async with await RtmpPublisher.connect(site.url()) as publisher:
        await publisher.send_metadata({"framerate": 60.0, "videodatarate": 6000.0, "encoder": "a test"})
        await publisher.annotate(1_500, "onTextData", {"text": "Hello.", "language": "en"})
        await publisher.annotate(2**32 + 7, "onCuePoint", {"name": "ad", "parameters": {"id": 3.0}})
        await publisher.annotate(0, "onStatus", {"code": "x"})
    (publication,) = site.publications.all
    await publication.ended
    assert publication.descriptions == [Description(frame_rate=60, video_bitrate_bps=6_000_000, encoder="a test")]
    assert publication.notes == [
        Note(1_500, "onTextData", {"text": "Hello.", "language": "en"}),
        Note(7, "onCuePoint", {"name": "ad", "parameters.id": "3"}),
    ]


async def test_broken_data_does_not_end_a_stream(site: Site) -> None:
    publisher = await RtmpPublisher.connect(site.url())
    (publication,) = site.publications.all
    core = publisher._core
    core._send(4, MessageType.DATA, 0, b"\x02\xff\xffx")
    await publisher.annotate(0, "onTextData", {"text": "still here"})
    await publisher.close()
    assert await publication.ended == "publisher sent FCUnpublish"
    assert [note.fields for note in publication.notes] == [{"text": "still here"}]


async def test_ffmpeg_with_a_deep_path_names_the_last_part(site: Site) -> None:
    await publish(site.url("c?auth=1", app="a/b"), *X264, "-an", duration_s=0.2)
    assert (site.publications.all[0].attempt.key, site.publications.all[0].attempt.params) == ("c", {"auth": "1"})


async def test_a_wrong_key_makes_ffmpeg_print_our_sentence_and_stop(site: Site) -> None:
    status, said = await publish(site.url("wrong"), *X264)
    assert status != 0
    assert "No such stream key. Copy it from your dashboard." in said
    await site.closed("refused")


async def test_an_unavailable_platform_is_a_close_without_a_word(site: Site) -> None:
    status, said = await publish(site.url("later"), *X264)
    assert status != 0
    assert "Server error" not in said
    await site.closed("unavailable")


async def test_a_fault_of_ours_is_a_close_without_a_word(site: Site) -> None:
    with pytest.raises(PublishFailed, match="closed the connection"):
        await RtmpPublisher.connect(site.url("broken"))
    await site.closed("internal_error")


async def test_a_cut_stops_ffmpeg_within_two_seconds_with_our_sentence(site: Site) -> None:
    running = asyncio.create_task(
        ffmpeg("-re", "-f", "lavfi", "-i", "testsrc2=s=128x72:r=25", *X264, "-t", "30", "-f", "flv", site.url())
    )
    async with asyncio.timeout(20):
        while not site.publications.all:
            await asyncio.sleep(0.01)
        (publication,) = site.publications.all
        await publication.has_packet.wait()
    began = asyncio.get_running_loop().time()
    publication.cut("The stream key was rotated.")
    assert publication.ended.done() or await publication.ended
    status, said = await running
    assert asyncio.get_running_loop().time() - began < 2.0
    assert status != 0
    assert "The stream key was rotated." in said
    assert publication.ended.result() == "The stream key was rotated."
    await site.closed("cut")


async def test_unsupported_audio_is_refused_by_its_name(site: Site) -> None:
    status, said = await ffmpeg(
        "-re", "-f", "lavfi", "-i", "testsrc2=s=128x72:r=25", "-f", "lavfi", "-i", "sine=r=44100", *X264,
        "-c:a", "adpcm_swf", "-t", "20", "-f", "flv", site.url(),
    )  # fmt: skip
    assert status != 0
    assert "ADPCM" in said
    (publication,) = site.publications.all
    assert "ADPCM" in await publication.ended
    await site.closed("unsupported_codec")


# Bad peers


async def test_garbage_is_closed_and_counted(site: Site) -> None:
    async with site.raw() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b""
    await site.closed("not_rtmp")


async def test_a_silent_peer_is_closed_after_the_handshake_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection._WAIT_S, connection.State.HANDSHAKE, (0.1, "handshake_timeout"))
    async with site.raw() as (reader, _):
        assert await reader.read() == b""
    await site.closed("handshake_timeout")


async def test_a_reset_while_publishing_loses_the_publisher(site: Site) -> None:
    publisher = await RtmpPublisher.connect(site.url())
    (publication,) = site.publications.all
    publisher.abort()
    assert await publication.ended
    assert publication.is_lost is True
    with pytest.raises(PublishFailed, match="cut on our side"):
        await publisher.annotate(0, "onTextData", {})
    await publisher.close()


async def test_a_publisher_that_falls_silent_is_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection._WAIT_S, connection.State.PUBLISHING, (0.1, "silent"))
    publisher = await RtmpPublisher.connect(site.url())
    (publication,) = site.publications.all
    assert await publication.ended == "silent: waited 0.1 s"
    assert publication.is_lost is True
    await publisher.close()


@pytest.mark.parametrize("goodbye", ["FCUnpublish", "deleteStream", "closeStream"])
async def test_every_goodbye_says_that_the_publisher_is_not_lost(site: Site, goodbye: str) -> None:
    async with site.raw() as (_, writer):
        writer.write(HANDSHAKE + hello("KEY"))
        async with asyncio.timeout(5):
            while not site.publications.all:
                await asyncio.sleep(0.01)
            (publication,) = site.publications.all
            values: list[amf.AmfValue] = [goodbye, 4, None, 1.0]
            writer.write(ChunkWriter().write(3, Message(MessageType.COMMAND, 0, 0, amf.encode(*values))))
            assert await publication.ended == f"publisher sent {goodbye}"
    assert publication.is_lost is False


async def test_a_plain_close_loses_the_publisher(site: Site) -> None:
    async with site.raw() as (_, writer):
        writer.write(HANDSHAKE + hello("KEY"))
        async with asyncio.timeout(5):
            while not site.publications.all:
                await asyncio.sleep(0.01)
            (publication,) = site.publications.all
            writer.write_eof()
            assert await publication.ended == "publisher closed the connection"
    assert publication.is_lost is True


async def test_a_server_that_closes_loses_its_publishers_who_may_return(site: Site) -> None:
    async with site.raw() as (_, writer):
        writer.write(HANDSHAKE + hello("KEY"))
        async with asyncio.timeout(5):
            while not site.publications.all:
                await asyncio.sleep(0.01)
            (publication,) = site.publications.all
            await site.server.close()
            await publication.ended
    assert publication.is_lost is True


async def test_a_peer_that_leaves_before_the_grant_gives_it_back(site: Site) -> None:
    async with site.raw() as (_, writer):
        writer.write(HANDSHAKE + hello("slow"))
        await site.publications.asked.wait()
    async with asyncio.timeout(5):
        while site.server.connections:
            await asyncio.sleep(0.01)
    site.publications.go.set()
    async with asyncio.timeout(5):
        while not site.publications.all:
            await asyncio.sleep(0.01)
        (publication,) = site.publications.all
        assert await publication.ended


def hello(key: str) -> bytes:
    """Connect and publish, as bytes."""
    writer = ChunkWriter()
    commands: list[list[amf.AmfValue]] = [["connect", 1, {"app": "live"}], ["publish", 3, None, key, "live"]]
    return b"".join(writer.write(3, Message(MessageType.COMMAND, 0, 0, amf.encode(*values))) for values in commands)


async def test_media_sent_ahead_of_the_grant_arrives_after_it(site: Site) -> None:
    capture = (VECTORS / "ffmpeg-9.0.2-h264-aac.bin").read_bytes()
    slow = capture.replace(b"test-key", b"slow-key")
    async with site.raw() as (_, writer):
        writer.write(slow)
        await site.publications.asked.wait()
        site.publications.go.set()
        async with asyncio.timeout(5):
            while not site.publications.all:
                await asyncio.sleep(0.01)
        (publication,) = site.publications.all
        assert await publication.ended == "publisher sent FCUnpublish"
    assert (publication.count(TrackKind.VIDEO), publication.count(TrackKind.AUDIO)) == (12, 58)


async def test_a_cut_while_asking_is_obeyed(site: Site) -> None:
    cuts: list[Callable[[str], None]] = []

    async def open_and_cut(attempt: PublishAttempt, on_cut: Callable[[str], None]) -> Recording:
        cuts.append(on_cut)
        on_cut("Gone already.")
        recording = Recording(attempt, on_cut)
        site.publications.all.append(recording)
        return recording

    site.publications.open = open_and_cut  # type: ignore[method-assign]  # this test's platform cuts in the same breath
    with pytest.raises(PublishFailed, match="Gone already"):
        await RtmpPublisher.connect(site.url())
    assert await site.publications.all[0].ended == "Gone already."
    assert len(cuts) == 1


async def test_a_peer_that_does_not_read_is_closed_within_a_second_of_a_cut(site: Site) -> None:
    async with site.raw() as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a StreamWriter's transport reads too
        writer.write(HANDSHAKE + hello("KEY"))
        async with asyncio.timeout(5):
            while not site.publications.all:
                await asyncio.sleep(0.01)
        began = asyncio.get_running_loop().time()
        site.publications.all[0].cut("Enough.")
        await site.closed("cut")
        assert asyncio.get_running_loop().time() - began < server.CLOSE_S + 0.5


async def test_a_flood_of_pings_that_nobody_reads_stops_our_reading(site: Site) -> None:
    ping = ChunkWriter().write(2, Message(MessageType.USER_CONTROL, 0, 0, bytes.fromhex("0006 00000000")))
    async with site.raw() as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a StreamWriter's transport reads too
        writer.write(HANDSHAKE + hello("KEY"))
        flood = asyncio.create_task(write_forever(writer, ping * 4000))
        async with asyncio.timeout(20):
            while not any(peer._is_unread for peer in site.server._connections):
                await asyncio.sleep(0.01)
        (peer,) = site.server._connections
        assert peer._transport is not None
        assert not peer._transport.is_reading()
        flood.cancel()
        await asyncio.wait([flood])


async def write_forever(writer: asyncio.StreamWriter, data: bytes) -> None:
    while True:
        writer.write(data)
        await writer.drain()


async def test_one_address_cannot_take_all_places(site: Site) -> None:
    async with asyncio.timeout(20):
        pairs = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(server.MAX_IDLE_PER_ADDRESS)]
        while site.server.connections < server.MAX_IDLE_PER_ADDRESS:
            await asyncio.sleep(0.01)
        async with site.raw() as (reader, _):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        await site.closed("too_many_idle")
        for _, writer in pairs:
            writer.transport.abort()


async def test_publishers_do_not_count_as_idle(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_IDLE_PER_ADDRESS", 1)
    publishers = [await RtmpPublisher.connect(site.url(f"K{n}")) for n in range(3)]
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 3)
    with pytest.raises(PublishFailed):
        await RtmpPublisher.connect(site.url("K4"))
    assert site.server.closed["too_many_connections"] == 1
    for publisher in publishers:
        await publisher.close()


async def test_bad_peers_leave_other_streams_alone(site: Site) -> None:
    running = asyncio.create_task(publish(site.url(), *X264, "-c:a", "aac", duration_s=2.0))
    for junk in (b"\x16\3\1", HANDSHAKE + b"\xff" * 400, b"\3" * 4000, HANDSHAKE + hello("wrong")) * 4:
        async with site.raw() as (_, writer):
            writer.write(junk)
            await writer.drain()
    status, said = await running
    assert status == 0, said
    (publication,) = site.publications.all
    async with asyncio.timeout(5):
        await publication.ended  # its last packets may still have been on their way when ffmpeg left
    assert publication.count(TrackKind.VIDEO) == 50


async def test_a_fault_in_one_session_leaves_the_others_awake(site: Site) -> None:
    config = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x11\x90", sample_rate=48_000, channels=2)
    publishers = [await RtmpPublisher.connect(site.url(key)) for key in ("K1", "K2")]
    broken, healthy = site.publications.all
    broken.fails_after = 3
    for publisher in publishers:
        await publisher.send_config(config)
    with contextlib.suppress(PublishFailed):
        for number in range(100):  # both rest for the same ticks; the broken one comes first
            for publisher in publishers:
                await publisher.send_packet(Packet(TrackKind.AUDIO, number * 21, number * 21, True, b"sound"))
            await asyncio.sleep(0.01)
    for number in range(20):
        await publishers[1].send_packet(Packet(TrackKind.AUDIO, 3000 + number * 21, 3000, True, b"sound"))
    async with asyncio.timeout(5):
        assert await broken.ended == "a fault of the server"
        while not healthy.packets or healthy.packets[-1].dts < 3000 + 19 * 21:
            await asyncio.sleep(0.01)
    assert site.server.closed["internal_error"] == 1
    for publisher in publishers:
        await publisher.close()


async def test_closing_the_server_ends_publications_and_connections() -> None:
    publications = Recordings()
    listener = RtmpServer(publications)
    port = await listener.start("127.0.0.1", 0)
    publisher = await RtmpPublisher.connect(f"rtmp://127.0.0.1:{port}/live/KEY")
    await listener.close()
    assert publications.all[0].ended.result() == "server is shutting down"
    assert listener.connections == 0
    assert listener.closed == {"shutdown": 1}
    await publisher.close()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_taken_port_is_said(site: Site) -> None:
    with pytest.raises(OSError, match="in use"):
        await site.server.start("127.0.0.1", site.port)


async def test_one_connection_may_publish_twice(site: Site) -> None:
    writer = ChunkWriter()

    def command(*values: amf.AmfValue) -> bytes:
        return writer.write(3, Message(MessageType.COMMAND, 0, 0, amf.encode(*values)))

    async with site.raw() as (_, out):
        out.write(HANDSHAKE + command("connect", 1, {"app": "live"}) + command("publish", 3, None, "ONE"))
        out.write(command("FCUnpublish", 4, None, "ONE") + command("publish", 5, None, "TWO"))
        async with asyncio.timeout(5):
            while len(site.publications.all) < 2:
                await asyncio.sleep(0.01)
        assert await site.publications.all[0].ended == "publisher sent FCUnpublish"
        assert not site.publications.all[1].ended.done()
    assert [p.attempt.key for p in site.publications.all] == ["ONE", "TWO"]


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    chain, private = folder / "cert.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private


async def secure_port(site: Site, certificate: tuple[Path, Path]) -> int:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return await site.server.start("127.0.0.1", 0, protocol="rtmps", ssl=context)


async def test_ffmpeg_publishes_over_tls(site: Site, certificate: tuple[Path, Path]) -> None:
    port = await secure_port(site, certificate)
    trust = ("-ca_file", str(certificate[0]))  # FFmpeg 9 verifies unless told otherwise
    status, said = await publish(f"rtmps://127.0.0.1:{port}/live/KEY", *X264, "-c:a", "aac", *trust)
    assert status == 0, said
    (publication,) = site.publications.all
    assert await publication.ended
    assert publication.count(TrackKind.VIDEO) == 25
    assert publication.attempt.protocol == "rtmps"


async def test_our_client_publishes_over_tls_and_hears_refusals(site: Site, certificate: tuple[Path, Path]) -> None:
    port = await secure_port(site, certificate)
    trusted = ssl.create_default_context(cafile=certificate[0])
    async with await RtmpPublisher.connect(f"rtmps://127.0.0.1:{port}/live/KEY", tls=trusted):
        pass
    assert await site.publications.all[0].ended == "publisher sent FCUnpublish"
    with pytest.raises(PublishFailed, match="No such stream key"):
        await RtmpPublisher.connect(f"rtmps://127.0.0.1:{port}/live/wrong", tls=trusted)
    with pytest.raises(PublishFailed, match="certificate"):
        await RtmpPublisher.connect(f"rtmps://127.0.0.1:{port}/live/KEY")


async def test_plain_rtmp_on_the_tls_port_is_dropped(site: Site, certificate: tuple[Path, Path]) -> None:
    port = await secure_port(site, certificate)
    with pytest.raises(PublishFailed):
        await RtmpPublisher.connect(f"rtmp://127.0.0.1:{port}/live/KEY")
    assert site.publications.all == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [("192.0.2.77", "192.0.2.x"), ("2001:db8:1:2:3::4", "2001:0db8:0001::x"), ("", "?"), ("nonsense", "?")],
)
def test_addresses_are_masked_for_logs(address: str, shown: str) -> None:
    assert masked(address) == shown


PYAV_PUBLISHER = """
import sys
from fractions import Fraction
import av
with av.open(sys.argv[1], "w", format="flv") as out:
    stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency"})
    stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p"
    for index in range(25):
        frame = av.VideoFrame(128, 72, "yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, 25)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
"""
"""FFmpeg 8's libraries as a publisher. In a process of its own: PyAV opens output URLs without letting the GIL go."""


async def test_pyav_publishes(site: Site) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PYAV_PUBLISHER, site.url())
    try:
        async with asyncio.timeout(40):
            assert await process.wait() == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    (publication,) = site.publications.all
    assert await publication.ended == "publisher sent FCUnpublish"
    assert publication.count(TrackKind.VIDEO) == 25
    assert publication.packets[0].is_keyframe


async def test_a_publisher_who_is_watched_with_the_lowest_latency_is_read_without_rests(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "READ_TICK_S", 600.0)
    async with await RtmpPublisher.connect(site.url("watched")) as publisher:
        (publication,) = site.publications.all
        assert isinstance(publication, Watched)
        await publisher.send_config(CodecConfig(TrackKind.AUDIO, "mp4a", b"\x11\x90", sample_rate=48_000, channels=2))
        for number in range(5):
            publication.is_urgent = number < 4
            await _arrives(publisher, publication, number)
        with pytest.raises(TimeoutError):  # nobody watches any more: the last read was followed by a rest
            await _arrives(publisher, publication, 5, within_s=0.5)


async def _arrives(publisher: RtmpPublisher, publication: Recording, number: int, within_s: float = 20.0) -> None:
    publication.has_packet.clear()
    await publisher.send_packet(Packet(TrackKind.AUDIO, number * 21, number * 21, True, b"aac"))
    async with asyncio.timeout(within_s):
        await publication.has_packet.wait()
