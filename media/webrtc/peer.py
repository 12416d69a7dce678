"""One WebRTC client after its offer: a path (ICE), keys (DTLS), and encrypted packets both ways (SRTP).

Everything happens in the loop, synchronously, when a datagram comes or `tick` is called: a peer owns no task and no
socket, so one that is closed leaves nothing behind. `network.py` moves the datagrams and calls `tick`.
"""

from collections.abc import Callable
from typing import Protocol as Interface

from media.webrtc.answers import AcceptedMedia, Credentials
from media.webrtc.dtls import Dtls, DtlsClosed, DtlsFailed, Identity, is_dtls
from media.webrtc.ice import CHECK_INTERVAL_S, LiteAgent, is_stun
from media.webrtc.offers import Offer
from media.webrtc.srtp import BadPacket, Srtp
from media.webrtc.udp import Path

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
    """Made by `Network.open`; `answer` is the SDP to send back.

    `name` is unguessable and unique in this process: the resource is `{nodeId}.{name}`.
    """

    def __init__(
        self,
        name: str,
        offer: Offer,
        accepted: list[AcceptedMedia],
        user: PeerUser,
        *,
        identity: Identity,
        forget: Callable[["Peer"], None],
        now_s: float,
    ) -> None:
        self.name, self.offer, self.accepted = name, offer, accepted
        self.is_connected = self.is_closed = False
        self.agent = LiteAgent(Credentials.make(), Credentials(offer.ice_ufrag, offer.ice_pwd), now_s)
        self.dropped = 0
        """Datagrams that nobody with the peer's keys can have sent."""
        self._user, self._forget = user, forget
        self.answer = ""
        self.is_dtls_client = offer.setup == "passive"  # RFC 8842, section 5.3: they wait, we begin
        self._dtls = Dtls(identity, offer.fingerprints, is_client=self.is_dtls_client)
        self._has_begun = False
        self._srtp: Srtp | None = None
        self._deadline_s = now_s + CONNECT_DEADLINE_S
        self._next_check_s = now_s

    @property
    def rtt_s(self) -> float:
        """Of the last connectivity check of ours; 0 is not known."""
        return self.agent.rtt_s

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send one RTP packet (header included, at most 1300 bytes); dropped while not connected."""
        if self._srtp is not None and self.agent.selected is not None and not self.is_closed:
            path = self.agent.selected
            path.socket.send(self._srtp.protect(packet), path.address)

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send a compound RTCP packet; dropped while not connected."""
        if self._srtp is not None and self.agent.selected is not None and not self.is_closed:
            path = self.agent.selected
            path.socket.send(self._srtp.protect_rtcp(packet), path.address)

    def close(self, reason: str) -> None:
        """End it: says goodbye (DTLS close_notify), frees the name, calls `user.closed(reason)` before it returns."""
        if self.is_closed:
            return
        self._send_all(self._dtls.close())
        self.is_closed, self.is_connected = True, False
        self._forget(self)
        self._user.closed(reason)

    # --- called by `Network` -----------------------------------------------------------------------------------

    def receive(self, data: bytes, path: Path, now_s: float) -> None:
        """Take a datagram that came on a path of this peer, or a STUN packet with its username."""
        if data[0] >= 128:
            self._take_srtp(data, now_s)
        elif is_stun(data):
            for to, answer in self.agent.receive(data, path, now_s):
                to.socket.send(answer, to.address)
            if self.agent.selected is not None and not self._has_begun:
                self._has_begun = True
                self._shake(self._dtls.start)
        elif is_dtls(data):
            self._shake(lambda: self._dtls.receive(data), path)

    def tick(self, now_s: float) -> None:
        """Look at the deadlines; a few times a second."""
        if not self.is_connected and now_s > self._deadline_s:
            self.close("no path" if self.agent.selected is None else "no keys agreed on")
        elif now_s - self.agent.heard_s > SILENCE_S:
            self.close("silent")
        elif self.is_connected and now_s >= self._next_check_s and self.agent.selected is not None:
            self._next_check_s = now_s + CHECK_INTERVAL_S
            path = self.agent.selected
            path.socket.send(self.agent.check(path, now_s), path.address)
        elif not self.is_connected and self._has_begun and self._dtls.timeout_s() == 0:
            self._shake(self._dtls.repeat)

    # --- inside ------------------------------------------------------------------------------------------------

    def _take_srtp(self, data: bytes, now_s: float) -> None:
        if self._srtp is None:
            return
        try:
            if 192 <= data[1] <= 223:  # RFC 5761, section 4
                packet = self._srtp.unprotect_rtcp(data)
                self.agent.heard_s = now_s
                self._user.received_rtcp(packet, now_s)
            else:
                packet = self._srtp.unprotect(data)
                self.agent.heard_s = now_s
                self._user.received_rtp(packet, now_s)
        except BadPacket:
            self.dropped += 1

    def _shake(self, step: Callable[[], list[bytes]], path: Path | None = None) -> None:
        try:
            self._send_all(step(), path)
        except DtlsClosed:
            self.close("goodbye")
        except DtlsFailed as error:
            self.close(f"no keys agreed on: {error}")
        if self._dtls.keys is not None and not self.is_connected and not self.is_closed:
            self._srtp = Srtp(self._dtls.keys)
            self.agent.selected = self.agent.selected or path  # whoever answers there is the peer
            self.is_connected = self.agent.must_prove = True
            self._user.connected(self)

    def _send_all(self, datagrams: list[bytes], path: Path | None = None) -> None:
        path = path or self.agent.selected
        if path is not None:
            for each in datagrams:
                path.socket.send(each, path.address)
