"""A publisher over a way that loses packets: aiortc sends again what our NACK asks for."""

import asyncio
import itertools

import pytest
from aiortc.mediastreams import VideoStreamTrack

from media.packets import Packet, TrackKind
from media.webrtc.udp import Path
from tests.media.webrtc.place import Place, webrtc_place

pytestmark = pytest.mark.services

PICTURES = 60
LOST_EVERY = 10
"""Every so manieth packet of pictures does not come, the first time."""


class Tunnel:
    """Loses datagrams on their way into the network."""

    def __init__(self, place: Place) -> None:
        self.count = self.lost = 0
        self._network, self._take = place.network, place.network._take
        for socket in place.network._sockets:
            socket._take = self.take

    def take(self, data: bytes, path: Path) -> None:
        types = {
            each.codec.payload_type
            for peer in self._network.peers
            for each in peer.accepted
            if each.offered.kind == "video"
        }
        is_picture = data[0] >= 128 and data[1] & 0x7F in types
        self.count += is_picture
        if is_picture and self.count % LOST_EVERY == 0:
            self.lost += 1
        else:
            self._take(data, path)


async def test_pictures_are_whole_though_every_tenth_packet_of_theirs_is_lost() -> None:
    async with webrtc_place() as place, asyncio.timeout(50):
        tunnel = Tunnel(place)
        async with place.microphone("good", VideoStreamTrack()):
            pictures: list[Packet] = []
            while len(pictures) < PICTURES:
                packet = await place.house.packets.get()
                pictures += [packet] if packet.kind is TrackKind.VIDEO else []
            (publisher,) = place.publishers._by_name.values()
            _received, lost, recovered, dropped = next(
                each.counts for each in publisher.tracks if each.kind is TrackKind.VIDEO
            )
    assert tunnel.lost > 3
    assert lost > 3
    assert (recovered >= lost - 2, dropped) == (True, 0), "the last ones may still be on their way"
    assert pictures[0].is_keyframe
    steps = [b.pts - a.pts for a, b in itertools.pairwise(pictures)]
    assert max(steps) <= 2 * min(steps), "no picture is missing"
