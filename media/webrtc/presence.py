"""What web is told of this process every few seconds: where it is, how full, who watches what."""

import asyncio
import secrets
from collections.abc import Callable

import structlog

from media.signed import TROUBLES, CallbackRefused, SignedClient
from schemas.ids import ChannelId, NodeId
from schemas.webrtc import WEBRTC_HEARTBEAT_S, WebrtcHeartbeat

log = structlog.get_logger()


class Presence:
    """The heartbeat. `run` is the process's task."""

    def __init__(
        self,
        client: SignedClient,
        *,
        node_id: NodeId,
        url: str,
        max_viewers: int,
        viewers: Callable[[], dict[ChannelId, list[str]]],
        publishers: Callable[[], int],
    ) -> None:
        self._client, self._node_id, self._url, self._max_viewers = client, node_id, url, max_viewers
        self._viewers, self._publishers = viewers, publishers
        self._is_heard = True

    async def run(self) -> None:
        """Tell, until cancelled; while web is away everything goes on."""
        while True:
            await self.tell()
            await asyncio.sleep(WEBRTC_HEARTBEAT_S)

    async def tell(self) -> None:
        """Send one heartbeat."""
        beat = WebrtcHeartbeat(
            request_id=secrets.token_hex(16),
            node_id=self._node_id,
            url=self._url,
            viewers=self._viewers(),
            max_viewers=self._max_viewers,
            publishers=self._publishers(),
        )
        try:
            await self._client.ask("heartbeat", beat, dict)
        except (CallbackRefused, *TROUBLES) as error:
            if self._is_heard:
                log.warning("web does not hear this process", error=repr(error))
            self._is_heard = False
        else:
            self._is_heard = True
