"""Claims of what is fetched over HTTP, with real children, against servers that are as they should be or hostile."""

import asyncio
import os

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from config.addresses import Reach
from media.relay.pull import fetching
from media.relay.pull.hls import source as hls_source
from tests.media.relay.pull.conftest import Stage, movie

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hls_source, "PAUSE_S", 0.01)


async def test_containers_are_read_whatever_they_are(stage: Stage) -> None:
    for name in ("mpegts", "mp4", "matroska", "flv"):
        stage.serve(f"/{name}", movie(name))
    found = await asyncio.gather(*(stage.run(f"/{name}") for name in ("mpegts", "mp4", "matroska", "flv")))
    for intake, reason in found:
        assert reason == ""
        assert intake.counts["video"] == 20
        assert intake.counts["audio"] >= 90
        assert {config.fourcc for config in intake.configs} == {"avc1", "mp4a"}
        video = [packet for packet in intake.packets if packet.kind.value == "video"]
        assert [packet.is_keyframe for packet in video].count(True) == 2
        assert [packet.dts for packet in video] == sorted({packet.dts for packet in video})
        assert all(packet.dts <= packet.pts for packet in video)


async def test_a_recording_is_not_played_twice_and_a_new_one_is(stage: Stage) -> None:
    stage.serve("/a.ts", movie("mpegts"), ETag='"1"')
    assert (await stage.run("/a.ts"))[1] == ""
    again, reason = await stage.run("/a.ts")
    assert (again.packets, reason) == ([], "The source has ended.")
    stage.serve("/a.ts", movie("mpegts"), ETag='"2"')
    assert (await stage.run("/a.ts"))[1] == ""


async def test_a_playlist_is_played_with_its_encryption_spans_and_breaks(stage: Stage) -> None:
    key, first, second = os.urandom(16), movie("mpegts", 2, 0), movie("mpegts", 2, 100)
    padder, cipher = PKCS7(128).padder(), Cipher(AES(key), CBC((5).to_bytes(16, "big"))).encryptor()
    stage.serve("/key", key)
    stage.serve("/0.ts", cipher.update(padder.update(first) + padder.finalize()) + cipher.finalize())
    stage.serve("/all.bin", b"x" * 1000 + second)
    stage.serve(
        "/media.m3u8",
        HEAD + '#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF:2,\n0.ts\n'
        f"#EXT-X-KEY:METHOD=NONE\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\n#EXT-X-BYTERANGE:{len(second)}@1000\nall.bin\n"
        "#EXT-X-ENDLIST\n",
    )
    stage.serve("/index.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia.m3u8\n")
    intake, reason = await stage.run("/index.m3u8")
    assert reason == ""
    assert intake.counts["video"] == 40
    stamps = [packet.dts for packet in intake.packets if packet.kind.value == "video"]
    assert max(stamps) - min(stamps) > 99 * 90_000
    assert (await stage.run("/index.m3u8"))[1] == "The source has ended."


async def test_a_live_playlist_is_followed_and_a_segment_that_is_missing_is_left_out(stage: Stage) -> None:
    for number in range(5):
        if number != 2:
            stage.serve(f"/{number}.ts", movie("mpegts", 1, number))

    async def playlist(_request: web.Request) -> web.Response:
        count = min(5, 2 + stage.asked["/live.m3u8"])
        end = "#EXT-X-ENDLIST\n" if count == 5 else ""
        segments = "".join(f"#EXTINF:1,\n{number}.ts\n" for number in range(count))
        return web.Response(text=f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{segments}{end}")

    stage.answers["/live.m3u8"] = playlist
    intake, reason = await stage.run("/live.m3u8")
    assert reason == ""
    assert intake.counts["video"] == 40
    assert stage.asked["/1.ts"] == 1


async def test_sound_that_is_apart_is_fetched_too(stage: Stage) -> None:
    for name in ("v", "a"):
        stage.serve(f"/{name}.m3u8", HEAD + f"#EXTINF:2,\n{name}.ts\n#EXT-X-ENDLIST\n")
        stage.serve(f"/{name}.ts", movie("mpegts"))
    stage.serve(
        "/index.m3u8",
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="s",NAME="n",DEFAULT=YES,URI="a.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="s"\nv.m3u8\n',
    )
    assert (await stage.run("/index.m3u8"))[1] == ""
    assert (stage.asked["/v.ts"], stage.asked["/a.ts"]) == (1, 1)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"#EXTM3U\n")
    while True:
        await response.write(b"#EXTINF:1,\n" * 10_000)


async def silent(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(movie("mpegts")[:1880])
    await asyncio.Event().wait()
    return response


def leads_to(location: str) -> "object":
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    return answer


async def test_hostile_servers_end_in_a_sentence_and_leave_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "READ_S", 1.0)
    stage.answers |= {"/endless": endless, "/silent": silent}
    for path, location in {
        "/loop": "/loop",
        "/file": "file:///etc/passwd",
        "/gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
        "/metadata": "http://169.254.169.254/latest",
        "/mapped": "http://[::ffff:10.0.0.1]/",
        "/number": "http://2130706433:1/",
    }.items():
        stage.answers[path] = leads_to(location)  # type: ignore[assignment]  # kept short
    stage.serve("/self", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nself\n")
    stage.serve("/steal", HEAD + "#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")
    stage.serve("/inside", HEAD + "#EXTINF:1,\nhttp://10.0.0.1/admin\n#EXT-X-ENDLIST\n")
    stage.serve(
        "/key", HEAD + '#EXT-X-KEY:METHOD=AES-128,URI="http://192.168.1.1/"\n#EXTINF:1,\nself\n#EXT-X-ENDLIST\n'
    )
    stage.serve("/page", b"<html>" + b"no media " * 5000)
    stage.serve("/noise", bytes(range(256)) * 4000)
    stage.serve("/empty", b"")
    stage.serve("/concat", b"ffconcat version 1.0\nfile http://127.0.0.1/x\n" * 50)
    stage.serve("/description", b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n" * 20)
    stage.serve("/torn", movie("mp4")[:1000])
    stage.serve("/script", HEAD + "#EXTINF:1,\npage\n#EXT-X-ENDLIST\n")
    expected = {
        "/missing": "no such stream",
        "/endless": "more than",
        "/loop": "again and again",
        "/file": "not one of HTTP",
        "/gopher": "not one of HTTP",
        "/metadata": "Forbidden",
        "/mapped": "Forbidden",
        "/self": "more playlists",
        "/steal": "not one of HTTP",
        "/inside": "Forbidden",
        "/key": "Forbidden",
        "/page": "no stream",
        "/noise": "no stream",
        "/empty": "Nothing comes",
        "/concat": "no stream",
        "/description": "no stream",
        "/script": "no stream",
    }
    for path, sentence in expected.items():
        intake, reason = await stage.run(path)
        assert sentence in reason, (path, reason)
        assert intake.packets == []
    for path in ("/number", "/torn", "/silent"):
        assert (await stage.run(path))[1], path


async def test_names_are_checked_when_they_are_connected_to(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await stage.run("/x", Reach()))[1] == "Forbidden"
    port = stage.url.rpartition(":")[2]
    assert (await stage.run(f"http://localhost:{port}/x", Reach()))[1] == "Forbidden"
    assert stage.asked == {}
