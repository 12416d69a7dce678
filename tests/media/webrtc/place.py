"""The webrtc process's signalling and network, with ingest's end of the links behind, for tests with real clients."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

from config.settings import load
from media.links.server import Links
from media.origin import make_runner
from media.packets import CodecConfig, Packet
from media.publication import Description, Note, PublishAttempt, RefusalKind, Refused, Unavailable, WrongChannel
from media.publisher import Publisher
from media.webrtc.network import Network
from media.webrtc.signalling import Signalling
from media.webrtc.watch.watching import Watching
from media.webrtc.whip.publishers import Publishers
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import PublishGrant

NODE = NodeId("node1")
SDP = {"Content-Type": "application/sdp", "Authorization": "Bearer good"}


class House:
    """Ingest's sessions: takes publishers by their keys and remembers what they say (it is their seat, too)."""

    def __init__(self) -> None:
        self.publishers: list[Publisher] = []
        self.attempts: list[PublishAttempt] = []
        self.configs: list[CodecConfig] = []
        self.packets: asyncio.Queue[Packet] = asyncio.Queue()
        self.left: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str = "") -> Publisher:
        self.attempts.append(attempt)
        kinds: dict[str, RefusalKind] = {"bad": "forbidden", "busy": "conflict"}
        if attempt.key in kinds:
            raise Refused("No.", kinds[attempt.key])
        if attempt.key == "away":
            raise Unavailable
        if channel not in {"", "demo"}:
            raise WrongChannel("This stream key is of another channel.")
        publisher = Publisher(attempt, on_cut)
        publisher.grant = PublishGrant(ChannelId("c1"), "demo", SessionId("s1"))
        publisher.sit(self)
        self.publishers.append(publisher)
        return publisher

    def configure(self, publisher: Publisher, config: CodecConfig) -> None:
        self.configs.append(config)

    def take(self, publisher: Publisher, packet: Packet, now: float) -> None:
        self.packets.put_nowait(packet)

    def describe(self, publisher: Publisher, description: Description) -> None:
        raise AssertionError

    def annotate(self, publisher: Publisher, note: Note) -> None:
        raise AssertionError

    def is_urgent(self, publisher: Publisher) -> bool:
        return False

    def leave(self, publisher: Publisher, reason: str, now: float, *, is_lost: bool) -> None:
        self.left.put_nowait((reason, is_lost))


class Place:
    """What a test talks to: `url` as web does, `network` to look at."""

    def __init__(
        self, house: House, url: str, http: aiohttp.ClientSession, network: Network, publishers: Publishers
    ) -> None:
        self.house, self.url, self.http, self.network, self.publishers = house, url, http, network, publishers

    async def post(self, body: bytes | str, path: str = "/whip", **headers: str) -> tuple[int, dict[str, str], str]:
        """POST and return status, headers and text."""
        given = SDP | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(self.url + path, data=body, headers=given) as response:
            return response.status, {k.lower(): v for k, v in response.headers.items()}, await response.text()

    @asynccontextmanager
    async def microphone(
        self, key: str = "good", *more: MediaStreamTrack
    ) -> AsyncIterator[tuple[RTCPeerConnection, str]]:
        """Publish silence, and `more`, with aiortc; gives the connection and the resource's address."""
        client = RTCPeerConnection()
        try:
            for track in (AudioStreamTrack(), *more):
                client.addTrack(track)
            await client.setLocalDescription(await client.createOffer())
            status, headers, text = await self.post(client.localDescription.sdp, Authorization=f"Bearer {key}")
            assert status == 201, text
            await client.setRemoteDescription(RTCSessionDescription(text, "answer"))
            yield client, self.url + headers["location"]
        finally:
            await client.close()

    async def later(self, seconds: float) -> None:
        """Let all peers look at their deadlines as if so much time had passed, and ingest hear of it."""
        now_s = asyncio.get_running_loop().time() + seconds
        for peer in list(self.network.peers):
            peer.tick(now_s)
        await self.publishers.close()


@asynccontextmanager
async def webrtc_place() -> AsyncIterator[Place]:
    """Everything from signalling to ingest's sessions, on loopback."""
    house = House()
    links = Links(house, lambda _session: None)
    origin = make_runner({}, links=links.routes())
    await origin.setup()
    await web.TCPSite(origin, "127.0.0.1", 0).start()
    network = Network(load({"TALLY_SECRET": "x" * 32, "TALLY_WEBRTC_MAX_VIEWERS": "2"}).settings)
    async with aiohttp.ClientSession() as http:
        publishers = Publishers(http, network, "http://{}:{}".format(*origin.addresses[0]), 0)
        watching = Watching(http, 2)
        application = web.Application()
        ice_servers = "stun:stun.example.org:3478,turn:me:secret@turn.example.org:3478"
        Signalling(NODE, network, publishers, watching, ice_servers=ice_servers).add_to(application)
        front = web.AppRunner(application, handler_cancellation=True)
        await front.setup()
        await web.TCPSite(front, "127.0.0.1", 0).start()
        running = asyncio.create_task(network.run())
        try:
            yield Place(house, "http://{}:{}".format(*front.addresses[0]), http, network, publishers)
        finally:
            running.cancel()
            await asyncio.wait({running})
            await publishers.close()
            await watching.close()
            await front.cleanup()
            await origin.cleanup()
