"""Asking web's internal listener: signed JSON there, the API's envelope back. For ingest, webrtc and relay.

Errors: `CallbackRefused` (web understood and said no). What is the network's fault comes out as `aiohttp.ClientError`,
`OSError` or `TimeoutError`, an answer that is none as `msgspec.DecodeError`: ask again.
"""

import asyncio
import itertools
import time
from typing import TypeVar

import aiohttp
import msgspec
import structlog

from schemas.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

log = structlog.get_logger()

TRY_TIMEOUT_S = 3.0
"""How long one request may take."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 1.0
"""The pause between two tries doubles from the first to the longest."""
MAX_ANSWER_BYTES = 4 << 20
"""`KEYS_PAGE` entries are about 1 MB."""
TROUBLES = (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError)
"""What asking again may cure."""

T = TypeVar("T")


class _Answer(msgspec.Struct):
    """The API's envelope before its data is known to be good."""

    success: bool
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


class _Error(msgspec.Struct):
    code: str
    message: str


class CallbackRefused(Exception):
    """Web understood and said no."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class SignedClient:
    """The client side of `/internal/{subject}/*`."""

    def __init__(self, base_url: str, subject: str, secret: str, http: aiohttp.ClientSession) -> None:
        self._base_url = f"{base_url.rstrip('/')}/internal/{subject}/"
        self._secret = secret
        self._http = http

    async def ask(self, path: str, body: msgspec.Struct, answer: type[T]) -> T:
        """Send one request. Raises `CallbackRefused` for an answer that will not change by asking again, `TROUBLES`."""
        data = msgspec.json.encode(body)
        now_s = int(time.time())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP_HEADER: str(now_s),
            SIGNATURE_HEADER: sign(self._secret, now_s, data),
        }
        timeout = aiohttp.ClientTimeout(total=TRY_TIMEOUT_S)
        async with self._http.post(self._base_url + path, data=data, headers=headers, timeout=timeout) as response:
            text = await _body(response)
            if response.status >= 500:
                raise aiohttp.ClientResponseError(response.request_info, (), status=response.status)
        envelope = msgspec.json.decode(text, type=_Answer)
        if not envelope.success:
            error = msgspec.json.decode(envelope.error, type=_Error)
            raise CallbackRefused(error.code, error.message)
        return msgspec.json.decode(envelope.data, type=answer)

    async def insist(self, path: str, body: msgspec.Struct, answer: type[T]) -> T:
        """Ask until there is an answer; `body` counts its tries in `attempt`. Raises `CallbackRefused` only."""
        pause_s = FIRST_PAUSE_S
        for attempt in itertools.count(1):
            body = msgspec.structs.replace(body, attempt=attempt)
            try:
                return await self.ask(path, body, answer)
            except TROUBLES as error:
                log.debug("callback failed, trying again", path=path, error=repr(error))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        raise AssertionError("the count has no end")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Return the whole answer; `read(n)` gives what has come so far. Raises `ClientPayloadError` for a long one."""
    text = bytearray()
    async for data in response.content.iter_any():
        text += data
        if len(text) > MAX_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    return bytes(text)
