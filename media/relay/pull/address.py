"""The address of a stream to pull, taken apart: which kind of source it is, and what may be said of it.

Errors: `BadSource` (the text is a sentence for whoever typed it; it holds no password).
"""

from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

DEFAULT_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}
"""RFC 7826, section 5.1.1: 322 for rtsps."""
NETWORK_KINDS = frozenset({*DEFAULT_PORTS, "srt"})
TRUSTED_KINDS = frozenset({"file", "udp"})
"""Of administrators only: they reach into this machine and its network."""
FIRST_UDP_PORT = 1024
MAX_URL_CHARS = 2_000


class BadSource(Exception):
    """No address that can be pulled."""


class SourceAddress(msgspec.Struct, frozen=True):
    """`kind` is the scheme. Of a file, `path` is its name below the directory of files, and there is no host."""

    kind: str
    url: str
    host: str
    port: int
    path: str = ""
    user: str = ""
    password: str = ""

    @property
    def label(self) -> str:
        """Return what may be shown and logged: no path, no query, no password."""
        return f"{self.kind}://{self.host}" if self.host else self.kind

    def __repr__(self) -> str:
        return f"SourceAddress({self.label!r})"


def read_source(url: str, *, is_trusted: bool) -> SourceAddress:
    """Take an address apart. Raises `BadSource`."""
    if len(url) > MAX_URL_CHARS or not url.isprintable():
        raise BadSource("That is no address of a stream.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadSource("The address is not well-formed.") from error
    if parts.scheme in TRUSTED_KINDS and not is_trusted:
        raise BadSource(f"Only an administrator may have {parts.scheme}: addresses fetched.")
    if parts.scheme == "file":
        return SourceAddress("file", url, "", 0, unquote(parts.netloc + parts.path).lstrip("/"))
    if parts.scheme == "udp":
        return _udp(url, parts, port)
    if parts.scheme not in NETWORK_KINDS:
        raise BadSource("Streams are fetched from http, https, rtsp, rtsps, rtmp, rtmps and srt addresses.")
    if not parts.hostname:
        raise BadSource("The address names no server.")
    if port is None:
        if parts.scheme == "srt":
            raise BadSource("An SRT address needs a port.")
        port = DEFAULT_PORTS[parts.scheme]
    return SourceAddress(
        parts.scheme,
        url,
        parts.hostname,
        port,
        parts.path,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def _udp(url: str, parts: SplitResult, port: int | None) -> SourceAddress:
    if port is None or port < FIRST_UDP_PORT:
        raise BadSource(f"A UDP address needs a port from {FIRST_UDP_PORT} on, as in udp://239.1.2.3:5000.")
    return SourceAddress("udp", url, parts.hostname or "0.0.0.0", port)  # an administrator's wish
