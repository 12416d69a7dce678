"""RTMP URLs, and the stream name a publisher means by `app`, `tcUrl` and the name it publishes.

`rtmp://host/live/KEY?a=1` reaches us as app "live" and name "KEY?a=1"; a longer path as app "live/more". Encoders
with one field for the whole URL leave the name empty and put the key into app and tcUrl.
"""

from urllib.parse import parse_qsl, urlsplit

import msgspec

MAX_KEY_CHARS = 256
MAX_PARAMS = 32
"""Pairs behind `?` that are handed on."""
DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}


class StreamName(msgspec.Struct, frozen=True):
    """What a publisher asked for. Neither `app` nor `tc_url` holds the key."""

    key: str
    params: dict[str, str]
    app: str
    tc_url: str


def stream_name(app: str, tc_url: str, name: str) -> StreamName | str:
    """Return what a publisher means, or a sentence for him why it can't be used."""
    app, _, app_query = app.strip().partition("?")
    key, _, query = name.strip().partition("?")
    app, key = app.strip("/"), key.strip("/")
    if not key and "/" in app:
        app, _, key = app.rpartition("/")
    if not key:
        return "The stream key is missing."
    if len(key) > MAX_KEY_CHARS:
        return f"The stream key is longer than {MAX_KEY_CHARS} characters."
    base = tc_url.partition("?")[0].rstrip("/")
    if base.endswith(f"/{key}"):
        base = base.removesuffix(f"/{key}")
    return StreamName(key=key, params=_params(app_query) | _params(query), app=app, tc_url=base)


def _params(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMS))
    except ValueError:
        return {}  # more than MAX_PARAMS: nobody's key


class RtmpUrl(msgspec.Struct, frozen=True):
    """A publish URL taken apart: the last segment and the query are the stream's name, the rest of the path the app."""

    is_secure: bool
    host: str
    port: int
    app: str
    name: str

    @property
    def tc_url(self) -> str:
        """The URL without the name, as `connect` wants it."""
        scheme = "rtmps" if self.is_secure else "rtmp"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/{self.app}"


def parse_url(url: str) -> RtmpUrl:
    """Take a publish URL apart; raises `ValueError` with a text that doesn't hold the key."""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("an RTMP URL begins with rtmp://HOST/ or rtmps://HOST/")
    app, _, name = parts.path.strip("/").rpartition("/")
    if not app or not name:
        raise ValueError("an RTMP URL ends in /APP/STREAMKEY")
    if parts.query:
        name += f"?{parts.query}"
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return RtmpUrl(is_secure=parts.scheme == "rtmps", host=parts.hostname, port=port, app=app, name=name)
