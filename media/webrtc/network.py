"""The UDP sockets of the process and the peers behind them.

A datagram finds its peer by the path it came on; the first of a path is a connectivity check, whose username says whom
it is for. Errors: `NoRoom` (too many peers; try later), `udp.NoPort` (the process cannot start).
"""

import asyncio
import ipaddress
import secrets
from collections.abc import Iterable

import structlog

from config.settings import Settings
from media.webrtc import metrics
from media.webrtc.answers import AcceptedMedia, Candidate, Credentials, Ours, write_answer
from media.webrtc.dtls import Identity
from media.webrtc.ice import is_stun, local_ufrag_of
from media.webrtc.offers import Offer
from media.webrtc.peer import Peer, PeerUser
from media.webrtc.udp import Path, UdpSocket, bind_all, machine_addresses

log = structlog.get_logger()

TICK_S = 0.25
"""Between two looks at the peers' deadlines; a lost flight of DTLS is repeated after 1 s."""
ADDRESSES_S = 10.0
"""How old the list of the machine's addresses may be when an offer is answered."""
MAX_PEERS = 4_096
"""Of a process; beyond it nobody would be served well."""
MAX_PENDING = 32
"""Of these, from one client's address and not connected yet: one visitor must not hold all places of viewers."""
SHORTEST_BYTES = 12
"""Of RTP, the shortest header of all that comes."""
LOOPBACK = ("127.0.0.1", "::1")


class NoRoom(Exception):
    """No more peers in this process, or not of this client."""


class Network:
    """All peers of the process. `open` and `find` are for the signalling; `run` is the process's task."""

    def __init__(self, settings: Settings) -> None:
        """Bind the sockets. Raises `NoPort`."""
        self._advertised = [each for each in settings.webrtc_addresses.split(",") if each]
        self._identity = Identity.make()
        self._by_name: dict[str, Peer] = {}
        self._clients: dict[str, str] = {}  # name -> address
        self._by_ufrag: dict[str, Peer] = {}
        self._by_path: dict[Path, Peer] = {}
        self._addresses = machine_addresses()
        self._addresses_s = asyncio.get_running_loop().time()
        self._sockets = bind_all([*LOOPBACK, *self._addresses], settings.webrtc_udp_ports, self._take)

    @property
    def port(self) -> int:
        """The UDP port of this process."""
        return self._sockets[0].port

    @property
    def peers(self) -> Iterable[Peer]:
        """All open peers."""
        return self._by_name.values()

    def open(self, offer: Offer, accepted: list[AcceptedMedia], user: PeerUser, *, client_address: str) -> Peer:
        """Answer an offer; the peer has to connect within `CONNECT_DEADLINE_S`. Raises `NoRoom`.

        `client_address` chooses the candidates (one on this machine is told of 127.0.0.1) and is what `MAX_PENDING`
        counts by. The caller sends `peer.answer` back.
        """
        if len(self._by_name) >= MAX_PEERS or self._pending(client_address) >= MAX_PENDING:
            raise NoRoom
        now_s = asyncio.get_running_loop().time()
        name = secrets.token_urlsafe(16)
        peer = Peer(name, offer, accepted, user, identity=self._identity, forget=self._forget, now_s=now_s)
        ours = Ours(
            credentials=peer.agent.local,
            fingerprint=self._identity.fingerprint,
            setup="active" if peer.is_dtls_client else "passive",
            candidates=self.candidates(client_address),
        )
        peer.answer = write_answer(offer, accepted, ours)
        self._by_name[peer.name] = self._by_ufrag[peer.agent.local.ufrag] = peer
        self._clients[peer.name] = client_address
        return peer

    def _pending(self, client_address: str) -> int:
        waiting = (each.name for each in self._by_name.values() if not each.is_connected)
        return sum(self._clients[name] == client_address for name in waiting)

    def find(self, name: str) -> Peer | None:
        """Return an open peer by its name."""
        return self._by_name.get(name)

    def restart(self, peer: Peer, remote: Credentials) -> Credentials:
        """Take a client's new credentials and return our new ones (RFC 9725, section 4.3.3)."""
        local = Credentials.make()
        del self._by_ufrag[peer.agent.local.ufrag]
        self._by_ufrag[local.ufrag] = peer
        peer.agent.restart(local, remote)
        return local

    def candidates(self, client_address: str) -> tuple[Candidate, ...]:
        """Return where a client can reach us, the best first (some, as FFmpeg, try only that)."""
        self._refresh()
        bound = [each.address for each in self._sockets]
        addresses = self._advertised or [each for each in bound if each not in LOOPBACK]
        if not addresses or _is_loopback(client_address) or client_address in bound:
            addresses = [each for each in LOOPBACK if each in bound] + addresses
        return tuple(Candidate(address, self.port) for address in addresses)

    async def run(self) -> None:
        """Watch deadlines until cancelled; then all peers are closed and the sockets too."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await asyncio.sleep(TICK_S)
                now_s = loop.time()
                metrics.peers.set(len(self._by_name))
                metrics.unsent.set(sum(each.unsent for each in self._sockets))
                for peer in list(self._by_name.values()):
                    self._guarded(peer, None, None, now_s)
        finally:
            self.close()

    def close(self) -> None:
        """End all peers and free the port."""
        for peer in list(self._by_name.values()):
            peer.close("shutdown")
        for each in self._sockets:
            each.close()
        self._sockets = []

    def _take(self, data: bytes, path: Path) -> None:
        if len(data) < SHORTEST_BYTES:
            return
        peer = self._by_path.get(path)
        if is_stun(data):
            # Where a path is known its peer may have new credentials, or it may be another's by now (NAT).
            peer = self._by_ufrag.get(local_ufrag_of(data) or "", peer)
        if peer is None:
            return
        self._guarded(peer, data, path, asyncio.get_running_loop().time())
        if peer.agent.has(path) and not peer.is_closed:
            self._by_path[path] = peer

    def _guarded(self, peer: Peer, data: bytes | None, path: Path | None, now_s: float) -> None:
        """Let a peer work; a fault of ours ends this one and no other."""
        try:
            if data is None or path is None:
                peer.tick(now_s)
            else:
                peer.receive(data, path, now_s)
        except Exception:
            log.exception("peer failed", peer=peer.name[:6])
            peer.close("fault")

    def _forget(self, peer: Peer) -> None:
        self._by_name.pop(peer.name, None)
        self._clients.pop(peer.name, None)
        self._by_ufrag.pop(peer.agent.local.ufrag, None)
        self._by_path = {path: each for path, each in self._by_path.items() if each is not peer}

    def _refresh(self) -> None:
        """Follow the machine's addresses: a laptop changes its network, a server is given another address."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._addresses_s < ADDRESSES_S:
            return
        self._addresses, self._addresses_s = machine_addresses(), now_s
        wanted, bound, port = [*LOOPBACK, *self._addresses], {each.address for each in self._sockets}, self.port
        for each in self._sockets[:]:
            if each.address not in wanted and not any(path.socket is each for path in self._by_path):
                self._sockets.remove(each)
                each.close()
        for address in wanted:
            if address not in bound:
                try:
                    self._sockets.append(UdpSocket(address, port, self._take))
                except OSError as error:
                    log.debug("address left out", address=address, error=str(error))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
