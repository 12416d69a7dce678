"""A server in the place of a webrtc process: it keeps what web hands on, and says that it is there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict, CIMultiDictProxy

from schemas.ids import ChannelId, NodeId, make_id
from schemas.webrtc import WebrtcHeartbeat
from tests.web.site import Site

OFFER = b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"
ANSWER = "v=0\r\n"
TURN = '<turn:turn.example.org>; rel="ice-server"'
STUN = '<stun:stun.example.org>; rel="ice-server"'


@dataclass
class Asked:
    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass
class Process:
    site: Site
    node: NodeId
    server: TestServer
    asked: list[Asked] = field(default_factory=list)
    refusal: web.Response | None = None

    @classmethod
    @asynccontextmanager
    async def started(cls, site: Site, node: str = "w1") -> AsyncIterator["Process"]:
        app = web.Application()
        process = cls(site, NodeId(node), TestServer(app))
        app.router.add_route("*", "/{tail:.*}", process._handle)
        async with process.server:
            yield process

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    async def _handle(self, request: web.Request) -> web.Response:
        self.asked.append(Asked(request.method, request.path_qs, request.headers, await request.read()))
        if self.refusal is not None:
            return self.refusal
        if request.method != "POST":
            return web.Response(status=204)
        kind = request.path.split("/")[1]
        headers = CIMultiDict({"Location": f"/{kind}/session/{self.node}.{len(self.asked)}", "ETag": '"1"'})
        headers.extend({"Accept-Patch": "application/trickle-ice-sdpfrag", "Set-Cookie": "a=b"})
        for link in (STUN, TURN):
            headers.add("Link", link)
        return web.Response(status=201, text=ANSWER, content_type="application/sdp", headers=headers)

    async def beat(
        self, viewers: Mapping[str, list[str]] | None = None, *, url: str = "", most: int = 100, publishers: int = 0
    ) -> None:
        """Tell web of it, and let web look at once."""
        report = WebrtcHeartbeat(
            request_id=make_id(),
            node_id=self.node,
            url=url or self.url,
            viewers={ChannelId(channel): names for channel, names in (viewers or {}).items()},
            max_viewers=most,
            publishers=publishers,
        )
        status, envelope = await self.site.callback("heartbeat", report, subject="webrtc")
        assert status == 200, envelope
        self.site.running.services.nodes.look_again()
