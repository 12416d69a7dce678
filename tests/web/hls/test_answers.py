import gzip

import msgspec
import pytest

from schemas.errors import ErrorCode
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import LiveEntry
from web.hls.answers import Answer, preflight, select
from web.hls.clock import Clock
from web.hls.entries import Entry, Holder, holder_of, make_entry, make_error, make_permit, make_redirect
from web.hls.heads import Fields
from web.hls.targets import parse_target

HOLDER = holder_of(LiveEntry(ChannelId("c1"), "demo", SessionId("s1"), NodeId("n"), "http://o", 0))
KEY = "s1/video-1-0.m4s"
BODY = bytes(range(100))
TEXT = b"#EXTM3U\n" + b"#EXT-X-PART\n" * 50


def media(clock: Clock) -> Entry:
    wanted = parse_target("/hls/demo/s1/video-1-0.m4s")
    return make_entry(
        wanted, HOLDER, KEY, BODY, content_type="video/mp4", cache_control="public, immutable", clock=clock
    )


def playlist(clock: Clock, body: bytes = TEXT) -> Entry:
    wanted = parse_target("/hls/demo/s1/video.m3u8")
    return make_entry(wanted, HOLDER, KEY, body, content_type="application/x", cache_control="max-age=1", clock=clock)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_700_000_000)


def header(answer: Answer, name: str) -> str | None:
    found = [line.partition(": ") for line in answer.fields.decode().splitlines()]
    values = [value for key, _, value in found if key == name]
    assert len(values) <= 1, f"{name} stands there {len(values)} times"
    return values[0] if values else None


def test_a_whole_answer_carries_what_players_and_caches_need(clock: Clock) -> None:
    answer = select(media(clock), "GET", Fields(), clock)
    assert (answer.status, bytes(answer.body)) == (200, BODY)
    assert header(answer, "Content-Type") == "video/mp4"
    assert header(answer, "Cache-Control") == "public, immutable"
    assert header(answer, "Content-Length") == "100"
    assert header(answer, "Accept-Ranges") == "bytes"
    assert header(answer, "ETag") == '"s1-video-1-0.m4s"'
    assert header(answer, "Date") == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert header(answer, "Timing-Allow-Origin") == "*"
    assert header(answer, "Vary") is None
    exposed = header(answer, "Access-Control-Expose-Headers")
    assert exposed == "Date, Age, ETag, Server-Timing, Content-Length, Content-Range"


def test_an_answer_from_memory_says_how_old_it_is(clock: Clock) -> None:
    entry = playlist(clock)
    assert header(select(entry, "GET", Fields(), clock), "Age") is None
    clock.tick(1_700_000_001)
    clock.tick(1_700_000_002)
    answer = select(entry, "GET", Fields(), clock)
    assert header(answer, "Age") == "2"
    assert header(answer, "Date") == "Tue, 14 Nov 2023 22:13:22 GMT"


def test_the_prepared_bytes_are_the_same_answer(clock: Clock) -> None:
    entry = playlist(clock)
    entry.plain.renew(clock)
    answer = select(entry, "GET", Fields(), clock)
    assert sorted(entry.plain.wire.split(b"\r\n")) == sorted((answer.head(keeps_alive=True) + TEXT).split(b"\r\n"))


def test_a_large_body_is_not_copied_behind_its_head(clock: Clock) -> None:
    wanted = parse_target("/hls/demo/s1/video-1.m4s")
    body = bytes(100_000)
    entry = make_entry(wanted, HOLDER, KEY, body, content_type="video/mp4", cache_control="x", clock=clock)
    entry.plain.renew(clock)
    assert entry.plain.wire.endswith(b"\r\n\r\n")
    assert entry.plain.tail is body


def test_a_playlist_is_packed_for_those_who_take_it(clock: Clock) -> None:
    entry = playlist(clock)
    packed = select(entry, "GET", Fields(takes_gzip=True), clock)
    plain = select(entry, "GET", Fields(), clock)
    assert gzip.decompress(packed.body) == TEXT
    assert header(packed, "Content-Encoding") == "gzip"
    assert header(packed, "Content-Length") == str(len(packed.body))
    assert header(plain, "Content-Encoding") is None
    assert header(packed, "Vary") == header(plain, "Vary") == "Accept-Encoding"
    assert header(packed, "ETag") != header(plain, "ETag")


def test_media_is_never_packed(clock: Clock) -> None:
    answer = select(media(clock), "GET", Fields(takes_gzip=True), clock)
    assert bytes(answer.body) == BODY
    assert header(answer, "Content-Encoding") is None


def test_a_playlists_tag_is_its_content(clock: Clock) -> None:
    first, same, other = playlist(clock), playlist(clock), playlist(clock, TEXT + b"x")
    assert first.plain.etag == same.plain.etag != other.plain.etag


def test_head_has_the_fields_of_get_and_no_body(clock: Clock) -> None:
    entry = media(clock)
    answer = select(entry, "HEAD", Fields(range="bytes=0-1"), clock)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.fields == select(entry, "GET", Fields(), clock).fields


@pytest.mark.parametrize(
    ("value", "matches"),
    [
        ('"s1-video-1-0.m4s"', True),
        ('W/"s1-video-1-0.m4s"', True),
        ('"x", "s1-video-1-0.m4s"', True),
        ("*", True),
        ('"x"', False),
        ("s1-video-1-0.m4s", False),
        ("", False),
    ],
)
def test_a_known_tag_is_answered_without_the_body(value: str, matches: bool, clock: Clock) -> None:
    answer = select(media(clock), "GET", Fields(if_none_match=value, range="bytes=0-0"), clock)
    assert answer.status == (304 if matches else 206)
    if matches:
        assert answer.body == b""
        assert header(answer, "ETag") == '"s1-video-1-0.m4s"'
        assert header(answer, "Cache-Control") == "public, immutable"
        assert header(answer, "Content-Length") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=10-19", (10, 19)),
        ("bytes=90-", (90, 99)),
        ("bytes=90-1000", (90, 99)),
        ("bytes=-10", (90, 99)),
        ("bytes=-1000", (0, 99)),
        ("bytes= 5-6", (5, 6)),
    ],
)
def test_one_range_is_cut_out(value: str, expected: tuple[int, int], clock: Clock) -> None:
    answer = select(media(clock), "GET", Fields(range=value), clock)
    first, last = expected
    assert (answer.status, bytes(answer.body)) == (206, BODY[first : last + 1])
    assert header(answer, "Content-Range") == f"bytes {first}-{last}/100"
    assert header(answer, "Content-Length") == str(last + 1 - first)


@pytest.mark.parametrize("value", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(value: str, clock: Clock) -> None:
    answer = select(media(clock), "GET", Fields(range=value), clock)
    assert (answer.status, answer.body) == (416, b"")
    assert header(answer, "Content-Range") == "bytes */100"
    assert header(answer, "Access-Control-Allow-Origin") == "*"


@pytest.mark.parametrize("value", ["bytes=0-1,5-6", "bytes=5-4", "bytes=-", "bytes=a-b", "items=0-1", "bytes=", "x"])
def test_other_ranges_get_everything(value: str, clock: Clock) -> None:
    assert select(media(clock), "GET", Fields(range=value), clock).status == 200


@pytest.mark.parametrize(
    ("if_range", "status"),
    [('"s1-video-1-0.m4s"', 206), ('W/"s1-video-1-0.m4s"', 200), ("Tue, 14 Nov 2023 22:13:20 GMT", 200)],
)
def test_if_range_needs_the_strong_tag(if_range: str, status: int, clock: Clock) -> None:
    assert select(media(clock), "GET", Fields(range="bytes=0-1", if_range=if_range), clock).status == status


def test_a_range_of_a_playlist_is_one_of_its_plain_text(clock: Clock) -> None:
    answer = select(playlist(clock), "GET", Fields(range="bytes=0-6", takes_gzip=True), clock)
    assert bytes(answer.body) == b"#EXTM3U"


def test_an_error_is_the_envelope_for_everyone(clock: Clock) -> None:
    entry = make_error(ErrorCode.UNAVAILABLE, "later", cache_control="no-store", retry_after_s=3)
    answer = select(entry, "GET", Fields(range="bytes=0-1", if_none_match="*"), clock)
    assert answer.status == 503
    assert msgspec.json.decode(answer.body) == {
        "success": False,
        "error": {"code": "UNAVAILABLE", "message": "later", "retryAfterMs": 3000},
    }
    assert header(answer, "Retry-After") == "3"
    assert header(answer, "Cache-Control") == "no-store"
    assert header(answer, "Access-Control-Allow-Origin") == "*"


def test_only_media_playlists_count_a_viewer(clock: Clock) -> None:
    assert select(playlist(clock), "GET", Fields(), clock).viewed == "c1"
    assert select(media(clock), "GET", Fields(), clock).viewed is None
    for target, viewed in [
        ("/hls/demo/s1/rewind-video.m3u8", "c1"),
        ("/hls/demo/rewind.m3u8", None),
        ("/vods/v1/video.m3u8", None),
    ]:
        wanted = parse_target(target)
        holder = HOLDER if wanted.root == "hls" else Holder("vod:v1", "public")
        entry = make_entry(wanted, holder, "k", TEXT, content_type="a/b", cache_control="max-age=1", clock=clock)
        assert select(entry, "GET", Fields(), clock).viewed == viewed


def test_a_permit_has_neither_body_nor_length(clock: Clock) -> None:
    entry = make_permit(7)
    entry.plain.renew(clock)
    for head in (entry.plain.wire, select(entry, "GET", Fields(), clock).head(keeps_alive=True)):
        assert head.startswith(b"HTTP/1.1 204 ")
        assert b"\r\nContent-Length" not in head
        assert b"Cache-Control: public, max-age=7\r\n" in head


def test_a_redirect_says_where_the_file_is(clock: Clock) -> None:
    wanted = parse_target("/vods/v1/video-1.m4s")
    entry = make_redirect(wanted, HOLDER, "k", "https://s3/x?sig=1", cache_control="public, max-age=9", clock=clock)
    answer = select(entry, "GET", Fields(range="bytes=0-1", takes_gzip=True), clock)
    assert (answer.status, answer.body) == (302, b"")
    assert header(answer, "Location") == "https://s3/x?sig=1"
    assert header(answer, "Cache-Control") == "public, max-age=9"
    assert header(answer, "Access-Control-Allow-Origin") == "*"


def test_a_preflight_allows_what_players_send(clock: Clock) -> None:
    answer = preflight(clock)
    assert answer.status == 204
    assert header(answer, "Access-Control-Allow-Methods") == "GET, HEAD, OPTIONS"
    assert "Range" in (header(answer, "Access-Control-Allow-Headers") or "")
    assert header(answer, "Content-Length") is None
