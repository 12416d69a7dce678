"""Playing a session over SRT: what players get, and when they are sent away."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest

from media.links.messages import SOUND, VIDEO
from media.packets import CodecConfig, Packet, TrackKind
from media.srt import play
from media.srt.caller import Caller, Lost
from media.srt.play import Stage
from media.ts.demux import Demuxer
from tests.encoder import ffmpeg
from tests.media.srt.door import Door, Running, door, entry, until, url
from tests.media.ts.material import read, stream
from tests.media.ts.test_mux import in_media_time

pytestmark = pytest.mark.services


@pytest.fixture
async def srt(redis_url: str) -> AsyncIterator[Door]:
    async with door(redis_url, entry("alice", "key_alice"), entry("bob", "key_bob")) as made:
        made.sessions.running["c-alice"] = Running("alice")
        yield made


def feed(session: Running, events: list[CodecConfig | Packet]) -> None:
    for event in events:
        track = VIDEO if event.kind is TrackKind.VIDEO else SOUND
        if isinstance(event, Packet):
            session.feeds.push(track, event)
        else:
            session.feeds.configure(track, event)


def halves() -> tuple[list[CodecConfig | Packet], list[CodecConfig | Packet]]:
    """Two seconds, cut in the middle of the second GOP."""
    events = in_media_time(read(stream()))
    middle = len(events) * 3 // 4
    return events[:middle], events[middle:]


async def play_from(port: int, streamid: str) -> Caller:
    return await asyncio.to_thread(Caller.connect, "127.0.0.1", port, streamid=streamid, latency_ms=20)


def received(caller: Caller, pictures: int) -> list[CodecConfig | Packet]:
    demuxer = Demuxer()
    events: list[CodecConfig | Packet] = []
    while sum(isinstance(each, Packet) and each.kind is TrackKind.VIDEO for each in events) < pictures:
        events += demuxer.receive_data(caller.receive())
    return events


async def test_players_begin_with_the_running_gop_and_get_what_comes(srt: Door) -> None:
    past, coming = halves()
    session = srt.sessions.running["c-alice"]
    feed(session, past)
    callers = [await play_from(srt.port, name) for name in ("#!::r=alice,m=request", "#!::r=ALICE", "#!::r=c-alice")]
    await until(lambda: srt.server.connections == 3, "all are in")
    assert session.feeds.subscribers == 1
    feed(session, coming)
    expected = [each for each in past + coming if isinstance(each, Packet) and each.kind is TrackKind.VIDEO][30:]
    for caller in callers:
        events = await asyncio.to_thread(received, caller, 28)
        pictures = [each for each in events if isinstance(each, Packet) and each.kind is TrackKind.VIDEO]
        assert [each.data for each in pictures] == [each.data for each in expected[: len(pictures)]]
        assert {each.fourcc for each in events if isinstance(each, CodecConfig)} == {"avc1", "mp4a"}
        caller.close()
    await until(lambda: srt.server.connections == 0, "all are gone")
    assert session.feeds.subscribers == 0


async def test_ffmpeg_plays_it(srt: Door, tmp_path: Path) -> None:
    session = srt.sessions.running["c-alice"]
    out = tmp_path / "played.ts"
    command = [ffmpeg(), "-loglevel", "error", "-i", url(srt.port, "#!::r=alice,m=request"), "-c", "copy", str(out)]
    player = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    await until(lambda: srt.server.connections == 1, "it is in")
    for event in in_media_time(read(stream())):
        feed(session, [event])
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.5)
    session.feeds.end("the stream is over")
    await asyncio.to_thread(player.wait, 20)
    with av.open(str(out), "r") as played:
        assert sum(1 for _ in played.decode(video=0)) >= 55
    assert srt.server.closed[play.OVER] == 1


async def test_what_is_not_public_needs_the_channels_key(srt: Door) -> None:
    session = srt.sessions.running["c-alice"]
    public, keyed = await play_from(srt.port, "#!::r=alice"), await play_from(srt.port, "#!::r=alice,u=key_alice")
    await until(lambda: srt.server.connections == 2, "both are in")
    session.visibility = "private"
    session.feeds.show_to("private")
    with pytest.raises(Lost):
        await asyncio.to_thread(public.receive)
    await until(lambda: srt.server.connections == 1, "only the one with the key is left")
    feed(session, in_media_time(read(stream())))
    assert await asyncio.to_thread(received, keyed, 20)
    assert srt.server.closed[play.NOT_ALLOWED] == 1
    public.close()
    keyed.close()


async def test_a_player_that_goes_silent_does_not_count_as_lost(srt: Door) -> None:
    session = srt.sessions.running["c-alice"]
    caller = await play_from(srt.port, "#!::r=alice")
    await until(lambda: srt.server.connections == 1, "it is in")
    await asyncio.sleep(2.6)
    feed(session, in_media_time(read(stream())))
    assert await asyncio.to_thread(received, caller, 20)
    caller.close()


def test_who_does_not_take_it_is_dismissed_and_holds_up_nobody() -> None:
    sent: list[tuple[int, bytes]] = []
    dismissed: list[tuple[int, str]] = []

    def send(player: int, message: bytes) -> bool:
        if player == 1 and len(sent) > 20:
            return False
        sent.append((player, message))
        return True

    stage = Stage(send, lambda player, reason: dismissed.append((player, reason)))
    session = Running("alice")
    stage.begin(lambda take: session.feeds.subscribe(play.TRACKS, take))
    stage.add(1, has_key=False)
    stage.add(2, has_key=False)
    feed(session, in_media_time(read(stream())))
    assert dismissed == [(1, play.TOO_SLOW)]
    assert len(read(b"".join(data for player, data in sent if player == 2)).pictures) == 60
    assert len(stage) == 1
    stage.remove(2)
    assert (stage.is_over, session.feeds.subscribers) == (True, 0)


def test_who_has_left_is_not_said_to_be_too_slow() -> None:
    dismissed: list[tuple[int, str]] = []

    def send(_player: int, _message: bytes) -> bool:
        raise play.Gone

    stage = Stage(send, lambda player, reason: dismissed.append((player, reason)))
    session = Running("alice")
    stage.begin(lambda take: session.feeds.subscribe(play.TRACKS, take))
    stage.add(1, has_key=False)
    feed(session, in_media_time(read(stream())))
    assert dismissed == [(1, play.LEFT)]
