"""What a caller wants, by its streamid (SRT Access Control Guidelines; AccessControl.md of the SRT project).

    KEY                                        publish
    KEY?priority=1&takeover=1                  publish, with parameters as RTMP has them
    #!::r=CHANNEL,m=publish,u=KEY[,priority=1] publish to this channel and no other
    #!::r=CHANNEL,m=request[,u=KEY]            play; the key is needed where not everybody may watch

Some callers send the percent-encoded form of their URL.
"""

from urllib.parse import parse_qsl, unquote

import msgspec

MAX_KEY_CHARS = 256
MAX_PARAMS = 32
APP = "live/"
"""What people leave before the key or the channel, as in RTMP addresses."""
_MARK = "#!::"
_ENCODED_MARK = "%23!"
_STANDARD = frozenset("rumhst")
"""Resource, user, mode, host, session, type; anything else is a parameter."""


class Publish(msgspec.Struct, frozen=True):
    """Media will come. `channel` "" is the key's own, whatever it is."""

    key: str
    channel: str
    params: dict[str, str]


class Request(msgspec.Struct, frozen=True):
    """Media is to be sent. `key` "" is none."""

    channel: str
    key: str


class Malformed(Exception):
    """Nobody can say what the caller wants."""


class BadMode(Exception):
    """It wants something that is neither to publish nor to play."""


def parse(streamid: bytes) -> Publish | Request:
    """Return what a caller wants. Raises `Malformed` or `BadMode`; neither text holds the key."""
    try:
        text = streamid.decode().strip().strip("\0")
    except UnicodeDecodeError:
        raise Malformed("the streamid is not UTF-8") from None
    if text.startswith(_ENCODED_MARK) or "%" in text:
        text = unquote(text)
    if any(ord(char) < 32 for char in text):
        raise Malformed("the streamid holds control characters")
    if text.startswith(_MARK):
        return _standard(text.removeprefix(_MARK))
    if text.startswith("#!"):
        raise Malformed("the streamid is not of the form #!::key=value,key=value")
    key, _, query = text.partition("?")
    return Publish(_key(key), "", _params(query))


def _standard(text: str) -> Publish | Request:
    values: dict[str, str] = {}
    for pair in text.split(","):
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not name or name in values:
            raise Malformed("the streamid is not of the form #!::key=value,key=value")
        values[name] = value.strip()
    if len(values) > MAX_PARAMS:
        raise Malformed(f"the streamid has more than {MAX_PARAMS} values")
    channel, user = values.get("r", "").strip("/").removeprefix(APP), values.get("u", "")
    mode = values.get("m", "request")  # what the guidelines say of one without
    if mode == "publish":
        params = {name: value for name, value in values.items() if name not in _STANDARD}
        if user:
            return Publish(_key(user), channel, params)
        return Publish(_key(channel), "", params)  # encoders that only know a resource have the key there
    if mode != "request":
        raise BadMode(f"the mode {mode[:16]!r} is neither publish nor request")
    if not channel:
        raise Malformed("the streamid names no channel to play (r=)")
    return Request(channel, user)


def _key(text: str) -> str:
    key = text.strip("/").removeprefix(APP)
    if not key:
        raise Malformed("the streamid holds no stream key")
    if len(key) > MAX_KEY_CHARS:
        raise Malformed(f"the stream key is longer than {MAX_KEY_CHARS} characters")
    return key


def _params(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMS))
    except ValueError:
        raise Malformed(f"the streamid has more than {MAX_PARAMS} parameters") from None
