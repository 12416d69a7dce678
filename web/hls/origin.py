"""The client of the ingest nodes' origins: one GET, read whole, within a deadline.

Unreachable      the origin is down, too slow, or answers what it should not; the viewer may retry
    Away         nobody listens there, or the connection ended: it may be on its way back
"""

from typing import Final

import aiohttp
import msgspec

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""Two seconds at 128 Mb/s. A body is joined to all its waiters, so it is held whole."""
CONNECT_DEADLINE_S: Final = 2.0
PLAIN_DEADLINE_S: Final = 5.0
BLOCKED_DEADLINE_S: Final = 30.0
"""For what may block: longer than three target durations, when the origin itself gives up (RFC 8216bis, 6.2.5.2)."""
MAX_REQUESTS: Final = 1024
"""Connections to all origins. Blocked reloads hold one each: two per rendition of a live stream."""


class Unreachable(Exception):
    """No usable answer from the origin."""


class Away(Unreachable):
    """Nobody is there, or he went while he answered."""


class Fetched(msgspec.Struct, frozen=True, gc=False):
    """An origin's answer, whatever its status."""

    status: int
    body: bytes
    content_type: str | None
    cache_control: str | None


class OriginClient:
    """A pool of connections to the origins. Made inside a running loop; `close` ends it."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_REQUESTS, keepalive_timeout=30),
            headers={"Accept-Encoding": "identity", "User-Agent": "tallylight-delivery"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def fetch(self, url: str, deadline_s: float) -> Fetched:
        """Return the answer to one GET; raise `Unreachable`, `Away`. Cancelling it closes the request at the origin."""
        timeout = aiohttp.ClientTimeout(total=deadline_s, sock_connect=CONNECT_DEADLINE_S)
        try:
            async with self._session.get(url, timeout=timeout, allow_redirects=False) as response:
                return Fetched(
                    response.status,
                    await self._read(response),
                    response.headers.get("Content-Type"),
                    response.headers.get("Cache-Control"),
                )
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError) as error:
            raise Away(f"{type(error).__name__}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise Unreachable(f"a body of more than {MAX_BODY_BYTES} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
