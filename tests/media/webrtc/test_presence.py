"""Claims of media.webrtc.presence, with an internal listener that checks the signature as web does."""

import asyncio
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from media.signed import SignedClient
from media.webrtc.presence import Presence
from schemas.ids import ChannelId, NodeId
from schemas.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from schemas.webrtc import WebrtcHeartbeat

pytestmark = pytest.mark.services
SECRET = "s" * 32


class Web:
    """Hears heartbeats, or is out of order."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[WebrtcHeartbeat] = asyncio.Queue()
        self.is_broken = False

    async def heartbeat(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert request.headers[SIGNATURE_HEADER] == sign(SECRET, int(request.headers[TIMESTAMP_HEADER]), body)
        if self.is_broken:
            return web.Response(status=503)
        self.heard.put_nowait(msgspec.json.decode(body, type=WebrtcHeartbeat))
        return web.json_response({"success": True, "data": {}})


async def test_web_hears_where_the_process_is_and_who_watches(aiohttp_server: Any) -> None:
    internal = Web()
    application = web.Application()
    application.router.add_post("/internal/webrtc/heartbeat", internal.heartbeat)
    server = await aiohttp_server(application)
    async with ClientSession() as http:
        presence = Presence(
            SignedClient(f"http://127.0.0.1:{server.port}", "webrtc", SECRET, http),
            node_id=NodeId("n1"),
            url="http://127.0.0.1:8084",
            max_viewers=7,
            viewers=lambda: {ChannelId("c1"): ["v1", "v2"]},
            publishers=lambda: 3,
        )
        await presence.tell()
        beat = internal.heard.get_nowait()
        assert (beat.node_id, beat.url, beat.max_viewers, beat.publishers) == ("n1", "http://127.0.0.1:8084", 7, 3)
        assert beat.viewers == {"c1": ["v1", "v2"]}
        internal.is_broken = True
        with capture_logs() as logs:
            await presence.tell()
            await presence.tell()
        assert len([each for each in logs if each["log_level"] == "warning"]) == 1, "a repeated trouble is told once"
        internal.is_broken = False
        await presence.tell()
        assert internal.heard.qsize() == 1
