"""The UDP sockets of the process and the peers behind them."""

from media.webrtc.answers import AcceptedMedia
from media.webrtc.offers import Offer
from media.webrtc.peer import Peer, PeerUser


class Network:
    """All peers of the process."""

    def open(self, offer: Offer, accepted: list[AcceptedMedia], user: PeerUser, *, client_address: str) -> Peer:
        """Answer an offer; the peer has to connect within `CONNECT_DEADLINE_S`. Raises `Unreachable`.

        `client_address` only chooses the candidates (one on this machine is told of 127.0.0.1). The caller sends
        `peer.answer` back.
        """
        raise NotImplementedError

    def find(self, name: str) -> Peer | None:
        """Return an open peer by its name."""
        raise NotImplementedError
