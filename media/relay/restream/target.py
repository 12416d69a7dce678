"""Where a source is sent on to: the address taken apart, and what may be said of it.

Errors: `BadTarget` (the text is a sentence for the target's owner; it holds no key).
"""

from typing import Literal

import msgspec

from media.relay.calling import CallAddress, read_call
from media.rtmp.address import parse_url

HIDDEN = "…"
MIN_HIDDEN_CHARS = 4
"""Shorter parts of an address hide too much of a sentence and are no secret."""
SRT_LATENCY_MS = 200
"""Or what the address says, if that is more."""


class BadTarget(Exception):
    """No address that a source can be sent to."""


class Target(msgspec.Struct, frozen=True):
    """`url` holds the key; of SRT, `call` is what it says."""

    kind: Literal["rtmp", "rtmps", "srt"]
    url: str
    host: str
    port: int
    secrets: tuple[str, ...]
    call: CallAddress | None = None

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
    call = read_call(url)
    call = msgspec.structs.replace(call, latency_ms=max(call.latency_ms, SRT_LATENCY_MS))
    keys = [part.partition("=")[2] for part in call.streamid.split(",") if part.startswith(("u=", "s=", "key="))]
    return Target("srt", url, call.host, call.port, _secrets(call.streamid, call.passphrase, *keys), call)


def _secrets(*parts: str) -> tuple[str, ...]:
    """The longest first: what holds another has to go before it."""
    long_enough = {part for part in parts if len(part) >= MIN_HIDDEN_CHARS}
    return tuple(sorted(long_enough, key=len, reverse=True))
