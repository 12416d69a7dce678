"""Claims of media.webrtc.signalling, network and peer, with aiortc as a client and ingest's links behind."""

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import stun

from media.packets import TrackKind
from media.webrtc.offers import MAX_OFFER_BYTES
from media.webrtc.signalling import encoder_of, link_of
from tests.media.webrtc.captured import CHROMIUM, FFMPEG
from tests.media.webrtc.place import NODE, Place, webrtc_place

pytestmark = pytest.mark.services
WAIT_S = 20


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with webrtc_place() as made:
        yield made


async def test_a_publisher_is_answered_heard_and_ended_by_delete(place: Place) -> None:
    async with place.microphone() as (_client, resource), asyncio.timeout(WAIT_S):
        packets = [await place.house.packets.get() for _ in range(5)]
        assert [each.fourcc for each in place.house.configs] == ["Opus"]
        assert {each.kind for each in packets} == {TrackKind.AUDIO}
        assert {b.pts - a.pts for a, b in itertools.pairwise(packets)} == {1_800}
        async with place.http.delete(resource) as response:
            assert response.status == 200
        assert await place.house.left.get() == ("WebRTC: deleted", False)
        async with place.http.delete(resource) as response:
            assert response.status == 404
    assert list(place.network.peers) == []


async def test_a_closed_page_is_a_loss_that_may_come_back(place: Place) -> None:
    async with place.microphone() as (client, _resource), asyncio.timeout(WAIT_S):
        await place.house.packets.get()
        await client.close()
        assert await place.house.left.get() == ("WebRTC: goodbye", True)


async def test_whom_the_platform_cuts_is_disconnected(place: Place) -> None:
    async with place.microphone() as (client, _resource), asyncio.timeout(WAIT_S):
        await place.house.packets.get()
        place.house.publishers[0].cut("The stream was ended by its owner.")
        while client.connectionState != "closed":
            await asyncio.sleep(0.05)
    assert list(place.network.peers) == []


async def test_who_connects_and_sends_nothing_more_is_gone_soon(place: Place) -> None:
    async with place.microphone(), asyncio.timeout(WAIT_S):
        await place.house.packets.get()
        await place.later(10.5)
        assert await place.house.left.get() == ("WebRTC: silent", True)


async def test_the_answer_says_where_the_resource_is_and_which_ice_servers_there_are(place: Place) -> None:
    status, headers, text = await place.post(FFMPEG)
    assert status == 201
    assert headers["content-type"].startswith("application/sdp")
    assert headers["location"].startswith(f"/whip/session/{NODE}.")
    ufrag = text.partition("a=ice-ufrag:")[2].split()[0]
    assert headers["etag"] == f'"{ufrag}"'
    assert "a=setup:active" in text
    async with place.http.options(place.url + "/whip") as response:
        assert response.status == 204
        assert response.headers["Accept-Post"] == "application/sdp"
        assert response.headers.getall("Link") == [
            '<stun:stun.example.org:3478>; rel="ice-server"',
            '<turn:turn.example.org:3478>; rel="ice-server"; username="me"; credential="secret"; '
            'credential-type="password"',
        ]


@pytest.mark.parametrize(
    ("expected", "body", "headers"),
    [
        (415, FFMPEG, {"Content_Type": "application/json"}),
        (401, FFMPEG, {"Authorization": ""}),
        (401, FFMPEG, {"Authorization": "Basic Z29vZA=="}),
        (400, b"v=0\r\n", {}),
        (413, b"v=0\r\n" + b"a" * MAX_OFFER_BYTES, {}),
        (406, FFMPEG.replace(b"H264", b"H265"), {}),
        (403, FFMPEG, {"Authorization": "Bearer bad"}),
        (403, FFMPEG, {"Tally_Channel": "other"}),
        (409, FFMPEG, {"Authorization": "Bearer busy"}),
        (503, FFMPEG, {"Authorization": "Bearer away"}),
    ],
)
async def test_each_refusal_has_its_status_and_a_sentence(
    place: Place, expected: int, body: bytes, headers: dict[str, str]
) -> None:
    status, answered, text = await place.post(body, **headers)
    assert status == expected
    assert text.endswith(".\n")
    assert ("www-authenticate" in answered) == (status == 401)
    assert ("retry-after" in answered) == (status == 503)
    assert list(place.network.peers) == []


async def test_key_parameters_and_encoder_reach_the_sessions(place: Place) -> None:
    await place.post(FFMPEG, "/whip/demo?test=1", Authorization="Bearer good?priority=2", Tally_Channel="demo")
    (attempt,) = place.house.attempts
    assert (attempt.key, attempt.params) == ("good", {"test": "1", "priority": "2"})
    assert attempt.encoder.startswith("Python")


async def test_patch_restarts_ice_or_takes_candidates(place: Place) -> None:
    _status, headers, _text = await place.post(FFMPEG)
    resource, etag = place.url + headers["location"], headers["etag"]
    new = "a=ice-ufrag:newu\r\na=ice-pwd:" + "n" * 24 + "\r\n"

    async def patch(body: str, kind: str = "application/trickle-ice-sdpfrag", **more: str) -> tuple[int, str, str]:
        given = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in more.items()}
        async with place.http.patch(resource, data=body, headers=given) as response:
            return response.status, response.headers.get("ETag", ""), await response.text()

    assert (await patch("", "text/plain", If_Match=etag))[0] == 415
    assert (await patch(""))[0] == 428
    assert (await patch("", If_Match='"other"'))[:2] == (412, etag)
    assert (await patch("<", If_Match=etag))[0] == 400
    assert (await patch(new, If_Match=etag))[0] == 400
    assert (await patch("", If_Match="*"))[0] == 400
    assert (await patch("a=candidate:1 1 udp 1 x.local 9 typ host\r\n", If_Match=etag))[0] == 204
    status, new_etag, text = await patch(new, If_Match="*")
    assert status == 200
    assert new_etag != etag
    assert f"a=ice-ufrag:{new_etag[1:-1]}" in text
    assert (await patch("", If_Match=etag))[0] == 412
    resource = f"{place.url}/whip/session/{NODE}.nobody"
    assert (await patch("", If_Match=etag))[0] == 404


async def test_a_viewer_who_did_not_come_through_web_is_refused(place: Place) -> None:
    assert (await place.post(CHROMIUM, "/whep"))[0] == 400


def _open_files() -> int:
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


async def test_two_hundred_bad_attempts_leave_nothing_behind(place: Place) -> None:
    await place.post(FFMPEG, Authorization="Bearer bad")
    before = len(asyncio.all_tasks()), _open_files()
    bad = [
        (b"v=0\r\n" + b"m=video 9 UDP/TLS/RTP/SAVPF 1\r\n" * 500, {}),
        (FFMPEG, {"Authorization": "Bearer bad"}),
        (FFMPEG.replace(b"H264", b"VP8X"), {}),
        (CHROMIUM.replace(b"192.0.2.2", b"203.0.113.9"), {}),
        (FFMPEG, {}),
    ]
    for number in range(200):
        body, headers = bad[number % len(bad)]
        status, _headers, text = await place.post(body, Tally_Address=f"192.0.2.{number}", **headers)
        assert status in {201, 400, 403, 406}
        if number % 10 == 4:
            await _knock(place, text)
    assert len(list(place.network.peers)) == 80
    await place.later(10.5)
    assert list(place.network.peers) == []
    async with asyncio.timeout(WAIT_S):
        reasons = {(await place.house.left.get())[0] for _ in range(80)}
        assert reasons == {"WebRTC: no path", "WebRTC: no keys agreed on"}
        while (len(asyncio.all_tasks()), _open_files()) > before:
            await asyncio.sleep(0.05)


async def _knock(place: Place, answer: str) -> None:
    """Find the path as FFmpeg does, and then say things that are neither DTLS nor SRTP."""
    name, pwd = (answer.partition(f"a=ice-{each}:")[2].split()[0] for each in ("ufrag", "pwd"))
    theirs = FFMPEG.decode().partition("a=ice-ufrag:")[2].split()[0]
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes |= {"USERNAME": f"{name}:{theirs}", "ICE-CONTROLLING": 1, "USE-CANDIDATE": None}
    message.add_message_integrity(pwd.encode())
    peer = next(each for each in place.network.peers if each.agent.local.ufrag == name)
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
        client.connect(("127.0.0.1", place.network.port))
        client.send(bytes(message))
        async with asyncio.timeout(WAIT_S):
            while peer.agent.selected is None:
                await asyncio.sleep(0.005)
        for data in (b"\x16\xfe\xfd" + bytes(40), b"\x80" + bytes(40), b"\x80\xc8" + bytes(40), b"?" * 40):
            client.send(data)


def test_browsers_are_named_shortly() -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
    assert encoder_of(chrome) == "Chrome 156"
    assert encoder_of(chrome + " Edg/156.0.1") == "Edge 156"
    assert encoder_of("Mozilla/5.0 (X11; rv:150.0) Gecko/20100101 Firefox/150.0") == "Firefox 150"
    assert encoder_of("Mozilla/5.0 (OBS-Studio/30.2.3; Windows x86_64; en-US)") == "OBS 30.2.3"
    assert encoder_of("Lavf/63.1.102\n") == "Lavf/63.1.102"


def test_a_password_of_an_ice_server_may_hold_colons() -> None:
    assert 'username="u"; credential="a:b@c"' in link_of("turn:u:a:b@c@host:1")
