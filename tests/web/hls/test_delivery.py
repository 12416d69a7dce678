"""Delivery over real sockets, with a real origin, Valkey and aiohttp, on both loops."""

import asyncio
import gzip
import socket
import struct
import sys
from collections.abc import Callable

import aiohttp
import msgspec
import pytest

from schemas.ids import ChannelId, SessionId
from schemas.ingest import live_key, session_key
from schemas.socket import STREAM_EVENTS, ChannelEvent, StreamOffline, StreamOnline
from tests.web.hls.conftest import Peer, Reply, Stage, newest
from tests.web.hls.origin_app import PARTS_PER_SEGMENT, part_body
from web.hls.entries import Entry
from web.hls.memory import MAX_ENTRY_BYTES
from web.hls.sources import STALE_S
from web.hls.targets import Kind, parse_target

pytestmark = pytest.mark.services

PLAYLIST = "/hls/demo/s1/video.m3u8"
NEXT = "/hls/demo/s1/video.m3u8?_HLS_msn=10&_HLS_part=1"
PART = "/hls/demo/s1/video-10-0.m4s"
CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Date, Age, ETag, Server-Timing, Content-Length, Content-Range",
    "timing-allow-origin": "*",
}


async def publish(stage: Stage, event: ChannelEvent) -> None:
    await stage.redis.publish(STREAM_EVENTS, msgspec.json.encode(event))


async def test_the_channels_id_and_name_lead_to_the_same_stream(stage: Stage) -> None:
    by_name = await stage.get("/hls/demo/playlist.m3u8")
    by_id = await stage.get("/hls/c1/playlist.m3u8")
    assert by_name.status == by_id.status == 200
    assert by_name.body == by_id.body
    assert b"s1/video.m3u8" in by_name.body
    for channel in ("demo", "c1"):
        assert newest(await stage.get(f"/hls/{channel}/s1/video.m3u8")) == (10, 0)
    assert (await stage.get(PART)).body == part_body("s1", "video-10-0.m4s")


async def test_the_origins_lifetimes_and_types_are_passed_on(stage: Stage) -> None:
    plain, part = await stage.get(PLAYLIST), await stage.get(PART)
    directed = await stage.get(PLAYLIST + "?_HLS_msn=9&_HLS_part=0")
    assert plain.headers["cache-control"] == "public, max-age=1"
    assert directed.headers["cache-control"] == "public, max-age=12"
    assert part.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert part.headers["content-type"] == "video/mp4"


async def test_every_answer_may_be_read_by_every_page(stage: Stage) -> None:
    peer = await stage.connect()
    replies = [
        await peer.get("/hls/demo/playlist.m3u8"),
        await peer.get(PLAYLIST),
        await peer.get(PART),
        await peer.get(PART, "Range: bytes=0-1"),
        await peer.get(PART, "Range: bytes=99999999-"),
        await peer.get("/hls/nobody/playlist.m3u8"),
        await peer.get("/hls/demo/s1/video-99-0.m4s"),
        await peer.get(PLAYLIST + "?_HLS_part=1"),
        await peer.get(PLAYLIST + "?_HLS_msn=99"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 200, 206, 416, 404, 404, 400, 400]
    etag = replies[2].headers["etag"]
    replies.append(await peer.get(PART, f"If-None-Match: {etag}"))
    assert replies[-1].status == 304
    stage.origin.answer_with = 500
    replies.append(await peer.get("/hls/demo/s1/video-9-0.m4s"))
    assert replies[-1].status == 503
    for reply in replies:
        assert CORS.items() <= reply.headers.items(), reply
        assert "date" in reply.headers


async def test_errors_are_envelopes_with_their_lifetimes(stage: Stage) -> None:
    missing = await stage.get("/hls/demo/s1/video-99-0.m4s")
    early = await stage.get(PLAYLIST + "?_HLS_msn=99")
    assert (missing.status, missing.code, missing.headers["cache-control"]) == (404, "NOT_FOUND", "public, max-age=1")
    assert (early.status, early.code, early.headers["cache-control"]) == (400, "INVALID_REQUEST", "public, max-age=1")
    stage.origin.answer_with = 503
    gave_up = await stage.get(NEXT)
    assert (gave_up.status, gave_up.code, gave_up.headers["cache-control"]) == (503, "UNAVAILABLE", "no-store")
    assert gave_up.headers["retry-after"] == "1"


async def test_many_blocked_reloads_are_one_request_at_the_origin(stage: Stage) -> None:
    peers = [await stage.connect() for _ in range(50)]
    for number, peer in enumerate(peers):
        channel = "demo" if number % 2 else "c1"
        query = ("_HLS_msn=10&_HLS_part=1", "x=1&_HLS_part=01&_HLS_msn=010")[number % 3 == 0]
        peer.send(f"/hls/{channel}/s1/video.m3u8?{query}")
    await stage.blocked(50)
    for _ in range(100):  # seconds, for the deadlines of the connections
        stage.delivery.second()
    await stage.origin.advance("s1")
    replies = [await peer.read() for peer in peers]
    assert {newest(reply) for reply in replies} == {(10, 1)}
    assert stage.origin.requests["/s1/video.m3u8?_HLS_msn=10&_HLS_part=1"] == 1
    assert stage.delivery.tower.waiting == 0
    await stage.origin.advance("s1")
    stage.ahead_s += 5.0
    late = await stage.get(NEXT)
    assert late.body == replies[0].body
    assert sum(stage.origin.requests.values()) == 1


async def test_a_hinted_part_blocks_and_comes_whole(stage: Stage) -> None:
    peer = await stage.connect()
    peer.send("/hls/demo/s1/video-10-1.m4s")
    await stage.blocked(1)
    await stage.origin.advance("s1")
    assert (await peer.read()).body == part_body("s1", "video-10-1.m4s")


async def test_the_plain_playlist_is_asked_for_a_few_times_a_second(stage: Stage) -> None:
    peer = await stage.connect()
    for _ in range(100):
        assert (await peer.get(PLAYLIST)).status == 200
    assert stage.origin.requests["/s1/video.m3u8"] <= 3
    await stage.origin.advance("s1")
    stage.ahead_s += 0.25
    assert newest(await peer.get(PLAYLIST)) == (10, 1)


async def test_a_part_that_was_missing_is_there_a_moment_later(stage: Stage) -> None:
    peer = await stage.connect()
    target = "/hls/demo/s1/video-10-2.m4s"
    for _ in range(5):
        assert (await peer.get(target)).status == 404
    assert stage.origin.requests["/s1/video-10-2.m4s"] == 1
    await stage.origin.advance("s1")
    await stage.origin.advance("s1")
    stage.ahead_s += 0.25
    assert (await peer.get(target)).status == 200


async def test_a_delta_of_the_plain_playlist_is_as_short_lived(stage: Stage) -> None:
    target = PLAYLIST + "?_HLS_skip=YES"
    assert newest(await stage.get(target)) == (10, 0)
    await stage.origin.advance("s1")
    stage.ahead_s += 0.25
    assert newest(await stage.get(target)) == (10, 1)


async def test_what_the_origin_will_not_have_kept_is_asked_for_again(stage: Stage) -> None:
    stage.origin.extra["video-3.m4s"] = b"x"
    stage.origin.extra_cache_control = "no-store, max-age=60"
    for _ in range(3):
        assert (await stage.get("/hls/demo/s1/video-3.m4s")).headers["cache-control"] == "no-store, max-age=60"
    assert stage.origin.requests["/s1/video-3.m4s"] == 3


async def test_media_is_asked_for_once(stage: Stage) -> None:
    peer = await stage.connect()
    for _ in range(10):
        assert (await peer.get(PART)).body == part_body("s1", "video-10-0.m4s")
    assert stage.origin.requests["/s1/video-10-0.m4s"] == 1


async def test_the_last_waiter_who_aborts_frees_the_origin(stage: Stage) -> None:
    first, second = await stage.connect(), await stage.connect()
    first.send(NEXT)
    second.send(NEXT)
    await stage.blocked(2)
    first.writer.close()
    await stage.until(lambda: stage.delivery.tower.waiting == 1, "the first has left")
    assert stage.origin.blocked == 1
    reset = struct.pack("ii", 1, 0)
    second.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    second.writer.transport.abort()
    await stage.until(lambda: stage.origin.blocked == 0, "the origin is free")
    assert (stage.delivery.tower.waiting, stage.origin.abandoned) == (0, 1)
    await stage.until(lambda: stage.front.connection_count == 0, "the connections are forgotten")
    assert stage.delivery.counters.upstream == {"abandoned": 1}


async def test_pipelined_requests_wait_for_the_blocked_one_before_them(stage: Stage) -> None:
    peer = await stage.connect()
    peer.send(PART)
    peer.send(NEXT)
    peer.send(PART)
    peer.send("/echo", method="POST", body=b"")
    assert (await peer.read()).status == 200
    await stage.blocked(1)
    await stage.origin.advance("s1")
    assert newest(await peer.read()) == (10, 1)
    assert len((await peer.read()).body) == len(part_body("s1", "video-10-0.m4s"))
    assert (await peer.read()).status == 200  # aiohttp's


async def test_an_origin_that_died_is_503_while_memory_answers_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.hls.sources.BLOCKED_DEADLINE_S", 1.0)
    peer = await stage.connect()
    assert (await peer.get(PART)).status == 200
    peer.send(NEXT)
    await stage.blocked(1)
    await stage.origin.stop()
    reply = await peer.read()
    assert (reply.status, reply.code, reply.headers["cache-control"]) == (503, "UNAVAILABLE", "no-store")
    assert (await peer.get("/hls/demo/s1/video-9.m4s")).status == 503
    assert (await peer.get(PART)).status == 200


async def test_an_origin_that_returns_is_used_at_once(stage: Stage) -> None:
    port = int(stage.origin.url.rpartition(":")[2])
    await stage.origin.stop()
    assert (await stage.get("/hls/demo/s1/video-9.m4s")).status == 503
    await stage.origin.start(port)
    assert (await stage.get("/hls/demo/s1/video-9.m4s")).status == 200


class OriginProcess:
    """The origin as a process of its own, which can be killed and started again at the same port."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = (sys.executable, "-m", "tests.web.hls.origin_app", str(self._port))
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            assert (await self._process.stdout.readline()).decode().strip() == self.url

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


async def test_an_origin_killed_in_the_middle_is_not_noticed_by_who_waits(
    stage: Stage, free_port: Callable[[], int]
) -> None:
    origin = OriginProcess(free_port())
    await origin.start()
    stage.origin.url, own = origin.url, stage.origin.url
    await stage.go_live()
    players = [await stage.connect() for _ in range(3)]
    assert newest(await players[0].get(PLAYLIST)) == (10, 0)
    for player, target in zip(players, (NEXT, NEXT, "/hls/demo/s1/video-10-1.m4s"), strict=True):
        player.send(target)
    await stage.until(lambda: stage.delivery.tower.waiting == 3, "they wait")
    await origin.kill()
    await stage.until(lambda: stage.delivery.counters.upstream.get("away", 0) >= 4, "all were tried again")
    assert newest(await stage.get(PLAYLIST)) == (10, 0)
    await origin.start()
    async with aiohttp.ClientSession() as client, client.post(f"{origin.url}/control/advance/s1") as answer:
        assert answer.status == 200
    replies = [await player.read() for player in players]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert newest(replies[0]) == (10, 1)
    assert replies[2].body == part_body("s1", "video-10-1.m4s")
    await origin.kill()
    stage.origin.url = own


async def test_plain_playlists_stay_for_ten_seconds_without_their_origin(stage: Stage) -> None:
    targets = ("/hls/demo/playlist.m3u8", PLAYLIST, PLAYLIST + "?_HLS_skip=YES")
    before = [await stage.get(target) for target in targets]
    await stage.origin.stop()
    stage.ahead_s += STALE_S - 1.0
    stage.delivery.second()
    again = [await stage.get(target) for target in targets]
    assert [reply.body for reply in again] == [reply.body for reply in before]
    assert {reply.headers["cache-control"] for reply in again} == {"public, max-age=1"}
    assert (await stage.get("/hls/demo/s1/audio.m3u8")).status == 503  # nobody had it before
    stage.ahead_s += 1.5
    stage.delivery.second()
    assert [(await stage.get(target)).status for target in targets] == [503, 503, 503]


async def test_who_is_not_in_the_registry_is_not_found(stage: Stage) -> None:
    for target in ("/hls/nobody/playlist.m3u8", "/hls/demo/s9/video.m3u8"):
        reply = await stage.get(target)
        assert (reply.status, reply.code) == (404, "NOT_FOUND")
    assert stage.origin.requests.total() == 0


async def test_an_expired_entry_is_not_found_once_its_second_is_over(stage: Stage) -> None:
    assert (await stage.get("/hls/demo/playlist.m3u8")).status == 200
    for key in (live_key("demo"), live_key("c1"), session_key("s1")):
        await stage.redis.delete(key)
    stage.ahead_s += 1.0
    assert (await stage.get("/hls/demo/playlist.m3u8")).status == 404
    assert (await stage.get(PLAYLIST)).status == 404


async def followed(stage: Stage) -> None:
    async with asyncio.timeout(5):
        while (await stage.redis.pubsub_numsub(STREAM_EVENTS))[0][1] == 0:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # its own answer is still on the way to the follower


async def test_a_stream_that_begins_is_found_at_its_event(stage: Stage) -> None:
    await followed(stage)
    assert (await stage.get("/hls/new/playlist.m3u8")).status == 404
    await stage.go_live("s2", "c2", "new")
    await publish(stage, StreamOnline(ChannelId("c2"), SessionId("s2"), 0))
    async with asyncio.timeout(0.7):  # less than an absence is believed
        while (await stage.get("/hls/new/playlist.m3u8")).status != 200:
            await asyncio.sleep(0.02)


async def test_a_stream_that_ended_is_gone_at_its_event(stage: Stage) -> None:
    await followed(stage)
    assert (await stage.get("/hls/demo/playlist.m3u8")).status == 200
    await stage.redis.delete(live_key("demo"))
    await publish(stage, StreamOffline(ChannelId("c1"), SessionId("s1"), 0))
    async with asyncio.timeout(0.7):
        while (await stage.get("/hls/demo/playlist.m3u8")).status != 404:
            await asyncio.sleep(0.02)
    assert (await stage.get(PLAYLIST)).status == 200  # the session outlives the stream


async def test_an_origin_that_never_answers_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.hls.sources.BLOCKED_DEADLINE_S", 0.2)
    reply = await stage.get(NEXT)
    assert (reply.status, reply.headers["cache-control"]) == (503, "no-store")
    await stage.until(lambda: stage.origin.blocked == 0, "the origin is free")


@pytest.mark.parametrize("target", [NEXT, "/hls/demo/s1/video-10-1.m4s"])
async def test_what_may_block_has_a_longer_deadline(stage: Stage, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.hls.sources.PLAIN_DEADLINE_S", 0.02)
    peer = await stage.connect()
    peer.send(target)
    await stage.blocked(1)
    await asyncio.sleep(0.1)
    await stage.origin.advance("s1")
    assert (await peer.read()).status == 200


async def test_an_answer_that_cannot_be_passed_on_does_not_leave_anyone_waiting(stage: Stage) -> None:
    stage.origin.extra["video-3.m4s"] = b"x"
    stage.origin.extra_cache_control = "max-age=60, \u20ac"  # nothing that a header section in Latin-1 can say
    assert (await stage.get("/hls/demo/s1/video-3.m4s")).status == 503


async def test_a_monstrous_body_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.hls.origin.MAX_BODY_BYTES", 1_000_000)
    stage.origin.extra["video-3.m4s"] = bytes(1_000_001)
    assert (await stage.get("/hls/demo/s1/video-3.m4s")).status == 503


async def test_too_many_waiters_are_sent_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.hls.delivery.MAX_WAITERS", 2)
    first, second = await stage.connect(), await stage.connect()
    first.send(NEXT)
    second.send(NEXT)
    await stage.blocked(2)
    third = await stage.get(NEXT)
    assert (third.status, third.code, third.headers["retry-after"]) == (503, "UNAVAILABLE", "1")
    await stage.origin.advance("s1")
    assert newest(await first.read()) == newest(await second.read()) == (10, 1)


async def test_too_many_flights_do_not_take_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.hls.delivery.MAX_FLIGHTS", 1)
    first = await stage.connect()
    first.send(NEXT)
    await stage.blocked(1)
    assert (await stage.get(PART)).status == 503
    joined = await stage.connect()
    joined.send(NEXT)
    await stage.blocked(2)
    await stage.origin.advance("s1")
    assert (await joined.read()).status == 200


async def test_a_known_absence_needs_no_flight(stage: Stage) -> None:
    for target in ("/hls/nobody/playlist.m3u8", "/hls/demo/s9/video.m3u8"):
        assert (await stage.get(target)).status == 404
        wanted = parse_target(target)
        assert isinstance(stage.delivery.find(wanted), Entry)


@pytest.mark.parametrize("end", ["HTTP/1.0\r\nHost: a", "HTTP/1.1\r\nHost: a\r\nConnection: close"])
async def test_a_large_last_answer_comes_whole(stage: Stage, end: str) -> None:
    body = bytes(range(256)) * 20_000
    stage.origin.extra["video-3.m4s"] = body
    peer = await stage.connect()
    peer.writer.write(f"GET /hls/demo/s1/video-3.m4s {end}\r\n\r\n".encode())
    reply = await peer.read()
    assert reply.body == body
    assert reply.headers["connection"] == "close"
    assert await peer.is_closed()


async def test_who_sends_a_body_reads_the_refusal(stage: Stage) -> None:
    peer = await stage.connect()
    body = bytes(3_000_000)
    peer.send(PART, f"Content-Length: {len(body)}", body=body)
    reply = await peer.read()
    assert (reply.status, reply.code) == (413, "PAYLOAD_TOO_LARGE")
    assert await peer.is_closed()


async def test_two_channels_do_not_mix(stage: Stage) -> None:
    await stage.go_live("s2", "c2", "second")
    first, second = await stage.get(PART), await stage.get("/hls/second/s2/video-10-0.m4s")
    assert first.body == part_body("s1", "video-10-0.m4s") != second.body
    for target in ("/hls/second/s1/video-10-0.m4s", "/hls/demo/s2/video.m3u8", "/hls/second/s1/video.m3u8"):
        for _ in range(2):
            assert (await stage.get(target)).status == 404
    peer = await stage.connect()
    peer.send("/hls/second/s1/video.m3u8?_HLS_msn=10&_HLS_part=1")
    await stage.blocked(1)
    await stage.origin.advance("s1")
    assert (await peer.read()).status == 404


async def test_nobody_needs_a_cookie_and_everybody_counts(stage: Stage) -> None:
    await stage.get(PLAYLIST, "User-Agent: mpv")
    await stage.get(PLAYLIST, "Cookie: viewer=1")
    await stage.get(PART)
    assert stage.seen.seen == [("c1", "None|127.0.0.1|mpv"), ("c1", "viewer=1|127.0.0.1|None")]


async def test_playlists_of_keyframes_and_captions_are_not_watched(stage: Stage) -> None:
    stage.origin.extra |= {"video-iframes.m3u8": b"#EXTM3U\n", "captions.m3u8": b"#EXTM3U\n", "720p.m3u8": b"#EXTM3U\n"}
    for file in ("video-iframes.m3u8", "captions.m3u8", "captions-1.vtt", "thumbnail.jpg"):
        assert (await stage.get(f"/hls/demo/s1/{file}")).status == 200
    assert stage.seen.seen == []
    await stage.get("/hls/demo/s1/720p.m3u8")
    assert len(stage.seen.seen) == 1
    packed = await stage.get("/hls/demo/s1/captions.m3u8", "Accept-Encoding: gzip")
    assert packed.headers["content-encoding"] == "gzip"


async def test_a_picture_is_fetched_again_while_captions_stay(stage: Stage) -> None:
    stage.origin.extra |= {"thumbnail.jpg": b"first", "captions-1.vtt": b"WEBVTT\n"}
    pictures = [await stage.get("/hls/demo/s1/thumbnail.jpg")]
    await stage.get("/hls/demo/s1/captions-1.vtt")
    stage.origin.extra |= {"thumbnail.jpg": b"second", "captions-1.vtt": b"never"}
    pictures.append(await stage.get("/hls/demo/s1/thumbnail.jpg"))
    stage.ahead_s += 2.5
    pictures.append(await stage.get("/hls/demo/s1/thumbnail.jpg", f"If-None-Match: {pictures[0].headers['etag']}"))
    assert [(picture.status, picture.body) for picture in pictures] == [
        (200, b"first"),
        (200, b"first"),
        (200, b"second"),
    ]
    assert (await stage.get("/hls/demo/s1/captions-1.vtt")).body == b"WEBVTT\n"


async def test_playlists_are_packed_for_who_takes_it(stage: Stage) -> None:
    packed, plain = await stage.get(PLAYLIST, "Accept-Encoding: gzip, br"), await stage.get(PLAYLIST)
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


async def test_head_range_and_preflight(stage: Stage) -> None:
    peer = await stage.connect()
    body = part_body("s1", "video-10-0.m4s")
    peer.send(PART, method="HEAD")
    head = await peer.read(has_body=False)
    assert (head.status, head.headers["content-length"]) == (200, str(len(body)))
    partial = await peer.get(PART, "Range: bytes=100-299")
    assert (partial.status, partial.body) == (206, body[100:300])
    assert partial.headers["content-range"] == f"bytes 100-299/{len(body)}"
    peer.send(PART, "Origin: https://a", "Access-Control-Request-Headers: range", method="OPTIONS")
    preflight = await peer.read()
    assert preflight.status == 204
    assert "Range" in preflight.headers["access-control-allow-headers"]
    assert (await peer.get(PART)).body == body


async def test_a_body_too_large_to_keep_comes_whole_all_the_same(stage: Stage) -> None:
    body = bytes(MAX_ENTRY_BYTES + 1)
    stage.origin.extra["video-3.m4s"] = body
    peer = await stage.connect()
    for _ in range(2):
        assert (await peer.get("/hls/demo/s1/video-3.m4s")).body == body
    assert stage.origin.requests["/s1/video-3.m4s"] == 2


async def test_a_reader_that_stops_is_dropped(stage: Stage) -> None:
    stage.origin.extra["video-3.m4s"] = bytes(8_000_000)
    peer = await stage.connect()
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport too
    for _ in range(3):
        peer.send("/hls/demo/s1/video-3.m4s")
    await stage.until(lambda: stage.delivery.counters.quick[Kind.SEGMENT] > 0, "the first is on its way")
    await asyncio.sleep(0.1)
    for _ in range(25):  # seconds, for the delivery's clock
        stage.delivery.second()
    assert stage.delivery.counters.ended == {"slow reader": 1}
    await stage.until(lambda: stage.front.connection_count == 0, "the connection is gone")


async def test_a_connection_may_change_to_aiohttp_and_is_sent_back(stage: Stage) -> None:
    peer = await stage.connect()
    assert (await peer.get(PLAYLIST)).status == 200
    body = bytes(range(256)) * 4000
    for _ in range(2):
        peer.send("/echo", f"Content-Length: {len(body)}", method="POST", body=body)
        assert (await peer.read()).body == body
    reply = await peer.get(PLAYLIST)
    assert newest(reply) == (10, 0)
    assert CORS.items() <= reply.headers.items()
    assert reply.headers["connection"] == "close"
    assert await peer.is_closed()


async def test_connections_of_both_owners_count_against_the_limit(stage: Stage) -> None:
    stage.front.max_connections = 2
    first = await stage.connect()
    assert (await first.get("/echo")).status == 200
    stage.delivery.second()
    assert (await (await stage.connect()).get(PART)).status == 200
    refused = await (await stage.connect()).read()
    assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    first.writer.close()
    await asyncio.sleep(0.05)
    stage.delivery.second()
    assert (await stage.get(PART)).status == 200


async def second_door(stage: Stage) -> Peer:
    peer = await stage.connect()
    assert (await peer.get("/echo")).status == 200
    return peer


async def by_second_door(stage: Stage, target: str, *headers: str) -> Reply:
    return await (await second_door(stage)).get(target, *headers)


async def test_both_doors_give_the_same_answer(stage: Stage) -> None:
    for target, headers in [
        ("/hls/demo/playlist.m3u8", []),
        (PLAYLIST + "?_HLS_msn=9&_HLS_part=2", ["Accept-Encoding: gzip"]),
        (PART, []),
        (PART, ["Range: bytes=5-9"]),
        (PART, ["Range: bytes=99999999-"]),
        (PART, ["If-None-Match: *"]),
        (PLAYLIST + "?_HLS_part=2", []),
        ("/hls/nobody/playlist.m3u8", []),
        ("/hls/what/is/this/thing", []),
    ]:
        first = await stage.get(target, *headers)
        second = await by_second_door(stage, target, *headers)
        assert (first.status, first.body) == (second.status, second.body), target
        changing = {"date", "age", "server", "connection"}
        names = (first.headers.keys() | second.headers.keys()) - changing
        assert {name: first.headers.get(name) for name in names} == {name: second.headers.get(name) for name in names}


async def test_the_second_door_has_head_preflight_and_refusals_too(stage: Stage) -> None:
    peer = await second_door(stage)
    peer.send(PART, method="HEAD")
    head = await peer.read(has_body=False)
    assert (head.status, head.headers["content-length"]) == (200, str(len(part_body("s1", "video-10-0.m4s"))))
    assert await peer.is_closed()
    for method, body, status in (("OPTIONS", b"", 204), ("POST", b"x", 405), ("GET", b"x", 413)):
        peer = await second_door(stage)
        peer.send(PART, f"Content-Length: {len(body)}", method=method, body=body)
        reply = await peer.read()
        assert reply.status == status
        assert CORS.items() <= reply.headers.items()


async def test_the_second_door_joins_and_leaves_like_the_first(stage: Stage) -> None:
    first, second = await stage.connect(), await second_door(stage)
    first.send(NEXT)
    second.send(NEXT, "User-Agent: second")
    await stage.blocked(2)
    second.writer.close()
    other = await second_door(stage)
    other.send(NEXT, "User-Agent: other")
    await stage.until(lambda: stage.delivery.tower.waiting >= 2, "the other has joined")
    await stage.origin.advance("s1")
    assert (await first.read()).body == (await other.read()).body
    assert stage.origin.requests["/s1/video.m3u8?_HLS_msn=10&_HLS_part=1"] == 1
    assert ("c1", "None|127.0.0.1|other") in stage.seen.seen


async def test_an_absolute_target_is_understood(stage: Stage) -> None:
    peer = await stage.connect()
    assert newest(await peer.get(f"http://tally{PLAYLIST}")) == (10, 0)


async def test_a_websocket_goes_through_the_port(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.get(PLAYLIST)).status == 200
        async with client.ws_connect("/ws") as ws:
            for text in ("abc", "x" * 100_000):
                await ws.send_str(text)
                assert (await ws.receive()).data == text[::-1]


async def test_an_http_client_watches_along_a_stream(stage: Stage) -> None:
    async with stage.client() as client:
        position = (10, 0)
        for _ in range(PARTS_PER_SEGMENT * 2):
            asked = f"{PLAYLIST}?_HLS_msn={position[0]}&_HLS_part={position[1]}"
            await stage.origin.advance("s1")
            async with client.get(asked, timeout=aiohttp.ClientTimeout(5)) as answer:
                assert answer.status == 200
                await answer.read()
            async with client.get(f"/hls/demo/s1/video-{position[0]}-{position[1]}.m4s") as answer:
                name = f"video-{position[0]}-{position[1]}.m4s"
                assert await answer.read() == part_body("s1", name)
            position = (position[0], position[1] + 1)
            if position[1] == PARTS_PER_SEGMENT:
                position = (position[0] + 1, 0)


async def test_closing_answers_who_waits_and_then_closes(stage: Stage) -> None:
    peers = [await stage.connect() for _ in range(2)]
    for peer in peers:
        await peer.get(PLAYLIST)
        peer.send(NEXT)
    await stage.blocked(2)
    closing = asyncio.create_task(stage.front.close(grace_s=5.0))
    await asyncio.sleep(0)
    await stage.origin.advance("s1")
    for peer in peers:
        reply = await peer.read()
        assert newest(reply) == (10, 1)
        assert reply.headers["connection"] == "close"
        assert await peer.is_closed()
    await closing
    assert stage.delivery.counters.ended == {}


async def test_the_end_of_delivery_ends_its_flights(stage: Stage) -> None:
    peer = await stage.connect()
    peer.send(NEXT)
    await stage.blocked(1)
    await stage.delivery.close()
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith(("flight", "registry"))] == []
    await stage.until(lambda: stage.origin.blocked == 0, "the origin is free")


async def test_the_counters_tell_what_happened(stage: Stage) -> None:
    peer = await stage.connect()
    for target in (PART, PART, "/hls/nobody/playlist.m3u8"):
        await peer.get(target)
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in stage.delivery.counters.collect()
        for sample in metric.samples
    }
    assert samples["tally_hls_requests_total", "part", "2xx"] == 2
    assert samples["tally_hls_requests_total", "other", "4xx"] == 1
    assert samples["tally_hls_memory_hits_total",] == 1
    assert samples["tally_hls_upstream_total", "200"] == 1
    assert samples["tally_hls_waiters",] == 0
    assert samples["tally_hls_connections",] == 1
    assert samples["tally_hls_memory_bytes",] > 60_000
