"""The signed questions that ingest puts to web: may he publish, how are the streams, this one has ended.

A lost answer is asked for again with the same `request_id`, so that web can give the same answer; the attempt's number
makes each try's signature its own.
"""

import asyncio
import secrets

import aiohttp
import structlog

from media.publication import PublishAttempt, Refused, Unavailable
from media.signed import CallbackRefused, SignedClient
from schemas.errors import ErrorCode
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import (
    Heartbeat,
    HeartbeatAnswer,
    KeysAnswer,
    KeysRequest,
    PublishGrant,
    PublishRequest,
    SessionHealth,
    Unpublish,
)

log = structlog.get_logger()

GRANT_TIMEOUT_S = 8.0
"""How long a publisher waits at the door while web does not answer; OBS and ffmpeg wait 30 s."""


class Callbacks:
    """The client side of `/internal/ingest/*`. One per ingest process."""

    def __init__(self, base_url: str, secret: str, node_id: NodeId, http: aiohttp.ClientSession) -> None:
        self._client = SignedClient(base_url, "ingest", secret, http)
        self._node_id = node_id

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
                return await self._client.insist("publish", request, PublishGrant)
        except CallbackRefused as error:
            if error.code in {ErrorCode.FORBIDDEN, ErrorCode.CONFLICT}:
                raise Refused(error.message, "conflict" if error.code == ErrorCode.CONFLICT else "forbidden") from error
            # Nothing that the publisher did: our secrets or versions differ.
            log.error("publish callback not understood", code=error.code, message=error.message)
            raise Unavailable from error
        except TimeoutError as error:
            log.warning("web does not answer, publisher told to come back", waited_s=GRANT_TIMEOUT_S)
            raise Unavailable from error

    async def heartbeat(self, origin_url: str, sessions: list[SessionHealth], srt_trouble: str = "") -> HeartbeatAnswer:
        """Tell how the node's sessions are, once. Raises `CallbackRefused`, `OSError` or `aiohttp.ClientError`."""
        beat = Heartbeat(secrets.token_hex(16), self._node_id, origin_url, sessions, srt_trouble)
        return await self._client.ask("heartbeat", beat, HeartbeatAnswer)

    async def unpublish(self, session_id: SessionId, reason: str) -> None:
        """Report the end of a session until web has taken it. Raises `CallbackRefused` only."""
        await self._client.insist(
            "unpublish", Unpublish(secrets.token_hex(16), 1, self._node_id, session_id, reason), dict
        )

    async def keys(self, channels: list[ChannelId] | None = None, after: str = "") -> KeysAnswer:
        """Ask who may publish: these channels, or a page of all. Raises `CallbackRefused` or what `TROUBLES` names."""
        request = KeysRequest(secrets.token_hex(16), 1, self._node_id, channels, after)
        return await self._client.ask("keys", request, KeysAnswer)
