"""Claims of sources that are not HTTP, against real peers: the static FFmpeg, a libsrt listener, a small camera."""

import asyncio
import io
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import av
import pytest

from config.addresses import Reach
from media.codecs.annexb import nal_units
from media.relay.pull.address import read_source
from media.relay.pull.file import FileSource
from media.relay.pull.job import Source
from media.relay.pull.rtmp import RtmpSource
from media.relay.pull.rtsp import RtspSource
from media.relay.pull.srt import SrtSource
from media.relay.pull.udp import UdpSource
from media.relay.racing import race
from tests.encoder import end, ffmpeg
from tests.media.relay.pull.conftest import LOCAL, Collected, Stage, movie

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

PATIENCE_S = 40


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.flv"
    path.write_bytes(movie("flv", 3))
    return path


@contextmanager
def sender(clip: Path, *output: str) -> Iterator[None]:
    """FFmpeg, sending again and again."""
    command = [ffmpeg(), "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy", *output]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        end(process)


async def until_some(source: Source, stage: Stage) -> Collected:
    """Run a source until both tracks have come."""
    intake = Collected(stage.http)

    async def enough() -> None:
        while len(intake.counts) < 2 or intake.counts["video"] < 8:
            await asyncio.sleep(0.05)

    async with asyncio.timeout(PATIENCE_S):
        await race(source.run(intake), enough())
    assert {config.fourcc for config in intake.configs} == {"avc1", "mp4a"}
    assert intake.moved_bytes > 0
    return intake


async def until_open(kind: socket.SocketKind, port: int) -> None:
    """Wait for a listener, without a word to it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with socket.socket(type=kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return
            await asyncio.sleep(0.05)


async def test_rtmp_is_played(stage: Stage, clip: Path, free_port: Callable[[], int]) -> None:
    url = f"rtmp://127.0.0.1:{(port := free_port())}/live/x"
    with sender(clip, "-f", "flv", "-listen", "1", url):
        await until_open(socket.SOCK_STREAM, port)
        await until_some(RtmpSource(read_source(url, is_trusted=False), LOCAL), stage)
    assert (await stage.run(RtmpSource(read_source(url, is_trusted=False), LOCAL)))[
        1
    ] == "The server cannot be reached."
    assert (await stage.run(RtmpSource(read_source(url, is_trusted=False), Reach())))[1] == "Forbidden"


async def test_a_listener_is_called_over_srt(stage: Stage, clip: Path, free_port: Callable[[], int]) -> None:
    url = f"srt://127.0.0.1:{(port := free_port())}"
    with sender(clip, "-f", "mpegts", f"{url}?mode=listener&passphrase=abcdefghijkl"):
        await until_open(socket.SOCK_DGRAM, port)
        source = SrtSource(read_source(f"{url}?passphrase=abcdefghijkl&streamid=x", is_trusted=False), LOCAL)
        await until_some(source, stage)
    assert (await stage.run(SrtSource(read_source(url, is_trusted=False), Reach())))[1] == "Forbidden"


async def test_datagrams_of_a_group_are_received(stage: Stage, clip: Path, free_port: Callable[[], int]) -> None:
    url = f"udp://239.7.7.7:{free_port()}"
    with sender(clip, "-f", "mpegts", f"{url}?pkt_size=1316&ttl=0"):
        await until_some(UdpSource(read_source(url, is_trusted=True)), stage)


async def test_a_file_begins_again_and_its_time_goes_on(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(movie("mp4"))
    source = FileSource(read_source("file:a.mp4", is_trusted=True), tmp_path)
    intake = Collected(stage.http)

    async def enough() -> None:
        while intake.counts["video"] < 60:
            await asyncio.sleep(0.05)

    async with asyncio.timeout(PATIENCE_S):
        await race(source.run(intake), enough())
    stamps = [packet.dts for packet in intake.packets if packet.kind.value == "video"][:60]
    steps = [after - before for before, after in pairwise(stamps)]
    assert all(0 < step <= 45_000 for step in steps)  # its sound is a little longer than its pictures


SDP = (
    "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1\r\na=control:track0\r\n"
)


class Camera:
    """An RTSP server with one stream of pictures, or one that answers as the test says."""

    def __init__(self, first_line: str = "", location: str = "") -> None:
        self.first_line, self.location = first_line, location
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, url = request.split()[:2]
                self.asked.append(f"{method} {url}")
                sequence = next(line for line in request.split("\r\n") if line.startswith("CSeq"))
                writer.write(self._answer(method, url, sequence))
                if method == "PLAY":
                    await self._play(writer)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def _answer(self, method: str, url: str, sequence: str) -> bytes:
        if method == "DESCRIBE" and self.first_line:
            return f"{self.first_line}\r\n{sequence}\r\nLocation: {self.location}\r\n\r\n".encode()
        more = {
            "DESCRIBE": f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n",
            "SETUP": "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
            "PLAY": "Session: 1\r\n",
        }.get(method, "Public: DESCRIBE, SETUP, PLAY\r\n")
        return f"RTSP/1.0 200 OK\r\n{sequence}\r\n{more}\r\n{SDP if method == 'DESCRIBE' else ''}".encode()

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        sequence = 0
        for number, unit in enumerate(annexb_pictures() * 20):
            units = list(nal_units(unit))
            for nal in units:
                header = (sequence & 0xFFFF).to_bytes(2, "big") + (number * 9000).to_bytes(4, "big") + b"\0\0\0\1"
                packet = bytes((0x80, 96 | 0x80 * (nal is units[-1]))) + header + nal
                writer.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)
                sequence += 1
            await writer.drain()
            await asyncio.sleep(0.02)


def annexb_pictures() -> list[bytes]:
    with av.open(io.BytesIO(movie("mpegts")), "r") as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


async def test_a_camera_is_played_over_rtsp(stage: Stage) -> None:
    camera = Camera()
    async with await asyncio.start_server(camera.serve, "127.0.0.1", 0) as server:
        url = f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/ch/1?profile=2"
        intake = Collected(stage.http)

        async def enough() -> None:
            while intake.counts["video"] < 8:
                await asyncio.sleep(0.05)

        async with asyncio.timeout(PATIENCE_S):
            await race(RtspSource(read_source(url, is_trusted=False), LOCAL).run(intake), enough())
    assert [config.fourcc for config in intake.configs][:1] == ["avc1"]
    assert any(asked.endswith("/ch/1?profile=2") for asked in camera.asked)


@pytest.mark.parametrize(
    ("first_line", "sentence"),
    [
        ("RTSP/1.0 302 Found", "another address"),
        ("RTSP/1.0 404 Not Found", "no such stream"),
        ("RTSP/1.0 401 Unauthorized", "user name or password"),
        ("HTTP/1.1", "as it should"),
    ],
)
async def test_a_camera_that_leads_elsewhere_is_not_followed(stage: Stage, first_line: str, sentence: str) -> None:
    visited: list[str] = []

    async def visit(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visited.append("")
        writer.close()

    async with await asyncio.start_server(visit, "127.0.0.1", 0) as inside:
        camera = Camera(first_line, f"rtsp://127.0.0.1:{inside.sockets[0].getsockname()[1]}/")
        async with await asyncio.start_server(camera.serve, "127.0.0.1", 0) as server:
            url = f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"
            _intake, reason = await stage.run(RtspSource(read_source(url, is_trusted=False), LOCAL))
    assert sentence in reason
    assert visited == []
