"""Where a source is sent on to: the address taken apart, and what may be said of it.

Errors: `BadTarget` (the text is a sentence for the target's owner; it holds no key).
"""

from typing import Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from media.rtmp.address import parse_url

HIDDEN = "…"
MIN_HIDDEN_CHARS = 4
"""Shorter parts of an address hide too much of a sentence and are no secret."""
SRT_LATENCY_MS = 200
MAX_SRT_LATENCY_MS = 8_000


class BadTarget(Exception):
    """No address that a source can be sent to."""


class Target(msgspec.Struct, frozen=True):
    """`url` holds the key; of SRT, `streamid`, `passphrase` and `latency_ms` are out of its query."""

    kind: Literal["rtmp", "rtmps", "srt"]
    url: str
    host: str
    port: int
    secrets: tuple[str, ...]
    streamid: str = ""
    passphrase: str = ""
    latency_ms: int = SRT_LATENCY_MS

    def __repr__(self) -> str:
        return f"Target({self.kind}://{self.host})"

    def hide(self, text: str) -> str:
        """Return a text, of the other server for instance, without anything secret of the address."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def read_target(url: str) -> Target:
    """Take an address apart. Raises `BadTarget`."""
    scheme = url.partition(":")[0]
    try:
        return _srt(url) if scheme == "srt" else _rtmp(url)
    except ValueError as error:
        raise BadTarget(f"The address cannot be used: {error}.") from error


def _rtmp(url: str) -> Target:
    parsed = parse_url(url)
    key = parsed.name.partition("?")[0]
    return Target(
        "rtmps" if parsed.is_secure else "rtmp",
        url,
        parsed.host,
        parsed.port,
        _secrets(parsed.name, key, parsed.name.partition("?")[2]),
    )


def _srt(url: str) -> Target:
    # `#!::` of an access control streamid is no fragment, and stands as it is in what people copy.
    parts = urlsplit(url.replace("#", "%23"))
    if not parts.hostname or parts.port is None:
        raise ValueError("an SRT address is srt://HOST:PORT?streamid=…")
    query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=32))
    streamid, passphrase = query.get("streamid", ""), query.get("passphrase", "")
    keys = [part.partition("=")[2] for part in streamid.split(",") if part.startswith(("u=", "s=", "key="))]
    return Target(
        "srt",
        url,
        parts.hostname,
        parts.port,
        _secrets(streamid, passphrase, *keys),
        streamid=streamid,
        passphrase=passphrase,
        latency_ms=_latency(query.get("latency", "")),
    )


def _latency(text: str) -> int:
    """Return milliseconds; FFmpeg counts in microseconds, everybody else, OBS too, copies that."""
    if not text.isascii() or not text.isdigit():
        return SRT_LATENCY_MS
    number = int(text[:12])
    number = number // 1000 if number > MAX_SRT_LATENCY_MS else number
    return min(max(number, SRT_LATENCY_MS), MAX_SRT_LATENCY_MS)


def _secrets(*parts: str) -> tuple[str, ...]:
    """The longest first: what holds another has to go before it."""
    long_enough = {part for part in parts if len(part) >= MIN_HIDDEN_CHARS}
    return tuple(sorted(long_enough, key=len, reverse=True))
