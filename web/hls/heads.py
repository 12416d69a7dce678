"""Request heads: httptools' parser fed with exactly one head, and the few fields that delivery obeys (RFC 9110, 9112).

BadHead      the peer's fault; carries the status to answer with before closing
"""

from http import HTTPStatus
from typing import Final

import httptools
import msgspec

MAX_HEAD_BYTES: Final = 8 * 1024
MAX_FIELDS: Final = 100


class BadHead(Exception):
    """The head breaks the grammar or a limit; the connection cannot go on."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Fields(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the header section asks for. `is_plain`: a GET with it is answered by the whole representation."""

    keeps_alive: bool = True
    takes_gzip: bool = False
    has_body: bool = False
    range: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None
    cookie: str | None = None
    user_agent: str | None = None
    origin: str | None = None
    referer: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing in it changes the answer but the content coding."""
        return self.keeps_alive and not self.has_body and self.range is None and self.if_none_match is None


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request as both doors hand it in: the delivery port and aiohttp's route."""

    method: str
    target: str
    fields: Fields


_OBEYED: Final = frozenset(
    [
        b"accept-encoding",
        b"range",
        b"if-range",
        b"if-none-match",
        b"cookie",
        b"user-agent",
        b"host",
        b"origin",
        b"referer",
    ]
)


class _Reader:
    """The callbacks of httptools for one head."""

    __slots__ = ("count", "fields", "is_complete", "keeps_alive", "parser", "url")

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""
        self.fields: dict[bytes, bytes] = {}
        self.count = 0
        self.keeps_alive = False
        self.is_complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.count += 1
        if self.count > MAX_FIELDS:
            raise BadHead(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {MAX_FIELDS} header fields")
        name = name.lower()
        if name not in _OBEYED:
            return
        if name in self.fields:
            if name == b"host":
                raise BadHead(HTTPStatus.BAD_REQUEST, "more than one Host field")  # RFC 9112, section 3.2
            value = self.fields[name] + (b"; " if name == b"cookie" else b", ") + value
        self.fields[name] = value

    def on_headers_complete(self) -> None:
        self.keeps_alive = self.parser.should_keep_alive()

    def on_message_complete(self) -> None:
        self.is_complete = True


def parse_head(head: bytes) -> Request:
    """Parse one whole head, its empty line included; raise `BadHead` for anything that is not HTTP/1.0 or 1.1."""
    reader = _Reader()
    try:
        reader.parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # an offer we may ignore (RFC 9110, section 7.8): curl sends h2c to every server
    except httptools.HttpParserError as error:
        if isinstance(error.__context__, BadHead):
            raise error.__context__ from None
        raise BadHead(HTTPStatus.BAD_REQUEST, f"not HTTP: {error}") from error
    version = reader.parser.get_http_version()
    if version not in ("1.0", "1.1"):
        raise BadHead(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, f"HTTP/{version} is not spoken here")
    if version == "1.1" and b"host" not in reader.fields:
        raise BadHead(HTTPStatus.BAD_REQUEST, "no Host field")  # RFC 9112, section 3.2
    return Request(
        reader.parser.get_method().decode(),
        reader.url.decode("latin-1"),
        read_fields(
            {name.decode("latin-1"): value.decode("latin-1") for name, value in reader.fields.items()},
            keeps_alive=reader.keeps_alive and version == "1.1",
            has_body=not reader.is_complete,
        ),
    )


def read_fields(fields: dict[str, str], *, keeps_alive: bool, has_body: bool) -> Fields:
    """Pick what delivery obeys out of header fields with lower-case names."""
    get = fields.get
    return Fields(
        keeps_alive=keeps_alive,
        takes_gzip=_takes_gzip(get("accept-encoding", "")),
        has_body=has_body,
        range=get("range"),
        if_range=get("if-range"),
        if_none_match=get("if-none-match"),
        cookie=get("cookie"),
        user_agent=get("user-agent"),
        origin=get("origin"),
        referer=get("referer"),
    )


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is named with a weight above zero (RFC 9110, section 12.5.3)."""
    for item in accept_encoding.lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
