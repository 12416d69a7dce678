"""Which answer a request gets out of an entry: HEAD, conditions, ranges, content coding (RFC 9110, 12 to 14)."""

import re
from typing import Final

import msgspec

from schemas.ids import ChannelId
from web.hls.clock import Clock
from web.hls.entries import CORS, Entry, Representation, length_line, status_line
from web.hls.heads import Fields
from web.hls.targets import Kind

METHODS: Final = "GET, HEAD, OPTIONS"
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)
_PREFLIGHT_FIELDS: Final = (
    CORS
    + b"Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"
    + b"Access-Control-Allow-Headers: Range, If-Range, If-None-Match, Cache-Control, *\r\n"
    + b"Access-Control-Max-Age: 86400\r\n"
    + b"Allow: GET, HEAD, OPTIONS\r\n"
)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A whole answer. `fields` are header lines, all but `Connection`; `viewed` as in `Entry`."""

    status: int
    fields: bytes
    body: bytes | memoryview
    kind: Kind = Kind.OTHER
    viewed: ChannelId | None = None

    def head(self, *, keeps_alive: bool) -> bytes:
        """Return the status line and the header section."""
        connection = b"" if keeps_alive else b"Connection: close\r\n"
        return status_line(self.status) + self.fields + connection + b"\r\n"


def preflight(clock: Clock) -> Answer:
    """Return the answer to a CORS preflight: everything here is public."""
    return Answer(204, _PREFLIGHT_FIELDS + clock.date_line, b"")


def whole(entry: Entry, clock: Clock, *, with_body: bool = True) -> Answer:
    """Return the entry's identity representation as it is, whatever the request says."""
    return _whole(entry, entry.plain, clock, with_body)


def select(entry: Entry, method: str, fields: Fields, clock: Clock) -> Answer:
    """Return what a GET or HEAD with these fields gets."""
    wants_range = fields.range is not None and method == "GET" and entry.status == 200  # section 14.2: GET only
    chosen = entry.zipped if fields.takes_gzip and not wants_range else entry.plain
    if fields.if_none_match is not None and chosen.etag is not None and _matches(fields.if_none_match, chosen.etag):
        return Answer(304, chosen.fields + chosen.moment(clock), b"", entry.kind, entry.viewed)
    if wants_range and _still_same(fields.if_range, chosen):
        partial = _partial(entry, chosen, fields.range or "", clock)
        if partial is not None:
            return partial
    return _whole(entry, chosen, clock, method != "HEAD")


def _whole(entry: Entry, chosen: Representation, clock: Clock, with_body: bool) -> Answer:
    fields = chosen.fields + length_line(chosen.status, len(chosen.body)) + chosen.moment(clock)
    return Answer(chosen.status, fields, chosen.body if with_body else b"", entry.kind, entry.viewed)


def _matches(if_none_match: str, etag: bytes) -> bool:
    """Compare weakly, as section 13.1.2 wants."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag.decode("latin-1") in tags


def _still_same(if_range: str | None, chosen: Representation) -> bool:
    """If-Range: only a strong match of the tag lets a range be a range (section 13.1.5)."""
    return if_range is None or (chosen.etag is not None and if_range.strip() == chosen.etag.decode("latin-1"))


def _partial(entry: Entry, chosen: Representation, wanted: str, clock: Clock) -> Answer | None:
    """Answer one byte range with 206 or 416; None for what may be ignored: other units, several ranges, bad syntax."""
    match = _RANGE.fullmatch(wanted.replace(" ", ""))
    if match is None or match.group(0) == "bytes=-":
        return None
    size = len(chosen.body)
    first_text, last_text = match.groups()
    if first_text:
        first = int(first_text)
        last = min(int(last_text), size - 1) if last_text else size - 1
        if last_text and int(last_text) < first:
            return None
    else:
        first, last = max(0, size - int(last_text)), size - 1
    if first >= size:
        fields = CORS + b"Content-Range: bytes */%d\r\nContent-Length: 0\r\n%b" % (size, clock.date_line)
        return Answer(416, fields, b"", entry.kind)
    fields = b"%bContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n%b" % (
        chosen.fields,
        first,
        last,
        size,
        last + 1 - first,
        chosen.moment(clock),
    )
    return Answer(206, fields, memoryview(chosen.body)[first : last + 1], entry.kind, entry.viewed)
