from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.hls.heads import MAX_FIELDS, BadHead, parse_head

GET = b"GET /hls/demo/s1/video.m3u8?x=1 HTTP/1.1\r\nHost: a\r\n"


def test_a_head_gives_method_target_and_the_fields_that_matter() -> None:
    request = parse_head(
        GET + b'RANGE: bytes=0-1\r\nif-none-match: "a"\r\nIf-Range: "b"\r\nCookie: v=1\r\nUser-Agent: mpv\r\n\r\n'
    )
    assert (request.method, request.target) == ("GET", "/hls/demo/s1/video.m3u8?x=1")
    fields = request.fields
    assert (fields.range, fields.if_none_match, fields.if_range) == ("bytes=0-1", '"a"', '"b"')
    assert (fields.cookie, fields.user_agent) == ("v=1", "mpv")
    assert fields.keeps_alive
    assert not fields.has_body
    assert not fields.is_plain


def test_repeated_fields_are_one_list_and_cookies_one_cookie() -> None:
    fields = parse_head(GET + b"Cookie: a=1\r\nCookie: b=2\r\nIf-None-Match: a\r\nIf-None-Match: b\r\n\r\n").fields
    assert (fields.cookie, fields.if_none_match) == ("a=1; b=2", "a, b")


@pytest.mark.parametrize(
    ("value", "takes"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("br, gzip; q=0", False),
        ("gzip;q=0.000", False),
        ("identity", False),
        ("notgzip", False),
        ("", False),
    ],
)
def test_gzip_is_taken_when_named_with_weight(value: str, takes: bool) -> None:
    assert parse_head(GET + b"Accept-Encoding: " + value.encode() + b"\r\n\r\n").fields.takes_gzip is takes


@pytest.mark.parametrize(
    ("head", "keeps_alive"),
    [
        (GET + b"\r\n", True),
        (GET + b"Connection: keep-alive\r\n\r\n", True),
        (GET + b"Connection: close\r\n\r\n", False),
        (GET + b"Connection: foo, Close\r\n\r\n", False),
        (b"GET /hls/x HTTP/1.0\r\n\r\n", False),
        (b"GET /hls/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
    ],
)
def test_a_connection_is_kept_as_http_1_1_says(head: bytes, keeps_alive: bool) -> None:
    assert parse_head(head).fields.keeps_alive is keeps_alive


@pytest.mark.parametrize(
    ("fields", "has_body"),
    [
        (b"Content-Length: 0\r\n", False),
        (b"Content-Length: 1\r\n", True),
        (b"Transfer-Encoding: chunked\r\n", True),
    ],
)
def test_a_body_is_seen(fields: bytes, has_body: bool) -> None:
    assert parse_head(GET + fields + b"\r\n").fields.has_body is has_body


def test_an_offer_to_upgrade_is_ignored() -> None:
    head = GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    fields = parse_head(head).fields
    assert fields.keeps_alive
    assert fields.is_plain


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /hls/x HTTP/1.1\r\n\r\n", HTTPStatus.BAD_REQUEST),  # no Host
        (GET + b"Host: b\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (GET + b"no colon\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (GET + b"Content-Length: -1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"BREW /hls/x HTTP/1.1\r\nHost: a\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /hls/x y HTTP/1.1\r\nHost: a\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /hls/x HTTP/1.1\nHost: a\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /hls/x HTTP/3.0\r\nHost: a\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /hls/x HTTP/2.0\r\nHost: a\r\n\r\n", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED),
        (GET + b"A: b\r\n" * MAX_FIELDS + b"\r\n", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
def test_a_head_that_breaks_the_rules_is_refused(head: bytes, status: HTTPStatus) -> None:
    with pytest.raises(BadHead) as refused:
        parse_head(head)
    assert refused.value.status == status


def test_as_many_fields_as_allowed_are_allowed() -> None:
    assert parse_head(GET + b"A: b\r\n" * (MAX_FIELDS - 1) + b"\r\n").method == "GET"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_bad_head(data: bytes) -> None:
    for head in (data + b"\r\n\r\n", GET + data + b"\r\n\r\n"):
        try:
            parse_head(head)
        except BadHead:
            continue
