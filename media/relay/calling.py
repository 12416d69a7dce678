"""Calls over SRT to servers of others: the address taken apart, and a connection with the thread that blocks on it.

Errors: those of `media.srt.caller` (`CallFailed`), `NoLibrary`, `ValueError` (the address, or what is in it, cannot be
used; the text holds no secret), `OSError` and `Forbidden` of looking up the host.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import msgspec

from config.addresses import Reach
from media.srt.caller import LATENCY_MS, Caller

MAX_LATENCY_MS = 8_000
"""More is meant in microseconds, as FFmpeg has it; everybody else counts in milliseconds, and copies either."""
MAX_PARAMS = 32


class CallAddress(msgspec.Struct, frozen=True):
    """What `srt://HOST:PORT?streamid=…&passphrase=…&latency=…` says."""

    host: str
    port: int
    streamid: str
    passphrase: str
    latency_ms: int


def read_call(url: str) -> CallAddress:
    """Take an address apart. Raises `ValueError`."""
    # `#!::` of an access control streamid is no fragment, and stands as it is in what people copy.
    parts = urlsplit(url.replace("#", "%23"))
    if not parts.hostname or parts.port is None:
        raise ValueError("an SRT address is srt://HOST:PORT?streamid=…")
    query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=MAX_PARAMS))
    return CallAddress(
        parts.hostname,
        parts.port,
        query.get("streamid", ""),
        query.get("passphrase", ""),
        _latency_ms(query.get("latency", "")),
    )


def _latency_ms(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else LATENCY_MS
    return number if number <= MAX_LATENCY_MS else min(number // 1000, MAX_LATENCY_MS)


class Call:
    """An open connection. One thing at a time."""

    def __init__(self, caller: Caller, thread: ThreadPoolExecutor) -> None:
        self._caller, self._thread = caller, thread

    async def send(self, data: bytes) -> None:
        """Send bytes of a transport stream. Raises `CallFailed`."""
        await asyncio.wrap_future(self._thread.submit(self._caller.send, data))

    async def receive(self) -> bytes:
        """Return what has come, b"" when nothing came for as long as was said. Raises `CallFailed`."""
        try:
            return await asyncio.wrap_future(self._thread.submit(self._caller.receive))
        except TimeoutError:
            return b""


@asynccontextmanager
async def calling(reach: Reach, address: CallAddress, *, wait_s: float) -> AsyncIterator[Call]:
    """Call an address that may be reached; `wait_s` bounds each send and receive. Hangs up in the end, without waiting:
    libsrt may still be calling when nobody wants that any more.
    """
    found = await reach.resolve(address.host, address.port, kind=socket.SOCK_DGRAM)
    connect = partial(
        Caller.connect,
        found[0][4][0],
        address.port,
        streamid=address.streamid,
        passphrase=address.passphrase,
        latency_ms=address.latency_ms,
        wait_s=wait_s,
    )
    thread = ThreadPoolExecutor(1, "srt call")
    connecting = thread.submit(connect)
    try:
        yield Call(await asyncio.wrap_future(connecting), thread)
    finally:
        connecting.add_done_callback(_hang_up)  # which also ends a send or a receive that blocks
        thread.shutdown(wait=False)


def _hang_up(connecting: Future[Caller]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()
