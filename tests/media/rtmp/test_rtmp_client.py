"""Our own publisher against our own server, and against peers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from media.codecs import audio_config, video_config
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Description, Note, PublishAttempt
from media.rtmp import client
from media.rtmp.client import PublishFailed, RtmpPublisher
from media.rtmp.server import RtmpServer
from schemas.ingest import NetworkHealth

pytestmark = pytest.mark.services

AVC = bytes.fromhex("0164000dffe1001a6764000dacd941519e226c0440000003004000000f03c50a658001000668ebe3cb22c0fdf8f800")


class Recording:
    """The one publication of these tests, and the platform that grants it."""

    def __init__(self) -> None:
        self.media: list[CodecConfig | Packet] = []
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.cut: Callable[[str], None] = print

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None]) -> "Recording":
        self.cut = on_cut
        return self

    def configure(self, config: CodecConfig) -> None:
        self.media.append(config)

    def push(self, packet: Packet) -> None:
        self.media.append(packet)

    def describe(self, description: Description) -> None:
        assert description.frame_rate >= 0

    def annotate(self, note: Note) -> None:
        assert note.name

    def measure(self, network: NetworkHealth) -> None:
        raise AssertionError(network)

    async def end(self, reason: str, *, is_lost: bool = True) -> None:
        self.ended.set_result(reason)


@pytest.fixture
async def site() -> AsyncIterator[tuple[Recording, str]]:
    recording = Recording()
    server = RtmpServer(recording)
    port = await server.start("127.0.0.1", 0)
    yield recording, f"rtmp://127.0.0.1:{port}/live/KEY"
    await server.close()


async def test_configs_and_packets_arrive_as_they_were_sent(site: tuple[Recording, str]) -> None:
    recording, url = site
    video, audio = video_config("avc1", AVC), audio_config("mp4a", b"\x11\x90")
    packets = [
        Packet(TrackKind.VIDEO, 0, 66, True, bytes(90_000)),
        Packet(TrackKind.AUDIO, 5, 5, True, b"sound"),
        Packet(TrackKind.VIDEO, 33, 33, False, b"\0\0\0\1\x41"),
        Packet(TrackKind.VIDEO, 0x1000021, 0x1000021, True, bytes(100_000)),
    ]
    async with await RtmpPublisher.connect(url) as publisher:
        await publisher.send_metadata({"width": 322.0})
        await publisher.send_config(video)
        await publisher.send_config(audio)
        for packet in packets:
            await publisher.send_packet(packet)
    assert await recording.ended == "publisher sent FCUnpublish"
    assert recording.media == [video, audio, *packets]


async def test_mp3_goes_without_a_configuration_of_its_own(site: tuple[Recording, str]) -> None:
    recording, url = site
    frame = bytes.fromhex("fffb50c40000074c0165b430")
    config, packet = audio_config(".mp3", frame), Packet(TrackKind.AUDIO, 5, 5, True, frame)
    async with await RtmpPublisher.connect(url) as publisher:
        await publisher.send_config(config)
        await publisher.send_packet(packet)
    await recording.ended
    assert recording.media == [config, packet]


async def test_a_cut_reaches_the_sender_as_a_sentence(site: tuple[Recording, str]) -> None:
    recording, url = site
    publisher = await RtmpPublisher.connect(url)
    await publisher.send_config(video_config("avc1", AVC))
    recording.cut("The owner ended the stream.")
    with pytest.raises(PublishFailed, match="The owner ended the stream"):
        await send_forever(publisher)
    await publisher.close()


async def send_forever(publisher: RtmpPublisher) -> None:
    for index in range(1000):
        await publisher.send_packet(Packet(TrackKind.VIDEO, index, index, True, bytes(1000)))
        await asyncio.sleep(0.01)


async def test_nobody_listening_is_said() -> None:
    with pytest.raises(PublishFailed, match=r"127\.0\.0\.1:1"):
        await RtmpPublisher.connect("rtmp://127.0.0.1:1/live/SECRET")


@asynccontextmanager
async def strange_server(answer: bytes) -> AsyncIterator[str]:
    """Something that listens where an RTMP server should, and says `answer`."""
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        with suppress(ConnectionResetError):
            await reader.read()
        writer.transport.abort()
        gone.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"rtmp://127.0.0.1:{server.sockets[0].getsockname()[1]}/live/SECRET"
        async with asyncio.timeout(5):
            await gone.wait()


async def test_a_server_that_speaks_something_else_is_said() -> None:
    async with strange_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        with pytest.raises(PublishFailed, match="not_rtmp"):
            await RtmpPublisher.connect(url)


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CONNECT_S", 0.2)
    async with strange_server(b"") as url:
        with pytest.raises(PublishFailed, match="did not answer") as caught:
            await RtmpPublisher.connect(url)
    assert "SECRET" not in str(caught.value)
