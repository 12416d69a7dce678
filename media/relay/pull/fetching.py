"""HTTP to strangers' servers: only to addresses that may be reached, redirects included, and never without bounds.

Errors: `Setback` of the job, `Forbidden`.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from config.addresses import CONNECT_S, Forbidden, Reach
from media.relay.job import Setback

MOST_REDIRECTS = 5
READ_S = 15.0
"""Between two pieces of an answer, and for its head."""
USER_AGENT = "Tallylight"
MAX_CONNECTIONS = 4
"""Of one source: pictures, sound, and what is fetched ahead."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SENTENCES = {
    HTTPStatus.UNAUTHORIZED: "The server wants another user name or password.",
    HTTPStatus.FORBIDDEN: "The server refuses the stream (HTTP 403).",
    HTTPStatus.NOT_FOUND: "The server has no such stream (HTTP 404).",
    HTTPStatus.GONE: "The server has no such stream any more (HTTP 410).",
}


class Fetcher:
    """`async with Fetcher(reach) as fetcher`: one source's connections and cookies."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(reach),
            use_dns_cache=False,
            socket_factory=reach.open_socket,
            limit=MAX_CONNECTIONS,
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S * 2, sock_read=READ_S),
            headers={"User-Agent": USER_AGENT},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    @asynccontextmanager
    async def open(self, url: str, span: tuple[int, int] | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give a good answer, or a part of it (first byte, number of bytes); its `url` is where redirects led.

        What happens while it is read becomes `Setback`, too.
        """
        headers = {"Range": f"bytes={span[0]}-{span[0] + span[1] - 1}"} if span is not None else {}
        try:
            response = await self._follow(url, headers)
            try:
                if span is not None and response.status != HTTPStatus.PARTIAL_CONTENT:
                    raise Setback("The server does not send parts of files.")
                yield response
            finally:
                response.close()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _reason(error) from error

    async def read(self, url: str, *, most: int, within_s: float, span: tuple[int, int] | None = None) -> "Body":
        """Return a whole answer of `most` bytes at the longest."""
        try:
            async with asyncio.timeout(within_s), self.open(url, span) as response:
                return Body(str(response.url), await read_up_to(response, most))
        except TimeoutError as error:
            raise Setback("The server sends too slowly.") from error

    async def _follow(self, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        for _ in range(MOST_REDIRECTS + 1):
            self._check(url)
            target = URL(url, encoded=url.isascii() and " " not in url)
            response = await self._http.get(target, headers=headers, allow_redirects=False)
            location = response.headers.get("Location", "")
            if response.status not in _REDIRECTS or not location:
                if response.status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
                    response.close()
                    raise Setback(_refusal(response.status))
                return response
            response.close()
            url = urljoin(url, location)
        raise Setback("The server redirects again and again.")

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Setback("The server leads to an address that is not one of HTTP.")
        self._reach.check_host(parts.hostname)


class Body:
    """A whole answer, and where it came from."""

    def __init__(self, url: str, data: bytes) -> None:
        self.url, self.data = url, data


async def read_up_to(response: aiohttp.ClientResponse, most: int, begun: bytes = b"") -> bytes:
    """Return the rest of an answer behind what was read. Raises `Setback` when it is longer than `most`."""
    data = bytearray(begun)
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > most:
            raise Setback(f"The server sends more than {most >> 20} MB where a playlist or a segment is expected.")
    return bytes(data)


class _CheckedResolver(AbstractResolver):
    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  # all that may be reached are tried
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=info[4][0], port=port, family=info[0], proto=info[2], flags=socket.AI_NUMERICHOST
            )
            for info in await self._reach.resolve(host, port)
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _refusal(status: int) -> str:
    known = _SENTENCES.get(HTTPStatus(status)) if status in set(HTTPStatus) else None
    return known or f"The server answers with HTTP {status}."


def _reason(error: Exception) -> Setback | Forbidden:
    """Return what a failed request means for the job."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Forbidden):
            return cause
        cause = getattr(cause, "os_error", None) or cause.__cause__
    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return Setback("The server's certificate is not valid.")
        case aiohttp.ClientSSLError():
            return Setback("The server does not speak TLS.")
        case aiohttp.ClientConnectorDNSError():
            return Setback("There is no server of that name.")
        case TimeoutError():
            return Setback("The server does not answer.")
        case aiohttp.ClientConnectorError():
            return Setback("The server cannot be reached.")
    return Setback("The connection to the server broke.")
