"""What delivery holds of one resource: its representations, with the header section written once for all."""

import gzip
import hashlib
from http import HTTPStatus
from typing import Final

import msgspec

from schemas.access import Visibility
from schemas.errors import STATUS, ErrorBody, ErrorCode, Failure, failure
from schemas.ids import ChannelId
from schemas.ingest import LiveEntry
from web.hls.clock import Clock
from web.hls.targets import PLAYLISTS, Kind, Wanted

CORS: Final = (
    b"Access-Control-Allow-Origin: *\r\n"
    b"Access-Control-Expose-Headers: Date, Age, ETag, Server-Timing, Content-Length, Content-Range\r\n"
    b"Cross-Origin-Resource-Policy: cross-origin\r\n"
    b"Timing-Allow-Origin: *\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
)
"""On every answer, errors too: a player that may not read a 404 retries it as a network error."""
SHORT_LIFE: Final = "public, max-age=1"
NO_STORE: Final = "no-store"
RETRY_AFTER_S: Final = 1
"""An origin that was killed is back by then, or its stream has moved."""
_ONE_WRITE_BYTES: Final = 16 * 1024  # up to here, joining head and body is cheaper than a second buffer to write
_GZIP_LEVEL: Final = 5  # 3 KB of playlist: 60 us, 3 % larger than level 9
_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def status_line(status: int) -> bytes:
    """Return the first line of an answer."""
    return _STATUS_LINES[status]


def length_line(status: int, size: int) -> bytes:
    """Return Content-Length, which a 204 must not have (RFC 9110, section 8.6)."""
    return b"" if status == HTTPStatus.NO_CONTENT else b"Content-Length: %d\r\n" % size


class Holder(msgspec.Struct, frozen=True, gc=False):
    """Whose a resource is: `scope` opens it (`schemas.access`). `channel_id` and `channel_name` are a live one's."""

    scope: str
    visibility: Visibility
    channel_id: ChannelId | None = None
    channel_name: str | None = None


def holder_of(live: LiveEntry) -> Holder:
    """Return whose the files of a live stream are."""
    return Holder(f"channel:{live.channel_id}", live.visibility, live.channel_id, live.channel_name)


class Representation:
    """One body in one content coding. `wire` and `tail` are its bytes on the wire for the second of `stamp`."""

    __slots__ = ("_born_tick", "body", "etag", "fields", "stamp", "status", "tail", "wire")

    def __init__(self, status: int, fields: bytes, body: bytes, etag: bytes | None, born_tick: int | None) -> None:
        self.status = status
        self.fields = fields
        self.body = body
        self.etag = etag
        self._born_tick = born_tick
        self.stamp = -1
        self.wire = b""
        self.tail = b""

    def moment(self, clock: Clock) -> bytes:
        """Return the header lines that change with time.

        Age is what players measure a playlist's staleness by; an answer made for this request has none.
        """
        age = 0 if self._born_tick is None else clock.tick_number - self._born_tick
        return clock.date_line + b"Age: %d\r\n" % age if age > 0 else clock.date_line

    def renew(self, clock: Clock) -> None:
        """Write `wire` (and `tail`, for a body that is not worth copying) for this second."""
        length = length_line(self.status, len(self.body))
        head = b"%b%b%b%b\r\n" % (_STATUS_LINES[self.status], self.fields, length, self.moment(clock))
        if len(self.body) <= _ONE_WRITE_BYTES:
            self.wire = head + self.body
        else:
            self.wire, self.tail = head, self.body
        self.stamp = clock.tick_number


class Entry:
    """A resource, or an error in its place, with the moment until which it may be answered from memory.

    `scope` and `visibility` say who may have it; an error that is nobody's has no scope. `viewed` is the channel for
    which a request of this counts as a viewer: set on media playlists of live streams only.
    """

    __slots__ = (
        "channel_id",
        "channel_name",
        "expires_at",
        "is_used",
        "key",
        "kind",
        "plain",
        "scope",
        "size",
        "status",
        "viewed",
        "visibility",
        "zipped",
    )

    def __init__(self, kind: Kind, plain: Representation, zipped: Representation | None = None) -> None:
        self.kind = kind
        self.status = plain.status
        self.plain = plain
        self.zipped = zipped or plain
        self.size = len(plain.body) + (len(zipped.body) if zipped else 0)
        self.key = ""
        self.expires_at = 0.0
        self.is_used = False
        self.scope = ""
        self.visibility: Visibility = "public"
        self.channel_id: ChannelId | None = None
        self.channel_name: str | None = None
        self.viewed: ChannelId | None = None

    def belongs_to(self, channel: str) -> bool:
        """Whether the channel in the URL, id or name, is the one whose session this is of."""
        return channel in (self.channel_id, self.channel_name)


def make_entry(
    wanted: Wanted, holder: Holder, key: str, body: bytes, *, content_type: str, cache_control: str, clock: Clock
) -> Entry:
    """Make the entry of a good answer. `key` is its place in memory."""
    is_playlist = wanted.kind in PLAYLISTS
    changes = is_playlist or wanted.kind is Kind.PICTURE or "immutable" not in cache_control
    name = hashlib.blake2b(body, digest_size=12).hexdigest() if changes else key.replace("/", "-")
    # Public also for what a token opens: the token is in the path, and a cache that shares such an answer between
    # viewers takes the token out of its key and asks `…/access` itself.
    fields = CORS + f"Content-Type: {content_type}\r\nCache-Control: {cache_control}\r\n".encode("latin-1")
    born = clock.tick_number
    if is_playlist:
        fields += b"Vary: Accept-Encoding\r\n"
        packed = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        zipped = _represent(fields + b"Content-Encoding: gzip\r\n", packed, f'"{name}-gzip"', born)
        entry = Entry(wanted.kind, _represent(fields, body, f'"{name}"', born), zipped)
    else:
        entry = Entry(wanted.kind, _represent(fields, body, f'"{name}"', born))
    _own(entry, holder, key)
    is_watched = wanted.kind is Kind.PLAYLIST or (wanted.kind is Kind.REWIND and wanted.session is not None)
    entry.viewed = holder.channel_id if is_watched else None
    return entry


def make_redirect(
    wanted: Wanted, holder: Holder, key: str, location: str, *, cache_control: str, clock: Clock
) -> Entry:
    """Make the entry that sends a viewer to where the file is."""
    fields = CORS + f"Location: {location}\r\nCache-Control: {cache_control}\r\n".encode("latin-1")
    entry = Entry(wanted.kind, Representation(HTTPStatus.FOUND, fields, b"", None, clock.tick_number))
    _own(entry, holder, key)
    return entry


def make_absence(wanted: Wanted, holder: Holder, key: str, code: ErrorCode, message: str) -> Entry:
    """Make the entry of a 400 or 404 that an origin or the archive said."""
    entry = make_error(code, message, kind=wanted.kind)
    _own(entry, holder, key)
    return entry


def make_permit(lifetime_s: int) -> Entry:
    """Make the answer that whoever asked may have it all; a cache may believe it for `lifetime_s`."""
    fields = CORS + b"Cache-Control: public, max-age=%d\r\n" % lifetime_s
    return Entry(Kind.ACCESS, Representation(HTTPStatus.NO_CONTENT, fields, b"", None, None))


def make_unavailable(message: str) -> Entry:
    """Make an answer that says to come back in a moment."""
    return make_error(ErrorCode.UNAVAILABLE, message, cache_control=NO_STORE, retry_after_s=RETRY_AFTER_S)


def make_error(
    code: ErrorCode,
    message: str,
    *,
    status: HTTPStatus | None = None,
    kind: Kind = Kind.OTHER,
    cache_control: str = SHORT_LIFE,
    retry_after_s: int | None = None,
    extra: bytes = b"",
) -> Entry:
    """Make an answer with the envelope that belongs to nobody's session: `extra` are whole header lines."""
    fields = CORS + f"Content-Type: application/json\r\nCache-Control: {cache_control}\r\n".encode() + extra
    body = failure(code, message)
    if retry_after_s is not None:
        fields += b"Retry-After: %d\r\n" % retry_after_s
        body = msgspec.json.encode(Failure(ErrorBody(code, message, retry_after_ms=retry_after_s * 1000)))
    return Entry(kind, Representation(status or STATUS[code], fields, body, None, None))


def _represent(fields: bytes, body: bytes, etag: str, born_tick: int) -> Representation:
    tag = etag.encode("latin-1")
    return Representation(200, fields + b"Accept-Ranges: bytes\r\nETag: " + tag + b"\r\n", body, tag, born_tick)


def _own(entry: Entry, holder: Holder, key: str) -> None:
    entry.key = key
    entry.scope = holder.scope
    entry.visibility = holder.visibility
    entry.channel_id = holder.channel_id
    entry.channel_name = holder.channel_name
