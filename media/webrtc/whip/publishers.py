"""All WHIP publishers of the process: asked for at ingest, answered, ended there."""

import asyncio

import aiohttp
import structlog

from media.links.client import RemotePublication, publish
from media.publication import PublishAttempt, masked
from media.webrtc import metrics
from media.webrtc.network import Network
from media.webrtc.offers import Offer
from media.webrtc.peer import Peer
from media.webrtc.whip.accepting import accept
from media.webrtc.whip.publisher import WhipPublisher

log = structlog.get_logger()

KEYFRAME_INTERVAL_S = 2.0
"""How often a publisher is asked for a keyframe when it sends none: viewers begin with one, segments too."""
REASONS = frozenset({"no path", "silent", "no media", "goodbye", "deleted", "cut", "shutdown"})
"""Those that are counted by name."""


class Publishers:
    """Made in the loop; `close` waits until ingest has heard of every end."""

    def __init__(self, http: aiohttp.ClientSession, network: Network, origin_url: str, max_bitrate_kbps: int) -> None:
        self._http, self._network, self._origin_url = http, network, origin_url
        self._max_bitrate_kbps = max_bitrate_kbps
        self._by_name: dict[str, WhipPublisher] = {}
        self._ends: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._by_name)

    async def open(self, offer: Offer, attempt: PublishAttempt, channel: str) -> Peer:
        """Answer a publisher. Raises `NotAcceptable`, `Refused`, `WrongChannel`, `Unavailable`, `NoRoom`."""
        accepted = accept(offer, bitrate_kbps=self._max_bitrate_kbps)
        publisher = WhipPublisher(accepted, KEYFRAME_INTERVAL_S, self._gone)
        publication = await publish(
            self._http,
            self._origin_url,
            attempt,
            channel,
            on_cut=lambda sentence: self._cut(publisher, "cut", sentence),
            on_lost=lambda sentence: self._cut(publisher, "ingest lost", sentence),
        )
        try:
            peer = self._network.open(offer, accepted, publisher, client_address=attempt.remote_address)
        except BaseException:
            self._end(publication, "no room", is_lost=True)
            raise
        publisher.publication, publisher.peer = publication, peer
        self._by_name[peer.name] = publisher
        metrics.publishers.set(len(self._by_name))
        log.info(
            "whip answered",
            peer=peer.name[:6],
            session=publication.granted.session_id,
            channel=publication.granted.channel_name,
            encoder=attempt.encoder,
            address=masked(attempt.remote_address),
        )
        return peer

    def delete(self, name: str) -> bool:
        """End a publisher at its own wish; False: there is none of that name."""
        publisher = self._by_name.get(name)
        if publisher is None or publisher.peer is None:
            return False
        publisher.said_goodbye = True
        publisher.peer.close("deleted")
        return True

    async def close(self) -> None:
        """Wait for the ends of publishers whose peers are closed."""
        if self._ends:
            await asyncio.wait(self._ends)

    def _cut(self, publisher: WhipPublisher, reason: str, sentence: str) -> None:
        log.info("whip cut", reason=reason, sentence=sentence)
        if publisher.peer is not None:
            publisher.peer.close(reason)

    def _gone(self, publisher: WhipPublisher, reason: str) -> None:
        if publisher.peer is None or self._by_name.pop(publisher.peer.name, None) is None:
            return
        metrics.publishers.set(len(self._by_name))
        metrics.publishers_ended.labels(
            reason if reason in REASONS else "no keys" if "keys" in reason else "other"
        ).inc()
        received, lost, recovered, dropped = publisher.counts
        metrics.lost.inc(lost)
        metrics.recovered.inc(recovered)
        log.info(
            "whip ended",
            peer=publisher.peer.name[:6],
            reason=reason,
            received=received,
            lost=lost,
            recovered=recovered,
            dropped=dropped,
            bad_packets=publisher.bad_packets,
        )
        publication, publisher.publication = publisher.publication, None
        if isinstance(publication, RemotePublication):
            self._end(publication, f"WebRTC: {reason}", is_lost=not publisher.said_goodbye)

    def _end(self, publication: RemotePublication, reason: str, *, is_lost: bool) -> None:
        task = asyncio.create_task(publication.end(reason, is_lost=is_lost), name="whip end")
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)
