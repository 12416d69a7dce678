"""The connection with a transport in memory: everything it answers lies in the memory of `Delivery` already."""

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.redis import connect
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import LiveEntry
from tests.web.hls.memory_transport import MemoryTransport
from web.hls.connection import (
    HEAD_DEADLINE_S,
    IDLE_DEADLINE_S,
    LINGER_S,
    MAX_HELD_BYTES,
    MAX_KNOWN_HEAD_BYTES,
    MAX_TURNS,
    SLOW_BYTES_PER_S,
    SLOW_WINDOW_S,
)
from web.hls.delivery import Delivery
from web.hls.entries import holder_of, make_entry
from web.hls.front import Front
from web.hls.heads import MAX_HEAD_BYTES
from web.hls.targets import parse_target

LIVE = LiveEntry(ChannelId("c1"), "demo", SessionId("s1"), NodeId("n"), "http://127.0.0.1:1", 0)
PLAYLIST = b"#EXTM3U\n#EXT-X-VERSION:9\n"
PART = bytes(range(256)) * 240
HEADERS = b"Host: tally\r\nUser-Agent: test\r\n"
GET_PLAYLIST = b"GET /hls/demo/s1/video.m3u8 HTTP/1.1\r\n" + HEADERS + b"\r\n"
GET_PART = b"GET /hls/demo/s1/video-1-0.m4s HTTP/1.1\r\n" + HEADERS + b"\r\n"
GET_HOME = b"GET / HTTP/1.1\r\nHost: tally\r\n\r\n"


class Seen:
    """The viewers that were counted."""

    def __init__(self) -> None:
        self.tokens: list[tuple[str | None, str, str | None]] = []
        self.seen: list[tuple[str, str]] = []

    def token(self, cookie: str | None, address: str, user_agent: str | None, /) -> str:
        self.tokens.append((cookie, address, user_agent))
        return f"{cookie}/{user_agent}"

    def saw(self, channel_id: ChannelId, token: str, /) -> None:
        self.seen.append((channel_id, token))


class Application(asyncio.Protocol):
    """Stands where aiohttp's protocol stands: notes what it is given."""

    def __init__(self) -> None:
        self.transport: asyncio.BaseTransport | None = None
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        self.received += data


class Stage:
    """A front with two resources in memory that last for ever, and a clock that the test moves."""

    def __init__(self, *, max_connections: int = 1000) -> None:
        self.now = 0.0
        self.seen = Seen()
        self.delivery = Delivery(
            connect("redis://127.0.0.1:1"), self.seen, now=lambda: self.now, wall=lambda: 1.7e9 + self.now
        )
        self.applications: list[Application] = []
        self.front = Front(self.delivery, self._application, max_connections=max_connections)
        self.keep("video.m3u8", PLAYLIST)
        self.keep("video-1-0.m4s", PART)

    def _application(self) -> Application:
        self.applications.append(Application())
        return self.applications[-1]

    def keep(self, file: str, body: bytes, lifetime_s: float = 1e9) -> None:
        wanted = parse_target(f"/hls/demo/s1/{file}")
        entry = make_entry(
            wanted,
            holder_of(LIVE),
            f"s1/{file}",
            body,
            content_type="x/y",
            cache_control="public, max-age=1",
            clock=self.delivery.clock,
        )
        self.delivery.memory.put(entry, lifetime_s, self.now)

    def connect(self) -> MemoryTransport:
        return MemoryTransport(self.front())

    def pass_seconds(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.delivery.second()


@pytest.fixture
async def stage() -> Stage:
    return Stage()


def statuses(data: bytes) -> list[int]:
    """Return the statuses of whole answers one after the other."""
    return [int(status) for status, _, _ in answers(data)]


def answers(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield status, header section and body of each answer; nothing may be left."""
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        assert separator, head
        status = head[9:12]
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        assert length is not None
        size = int(length.group(1))
        body, data = data[:size], data[size:]
        assert len(body) == size
        yield status, head, body


def code(data: bytes) -> str:
    [(_, _, body)] = answers(data)
    return str(msgspec.json.decode(body)["error"]["code"])


async def test_a_kept_connection_gets_the_same_answer_each_time(stage: Stage) -> None:
    peer = stage.connect()
    for _ in range(3):
        peer.feed(GET_PLAYLIST)
        [(status, head, body)] = answers(peer.take())
        assert (status, body) == (b"200", PLAYLIST)
        assert b"Access-Control-Allow-Origin: *" in head
    peer.feed(GET_PART)
    [(_, _, body)] = answers(peer.take())
    assert body == PART
    assert not peer.is_closing()


async def test_the_channels_id_in_the_path_is_as_good_as_its_name_and_others_get_404(stage: Stage) -> None:
    peer = stage.connect()
    for _ in range(2):
        for channel, status in ((b"demo", 200), (b"c1", 200), (b"other", 404)):
            peer.feed(GET_PLAYLIST.replace(b"demo", channel))
            assert statuses(peer.take()) == [status]


async def test_pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    peer = stage.connect()
    wrong = GET_PLAYLIST.replace(b"demo", b"other")
    peer.feed(GET_PLAYLIST + wrong + GET_PART + GET_PLAYLIST + b"\r\n" + wrong)
    assert statuses(peer.take()) == [200, 404, 200, 200, 404]


async def test_a_long_pipeline_leaves_turns_to_others(stage: Stage) -> None:
    peer = stage.connect()
    peer.feed(GET_PLAYLIST * (MAX_TURNS + 10))
    assert len(statuses(peer.take())) == MAX_TURNS
    peer.feed(GET_PLAYLIST)
    assert peer.take() == b""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(statuses(peer.take())) == 11


@pytest.mark.parametrize("request_bytes", [GET_PLAYLIST, GET_PART, GET_HOME])
async def test_a_head_cut_anywhere_is_the_same_request(stage: Stage, request_bytes: bytes) -> None:
    for warm in (b"", GET_PLAYLIST):
        for cut in range(1, len(request_bytes)):
            peer = stage.connect()
            peer.feed(warm) if warm else None
            peer.take()
            peer.feed(request_bytes[:cut])
            assert peer.take() == b""
            peer.feed(request_bytes[cut:])
            if request_bytes is GET_HOME:
                assert stage.applications[-1].received == request_bytes
            else:
                assert statuses(peer.take()) == [200]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 1200), max_size=40))
def test_any_cuts_of_a_pipeline_give_the_same_answers(cuts: list[int]) -> None:
    other = GET_PLAYLIST.replace(b"test", b"best")
    data = GET_PLAYLIST + GET_PLAYLIST + other + GET_PART + b"\r\n" + GET_PLAYLIST.replace(b"GET", b"HEAD") + GET_HOME

    async def run() -> None:
        stage = Stage()
        peer = stage.connect()
        edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        for start, end in pairwise(edges):
            peer.protocol.data_received(data[start:end])
        whole = peer.take()
        assert whole.count(b"HTTP/1.1 200 OK") == 5
        assert whole.count(PLAYLIST) == 3
        assert stage.applications[0].received == GET_HOME

    asyncio.run(run())


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered_or_handed_over_or_awaited(noise: bytes) -> None:
    async def run() -> None:
        stage = Stage()
        peer = stage.connect()
        peer.feed(GET_PLAYLIST)
        peer.take()
        peer.protocol.data_received(b"GET /hls/" + noise)
        stage.pass_seconds(IDLE_DEADLINE_S + LINGER_S + 1)
        assert peer.is_closing() or stage.applications

    asyncio.run(run())


async def test_another_header_section_is_not_taken_for_the_known_one(stage: Stage) -> None:
    peer = stage.connect()
    peer.feed(GET_PART)
    peer.take()
    for _ in range(2):
        peer.feed(GET_PART.replace(b"\r\n\r\n", b"\r\nRange: bytes=0-9\r\n\r\n"))
        [(status, _, body)] = answers(peer.take())
        assert (status, body) == (b"206", PART[:10])
    peer.feed(GET_PART)
    assert statuses(peer.take()) == [200]
    for _ in range(2):
        peer.feed(GET_PLAYLIST.replace(b"\r\n\r\n", b"\r\nAccept-Encoding: gzip\r\n\r\n"))
        [(_, head, _)] = answers(peer.take())
        assert b"Content-Encoding: gzip" in head
    peer.feed(GET_PLAYLIST)
    [(_, head, _)] = answers(peer.take())
    assert b"Content-Encoding" not in head


async def test_the_known_line_of_one_connection_is_good_for_another(stage: Stage) -> None:
    stage.connect().feed(GET_PLAYLIST)
    peer = stage.connect()
    peer.feed(GET_PLAYLIST.replace(b"test", b"other"))
    peer.feed(GET_PLAYLIST.replace(b"test", b"other"))
    assert statuses(peer.take()) == [200, 200]
    assert stage.front.lines.keys() == {b"GET /hls/demo/s1/video.m3u8 HTTP/1.1"}


async def test_the_date_moves_and_the_answer_ages(stage: Stage) -> None:
    peer = stage.connect()
    peer.feed(GET_PLAYLIST)
    first = peer.take()
    stage.pass_seconds(2)
    peer.feed(GET_PLAYLIST)
    second = peer.take()
    assert b"Date: Tue, 14 Nov 2023 22:13:20 GMT" in first
    assert b"Date: Tue, 14 Nov 2023 22:13:22 GMT\r\nAge: 2\r\n" in second


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1\r\nConnection: close"])
async def test_the_last_answer_of_a_connection_says_so(stage: Stage, version: bytes) -> None:
    peer = stage.connect()
    peer.feed(GET_PLAYLIST.replace(b"HTTP/1.1", version) + GET_PLAYLIST)
    [(status, head, _)] = answers(peer.take())
    assert status == b"200"
    assert b"\r\nConnection: close" in head
    assert peer.has_ended
    stage.pass_seconds(LINGER_S + 1)
    assert peer.is_aborted


@pytest.mark.parametrize(
    ("request_bytes", "status", "error"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400, "PARSE_ERROR"),  # TLS
        (b"GET /hls/demo/playlist.m3u8 HTTP/1.1\r\n\r\n", 400, "PARSE_ERROR"),
        (b"GET /hls/x HTTP/1.1\r\nbad\r\n\r\n", 400, "PARSE_ERROR"),
        (b"GET /hls/x HTTP/1.1\r\nA: " + b"a" * MAX_HEAD_BYTES, 431, "PAYLOAD_TOO_LARGE"),
        (b"GET /hls/x HTTP/1.1\r\nA: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n", 431, "PAYLOAD_TOO_LARGE"),
        (b"GET /hls/x HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431, "PAYLOAD_TOO_LARGE"),
        (b"POST /hls/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", 405, "METHOD_NOT_ALLOWED"),
        (b"GET /hls/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123456789", 413, "PAYLOAD_TOO_LARGE"),
        (b"GET /hls/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 413, "PAYLOAD_TOO_LARGE"),
    ],
)
async def test_what_cannot_go_on_is_answered_and_closed(
    stage: Stage, request_bytes: bytes, status: int, error: str
) -> None:
    peer = stage.connect()
    peer.feed(request_bytes + GET_PLAYLIST)
    data = peer.take()
    assert statuses(data) == [status]
    assert code(data) == error
    assert b"Access-Control-Allow-Origin: *" in data
    assert b"Connection: close" in data
    assert peer.has_ended
    peer.feed(b"more of the body that nobody reads")
    assert peer.take() == b""


@pytest.mark.parametrize(
    ("target", "status", "error"),
    [
        (b"/hls/nothing/like/this", 404, "NOT_FOUND"),
        (b"/hls/demo/s1/video.m3u8?_HLS_part=1", 400, "INVALID_REQUEST"),
        (b"/hls/demo/s1/video.m3u8?_HLS_msn=1&_HLS_msn=2", 400, "INVALID_REQUEST"),
    ],
)
async def test_a_refused_target_leaves_the_connection_open(
    stage: Stage, target: bytes, status: int, error: str
) -> None:
    peer = stage.connect()
    peer.feed(b"GET " + target + b" HTTP/1.1\r\n" + HEADERS + b"\r\n")
    data = peer.take()
    assert (statuses(data), code(data)) == ([status], error)
    assert b"Cache-Control: public, max-age=1" in data
    assert not peer.has_ended


async def test_other_methods_are_told_which_are_allowed(stage: Stage) -> None:
    peer = stage.connect()
    peer.feed(b"DELETE /hls/demo/playlist.m3u8 HTTP/1.1\r\nHost: a\r\n\r\n")
    data = peer.take()
    assert statuses(data) == [405]
    assert b"Allow: GET, HEAD, OPTIONS" in data
    assert not peer.has_ended


async def test_head_and_options(stage: Stage) -> None:
    peer = stage.connect()
    peer.feed(GET_PART.replace(b"GET", b"HEAD"))
    head = peer.take()
    assert head.endswith(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % len(PART) in head
    peer.feed(GET_PART.replace(b"GET", b"OPTIONS"))
    assert peer.take().startswith(b"HTTP/1.1 204 ")
    peer.feed(GET_PLAYLIST)
    assert statuses(peer.take()) == [200]


async def test_a_viewer_is_counted_once_per_second(stage: Stage) -> None:
    peer = stage.connect()
    for _ in range(3):
        peer.feed(GET_PLAYLIST + GET_PART)
    assert stage.seen.seen == [("c1", "None/test")]
    stage.pass_seconds(1)
    peer.feed(GET_PLAYLIST + GET_PLAYLIST)
    assert len(stage.seen.seen) == 2
    assert stage.seen.tokens == [(None, "192.0.2.7", "test")]


async def test_a_viewer_whose_heads_differ_is_counted_once_per_second_too(stage: Stage) -> None:
    peer = stage.connect()
    for number in range(3):
        peer.feed(GET_PLAYLIST.replace(b"\r\n\r\n", b"\r\nIf-None-Match: %d\r\n\r\n" % number))
    assert len(stage.seen.seen) == 1


async def test_what_is_remembered_of_requests_is_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.hls.connection.MAX_KNOWN_LINES", 5)
    monkeypatch.setattr("web.hls.delivery.MAX_KNOWN_TARGETS", 5)
    peer = stage.connect()
    for number in range(20):
        peer.feed(GET_PART.replace(b"m4s", b"m4s?%d" % number))
    assert set(statuses(peer.take())) == {200}
    assert len(stage.front.lines) <= 5
    assert stage.delivery.known_targets <= 5
    before = set(stage.front.lines)
    peer.feed(GET_PART.replace(b"m4s", b"m4s?" + b"x" * MAX_KNOWN_HEAD_BYTES))
    assert set(stage.front.lines) == before


async def test_two_viewers_behind_one_connection_are_two(stage: Stage) -> None:
    peer = stage.connect()
    other = GET_PLAYLIST.replace(b"\r\n\r\n", b"\r\nCookie: viewer=2\r\n\r\n")
    peer.feed(GET_PLAYLIST + other + other + GET_PLAYLIST)
    assert [token for _, token in stage.seen.seen] == ["None/test", "viewer=2/test", "None/test"]


async def test_a_known_request_after_anothers_strange_one_is_its_own_viewers(stage: Stage) -> None:
    peer = stage.connect()
    peer.feed(GET_PLAYLIST)
    peer.feed(GET_PART.replace(b"\r\n\r\n", b"\r\nCookie: viewer=2\r\nRange: bytes=0-1\r\n\r\n"))
    peer.feed(GET_PLAYLIST)
    assert {token for _, token in stage.seen.seen} == {"None/test"}


async def test_a_viewer_of_media_alone_is_not_counted(stage: Stage) -> None:
    stage.connect().feed(GET_PART + GET_PLAYLIST.replace(b"demo", b"other"))
    assert stage.seen.seen == []


async def test_a_request_for_something_else_hands_the_connection_over_whole(stage: Stage) -> None:
    peer = stage.connect()
    post = b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nbo"
    peer.feed(GET_PLAYLIST + post)
    assert statuses(peer.take()) == [200]
    assert stage.applications[0].received == post
    peer.feed(b"dy\r\n\r" + GET_PLAYLIST)
    assert stage.applications[0].received == post + b"dy\r\n\r" + GET_PLAYLIST
    assert stage.front.connection_count == 0
    stage.pass_seconds(IDLE_DEADLINE_S + 1)
    assert not peer.is_closing()


@pytest.mark.parametrize("target", [b"/", b"/hls", b"/hlsx/y", b"/ws/chat", b"http://a/hls/demo/playlist.m3u8", b"*"])
async def test_only_the_prefix_stays(stage: Stage, target: bytes) -> None:
    peer = stage.connect()
    request_bytes = b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    peer.feed(request_bytes)
    assert stage.applications[0].received == request_bytes


async def test_a_head_too_long_for_us_is_the_applications_to_judge(stage: Stage) -> None:
    peer = stage.connect()
    request_bytes = b"GET / HTTP/1.1\r\nCookie: " + b"c" * MAX_HEAD_BYTES
    peer.feed(request_bytes)
    assert stage.applications[0].received == request_bytes


async def test_a_silent_connection_is_closed(stage: Stage) -> None:
    peer = stage.connect()
    stage.pass_seconds(HEAD_DEADLINE_S - 1)
    assert not peer.is_closing()
    stage.pass_seconds(1)
    assert peer.is_closed
    assert peer.take() == b""


@pytest.mark.parametrize("line", [b"GET /hls/demo/s1/video.m3u8 HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n"])
async def test_a_head_that_trickles_in_is_cut_off(stage: Stage, line: bytes) -> None:
    peer = stage.connect()
    peer.feed(GET_PLAYLIST + line)
    peer.take()
    for _ in range(HEAD_DEADLINE_S):
        assert not peer.has_ended
        peer.feed(b"A: b\r\n")
        stage.pass_seconds(1)
    assert statuses(peer.take()) == [408]
    assert peer.has_ended


async def test_an_idle_connection_is_closed_after_its_time(stage: Stage) -> None:
    peer = stage.connect()
    stage.pass_seconds(HEAD_DEADLINE_S - 1)
    peer.feed(GET_PLAYLIST)
    stage.pass_seconds(IDLE_DEADLINE_S - 1)
    assert not peer.is_closing()
    peer.feed(GET_PLAYLIST)
    stage.pass_seconds(IDLE_DEADLINE_S)
    assert peer.is_closed


async def test_a_slow_reader_stops_the_pipeline_and_bounds_what_is_held(stage: Stage) -> None:
    peer = stage.connect()
    peer.is_stuck = True
    peer.feed(GET_PART * 5)
    written = len(peer.take())
    assert written < 3 * (len(PART) + 1000)
    while peer.is_reading():
        peer.feed(GET_PART)
    assert peer.unread == written
    peer.is_stuck = False
    peer.read(1 << 30)
    for _ in range(MAX_HELD_BYTES):
        await asyncio.sleep(0)
        if peer.is_reading():
            break
    assert peer.is_reading()
    assert set(statuses(peer.take())) == {200}


async def test_a_connection_is_handed_over_with_its_reading_on(stage: Stage) -> None:
    peer = stage.connect()
    peer.is_stuck = True
    tail = GET_HOME + bytes(MAX_HELD_BYTES)
    peer.feed(GET_PART * 2 + tail)
    assert not peer.is_reading()
    peer.is_stuck = False
    peer.read(1 << 30)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert stage.applications[0].received == tail
    assert peer.is_reading()


async def test_one_huge_pipeline_is_read_no_further(stage: Stage) -> None:
    peer = stage.connect()
    peer.is_stuck = True
    peer.feed(GET_PART * 1000)
    assert not peer.is_reading()


async def test_a_reader_that_takes_nothing_is_dropped(stage: Stage) -> None:
    peer = stage.connect()
    peer.is_stuck = True
    peer.feed(GET_PART * 3)
    stage.pass_seconds(SLOW_WINDOW_S - 1)
    assert not peer.is_closing()
    stage.pass_seconds(1)
    assert peer.is_aborted
    assert stage.delivery.counters.ended == {"slow reader": 1}
    assert stage.front.connection_count == 0


async def test_a_reader_that_is_just_fast_enough_is_kept(stage: Stage) -> None:
    stage.keep("video-2.m4s", bytes(4 * 1024 * 1024))
    peer = stage.connect()
    peer.is_stuck = True
    peer.feed(GET_PART.replace(b"video-1-0", b"video-2"))
    for _ in range(3 * SLOW_WINDOW_S):
        peer.read(SLOW_BYTES_PER_S)
        stage.pass_seconds(1)
    assert not peer.is_closing()
    for _ in range(SLOW_WINDOW_S):
        peer.read(SLOW_BYTES_PER_S - 1)
        stage.pass_seconds(1)
    assert peer.is_aborted


async def test_a_reader_that_closes_without_reading_the_last_answer_is_dropped(stage: Stage) -> None:
    peer = stage.connect()
    peer.is_stuck = True
    peer.feed(GET_PLAYLIST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert peer.has_ended
    stage.pass_seconds(SLOW_WINDOW_S + LINGER_S + 1)
    assert peer.is_aborted


async def test_each_second_frees_memory_whose_time_is_over(stage: Stage) -> None:
    before = stage.delivery.memory.count
    stage.keep("video-9-0.m4s", PART, lifetime_s=2.5)
    stage.pass_seconds(2)
    assert stage.delivery.memory.count == before + 1
    stage.pass_seconds(1)
    assert stage.delivery.memory.count == before


async def test_too_many_connections_are_told_so() -> None:
    stage = Stage(max_connections=1)
    first = stage.connect()
    second = stage.connect()
    data = second.take()
    assert statuses(data) == [503]
    assert b"Connection: close" in data
    assert second.is_closed
    first.feed(GET_PLAYLIST)
    assert statuses(first.take()) == [200]


async def test_closing_lets_idle_connections_go_at_once(stage: Stage) -> None:
    idle, late = stage.connect(), stage.connect()
    late.is_stuck = True
    late.feed(GET_PART * 2)
    await stage.front.close(grace_s=0.01)
    assert idle.is_closed
    assert late.is_aborted


async def test_a_connection_accepted_while_closing_is_refused(stage: Stage) -> None:
    await stage.front.close()
    peer = stage.connect()
    assert statuses(peer.take()) == [503]
