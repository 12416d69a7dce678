"""One WebRTC client after its offer: a path (ICE), keys (DTLS), and encrypted packets both ways (SRTP).

Everything happens in the loop, synchronously, when a datagram comes or `tick` is called: a peer owns no task and no
socket, so one that is closed leaves nothing behind. `network.py` moves the datagrams and calls `tick`.
"""

from typing import Protocol as Interface

from media.webrtc.answers import AcceptedMedia
from media.webrtc.offers import Offer

CONNECT_DEADLINE_S = 10.0
"""Who has no path and no keys by then was never there."""
SILENCE_S = 10.0
"""Nothing that is signed with the peer's keys for so long: it is gone (browsers check the path every 2-5 s)."""


class PeerUser(Interface):
    """Who uses a peer. Called in the loop; must not raise, must not wait."""

    def connected(self, peer: "Peer") -> None:
        """Media can be sent from now on. Once."""

    def received_rtp(self, packet: bytes, at_s: float) -> None:
        """Take a decrypted RTP packet; `at_s` is `loop.time()` when it was read from the socket."""

    def received_rtcp(self, packet: bytes, at_s: float) -> None:
        """Take a decrypted compound RTCP packet (may hold anything that somebody with the keys wrote)."""

    def closed(self, reason: str) -> None:
        """It is over, by whoever: the last call, once. `reason` is for the log."""


class Peer:
    """Made by `Network.open`; `answer` is the SDP to send back."""

    name: str
    """Unguessable, unique in this process: the resource is `{nodeId}.{name}`."""
    offer: Offer
    accepted: list[AcceptedMedia]
    answer: str
    is_connected: bool
    is_closed: bool
    rtt_s: float
    """Of the last connectivity check that we sent; 0 is not known."""

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send one RTP packet (header included, at most 1300 bytes); dropped while not connected."""
        raise NotImplementedError

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send a compound RTCP packet; dropped while not connected."""
        raise NotImplementedError

    def close(self, reason: str) -> None:
        """End it: says goodbye (DTLS close_notify), frees the name, calls `user.closed(reason)` before it returns."""
        raise NotImplementedError
