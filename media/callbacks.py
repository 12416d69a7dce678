"""The signed questions that ingest puts to web: may he publish, how are the streams, this one has ended.

A lost answer is asked for again with the same `request_id`, so that web can give the same answer; the attempt's number
makes each try's signature its own.
"""

import asyncio
import itertools
import secrets
import time
from typing import TypeVar

import aiohttp
import msgspec
import structlog

from media.publication import PublishAttempt, Refused, Unavailable
from schemas.errors import ErrorCode
from schemas.ids import NodeId, SessionId
from schemas.ingest import Heartbeat, HeartbeatAnswer, PublishGrant, PublishRequest, SessionHealth, Unpublish
from schemas.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

log = structlog.get_logger()

GRANT_TIMEOUT_S = 8.0
"""How long a publisher waits at the door while web does not answer; OBS and ffmpeg wait 30 s."""
TRY_TIMEOUT_S = 3.0
"""How long one request may take."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 1.0
"""The pause between two tries doubles from the first to the longest."""
MAX_ANSWER_BYTES = 1 << 20

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


class Callbacks:
    """The client side of `/internal/ingest/*`. One per ingest process."""

    def __init__(self, base_url: str, secret: str, node_id: NodeId, http: aiohttp.ClientSession) -> None:
        self._base_url = base_url.rstrip("/") + "/internal/ingest/"
        self._secret = secret
        self._node_id = node_id
        self._http = http

    async def publish(self, attempt: PublishAttempt) -> PublishGrant:
        """Ask for a grant. Raises `Refused` with web's sentence, `Unavailable` after `GRANT_TIMEOUT_S`."""
        request = PublishRequest(
            request_id=secrets.token_hex(16),
            attempt=1,
            node_id=self._node_id,
            protocol=attempt.protocol,
            key=attempt.key,
            params=attempt.params,
            remote_address=attempt.remote_address,
            encoder=attempt.encoder,
        )
        try:
            async with asyncio.timeout(GRANT_TIMEOUT_S):
                return await self._insist("publish", request, PublishGrant)
        except CallbackRefused as error:
            if error.code in {ErrorCode.FORBIDDEN, ErrorCode.CONFLICT}:
                raise Refused(error.message, "conflict" if error.code == ErrorCode.CONFLICT else "forbidden") from error
            # Nothing that the publisher did: our secrets or versions differ.
            log.error("publish callback not understood", code=error.code, message=error.message)
            raise Unavailable from error
        except TimeoutError as error:
            log.warning("web does not answer, publisher told to come back", waited_s=GRANT_TIMEOUT_S)
            raise Unavailable from error

    async def heartbeat(self, origin_url: str, sessions: list[SessionHealth]) -> HeartbeatAnswer:
        """Tell how the node's sessions are, once. Raises `CallbackRefused`, `OSError` or `aiohttp.ClientError`."""
        beat = Heartbeat(secrets.token_hex(16), self._node_id, origin_url, sessions)
        return await self._ask("heartbeat", beat, HeartbeatAnswer)

    async def unpublish(self, session_id: SessionId, reason: str) -> None:
        """Report the end of a session until web has taken it. Raises `CallbackRefused` only."""
        await self._insist("unpublish", Unpublish(secrets.token_hex(16), 1, self._node_id, session_id, reason), dict)

    async def _insist(self, path: str, body: PublishRequest | Unpublish, answer: type[T]) -> T:
        pause_s = FIRST_PAUSE_S
        for attempt in itertools.count(1):
            body = msgspec.structs.replace(body, attempt=attempt)
            try:
                return await self._ask(path, body, answer)
            except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
                log.debug("callback failed, trying again", path=path, error=repr(error))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        raise AssertionError("the count has no end")

    async def _ask(self, path: str, body: msgspec.Struct, answer: type[T]) -> T:
        """Send one signed request. Raises `CallbackRefused` for an answer that will not change by asking again."""
        data = msgspec.json.encode(body)
        now_s = int(time.time())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP_HEADER: str(now_s),
            SIGNATURE_HEADER: sign(self._secret, now_s, data),
        }
        timeout = aiohttp.ClientTimeout(total=TRY_TIMEOUT_S)
        async with self._http.post(self._base_url + path, data=data, headers=headers, timeout=timeout) as response:
            text = await response.content.read(MAX_ANSWER_BYTES)
            if response.status >= 500:
                raise aiohttp.ClientResponseError(response.request_info, (), status=response.status)
        envelope = msgspec.json.decode(text, type=_Answer)
        if not envelope.success:
            error = msgspec.json.decode(envelope.error, type=_Error)
            raise CallbackRefused(error.code, error.message)
        return msgspec.json.decode(envelope.data, type=answer)
