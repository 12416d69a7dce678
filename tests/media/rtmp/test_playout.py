"""A session played over RTMP: by our own server, to real ffmpeg and to peers that do not read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from media.codecs import audio_config, video_config
from media.feeds import Feeds
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Publication, PublishAttempt, Refused
from media.rtmp.server import RtmpServer
from schemas.access import Visibility
from schemas.ids import ChannelId, SessionId
from tests.encoder import ffmpeg, make_clip

pytestmark = pytest.mark.services

KEY = "sk_of_the_channel"
SECONDS = 3
GOP = 30


class Session:
    """What the server needs of one."""

    def __init__(self) -> None:
        self.feeds = Feeds(SessionId("s1"), ChannelId("c1"), "demo")
        self.visibility: Visibility = "public"

    def has_key(self, key: str) -> bool:
        return key == KEY


class Nobody:
    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None]) -> Publication:
        raise Refused("Nobody publishes here.")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    return make_clip(folder / "clip.flv", size="320x180", seconds=SECONDS, gop_s=1)


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
async def server(session: Session) -> AsyncIterator[RtmpServer]:
    server = RtmpServer(Nobody(), {"demo": session}.get)
    server.port = await server.start("127.0.0.1", 0)  # type: ignore[attr-defined]  # for the tests below
    yield server
    await server.close()


def url(server: RtmpServer, name: str) -> str:
    return f"rtmp://127.0.0.1:{server.port}/live/{name}"  # type: ignore[attr-defined]


def packets_of(clip: Path) -> tuple[dict[str, CodecConfig], list[tuple[str, Packet]]]:
    """Return the configurations and the packets in media time, as a pipeline hands them to feeds."""
    found: list[tuple[float, str, Packet]] = []
    with av.open(str(clip)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        configs = {
            "video": video_config("avc1", bytes(video.codec_context.extradata or b"")),
            "audio": audio_config("mp4a", bytes(audio.codec_context.extradata or b"")),
        }
        for packet in container.demux(video, audio):
            if packet.dts is None or packet.pts is None:
                continue
            is_video = packet.stream is video
            scale = 90_000 if is_video else 48_000
            base = Fraction(packet.time_base) * scale
            kind = TrackKind.VIDEO if is_video else TrackKind.AUDIO
            made = Packet(kind, round(packet.dts * base), round(packet.pts * base), packet.is_keyframe, bytes(packet))
            found.append((packet.dts * float(packet.time_base), "video" if is_video else "audio", made))
    return configs, [(track, packet) for _, track, packet in sorted(found, key=lambda each: each[0])]


def give(session: Session, clip: Path, take: int | None = None) -> int:
    """Feed the first `take` pictures with their sound, all of them by default; return how many pictures."""
    configs, packets = packets_of(clip)
    for track, config in configs.items():
        session.feeds.configure(track, config)
    pictures = 0
    for track, packet in packets:
        pictures += track == "video"
        if take is not None and pictures > take:
            return take
        session.feeds.push(track, packet)
    return pictures


async def read_by_ffmpeg(address: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        ffmpeg(), "-hide_banner", "-loglevel", "error", "-rw_timeout", "20000000", "-i", address,
        "-map", "0:v", "-c", "copy", "-f", "framecrc", "-",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_ffmpeg_plays_the_running_gop_and_all_that_follows(
    server: RtmpServer, session: Session, clip: Path
) -> None:
    give(session, clip, take=GOP + 5)
    reader = await read_by_ffmpeg(url(server, "demo"))
    async with asyncio.timeout(20):
        while not server.players:
            await asyncio.sleep(0.02)
    configs, packets = packets_of(clip)
    pictures = 0
    for track, packet in packets:
        pictures += track == "video"
        if pictures > GOP + 5:
            session.feeds.push(track, packet)
    session.feeds.end("The stream is over.")
    async with asyncio.timeout(30):
        out, err = await reader.communicate()
    lines = [line for line in out.decode().splitlines() if line and not line.startswith("#")]
    assert len(lines) == pictures - GOP, err.decode()
    assert server.players == 0
    assert configs["video"].width == 320


async def test_who_asks_for_nothing_that_is_there_is_told(server: RtmpServer) -> None:
    reader = await read_by_ffmpeg(url(server, "nobody"))
    async with asyncio.timeout(20):
        _, err = await reader.communicate()
    assert "There is no such stream" in err.decode()
    assert server.closed["not_live"] == 1


@pytest.mark.parametrize(("name", "is_let_in"), [("demo", False), ("demo?key=wrong", False), (f"demo?key={KEY}", True)])
async def test_what_is_not_public_wants_the_key(
    server: RtmpServer, session: Session, clip: Path, name: str, is_let_in: bool
) -> None:
    session.visibility = "private"
    session.feeds.show_to("private")
    give(session, clip)
    reader = await read_by_ffmpeg(url(server, name))
    async with asyncio.timeout(20):
        while not (server.players or server.closed["not_public"]):
            await asyncio.sleep(0.02)
        assert bool(server.players) is is_let_in
        session.feeds.end("The stream is over.")
        await reader.communicate()


async def test_players_leave_when_it_is_public_no_more(server: RtmpServer, session: Session, clip: Path) -> None:
    give(session, clip)
    reader = await read_by_ffmpeg(url(server, "demo"))
    async with asyncio.timeout(20):
        while not server.players:
            await asyncio.sleep(0.02)
        session.feeds.show_to("followers")
        await reader.communicate()
        while server.connections:
            await asyncio.sleep(0.02)
    assert server.closed["play_over"] == 1
    assert session.feeds.subscribers == 0


async def test_a_player_that_does_not_read_is_closed_and_holds_nobody_up(
    server: RtmpServer, session: Session, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.rtmp.server.MAX_UNREAD_BYTES", 100_000)
    reader = await read_by_ffmpeg(url(server, "demo"))
    give(session, clip)
    async with asyncio.timeout(20):
        while not server.players:
            await asyncio.sleep(0.02)
        reader.send_signal(19)  # SIGSTOP
        while server.players:
            give(session, clip)
            await asyncio.sleep(0.01)
        reader.send_signal(18)
        await reader.communicate()
        while server.connections:
            await asyncio.sleep(0.02)
    assert server.closed["slow_player"] == 1
    assert session.feeds.subscribers == 0


async def test_a_port_that_is_closed_leaves_no_player(session: Session, clip: Path) -> None:
    server = RtmpServer(Nobody(), {"demo": session}.get)
    port = await server.start("127.0.0.1", 0)
    give(session, clip)
    reader = await read_by_ffmpeg(f"rtmp://127.0.0.1:{port}/live/demo")
    async with asyncio.timeout(20):
        while not server.players:
            await asyncio.sleep(0.02)
        await server.close()
        await reader.communicate()
    assert (server.players, session.feeds.subscribers) == (0, 0)
