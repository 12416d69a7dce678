"""Addresses of other servers, as owners type them: looked at early, shown without what is secret in them.

The relay checks again whom it really connects to (`config/addresses.py`); here nothing is resolved.
"""

from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from config.addresses import Forbidden, Reach
from web.calls import bad_field

ADMINISTRATORS = frozenset({"file", "udp"})
"""Of these only administrators may have streams fetched: they are of this machine and its network."""
WITH_PATH_KEY = frozenset({"rtmp", "rtmps"})
"""In their addresses a stream key may be the last part of the path."""


def check(field: str, url: str, reach: Reach) -> SplitResult:
    """Return the address in its parts. Raises INVALID_REQUEST for what can't be one, or is of a private network."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise bad_field(field, "is not an address") from None
    if parts.scheme == "file":
        return parts
    if not host or port == 0:
        raise bad_field(field, "names no server")
    if parts.scheme in {"srt", "udp"} and port is None:
        raise bad_field(field, f"needs a port, as in {parts.scheme}://{host}:9000")
    if parts.scheme == "udp":
        return parts  # multicast groups are no public addresses; only administrators get here
    try:
        reach.check_host(host)
    except Forbidden:
        raise bad_field(field, "is in a network that may not be reached from here (TALLY_PULL_ALLOW)") from None
    return parts


def shown(url: str) -> str:
    """Return what may be seen of an address: no user, no password, no query, of RTMP no more than the application."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return url
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    place = f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"
    if parts.scheme in WITH_PATH_KEY:
        application, _, rest = parts.path.strip("/").partition("/")
        return f"{place}/{application}" + ("/…" if rest else "")
    tokens_hidden = "/".join("~…" if part.startswith("~") else part for part in parts.path.split("/"))
    return place + tokens_hidden


def with_key(url: str, key: str) -> str:
    """Return the address with its key in it. Raises INVALID_REQUEST when there is a stream id already."""
    if not key:
        return url
    parts = urlsplit(url)
    if parts.scheme in WITH_PATH_KEY:
        return parts._replace(path=f"{parts.path.rstrip('/')}/{key}").geturl()
    if any(name == "streamid" for name, _ in parse_qsl(parts.query)):
        raise bad_field("key", "is in the address already, as its streamid")
    query = f"{parts.query}&" if parts.query else ""
    return parts._replace(query=f"{query}streamid={quote(key, safe='')}").geturl()
