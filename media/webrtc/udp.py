"""UDP sockets of the process: one port on every address of the machine, shared by all peers.

One port for all is what firewalls and NAT can be opened for. A socket per address, not one for all, because an answer
has to leave from the address that was asked (RFC 8445, section 6.1.2.2).
"""

import asyncio
import contextlib
import errno
import ipaddress
import random
import socket
from collections.abc import Callable
from typing import NamedTuple

import ifaddr
import structlog

log = structlog.get_logger()

MAX_ADDRESSES = 16
"""Addresses of the machine that are listened on; a machine with more is a host of containers."""
SOCKET_BUFFER_BYTES = 4 << 20
"""Asked of the kernel for each direction; it may grant less. Absorbs keyframes of many peers at once."""
DATAGRAM_BYTES = 2048
"""Nothing longer is sent by WebRTC; what is, is cut and then fails its authentication."""
DATAGRAMS_AT_ONCE = 64
"""Read from one socket before the loop does something else."""
ANY_PORT_TRIES = 20

Address = tuple[str, int] | tuple[str, int, int, int]


class NoPort(Exception):
    """No UDP port can be bound; the text says which were tried."""


class Path(NamedTuple):
    """Which of our sockets and which address of the other side."""

    socket: "UdpSocket"
    address: Address


Take = Callable[[bytes, Path], None]


class UdpSocket:
    """One bound socket. `take` gets each datagram, in the loop."""

    def __init__(self, address: str, port: int, take: Take) -> None:
        """Bind. Raises `OSError`."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._socket.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
            self._socket.bind((address, port))
        except OSError:
            self._socket.close()
            raise
        self.address, self.port = address, int(self._socket.getsockname()[1])
        self.unsent = 0
        """Datagrams that the kernel did not take."""
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._read)

    def send(self, data: bytes, address: Address) -> None:
        """Send, or drop: to the transport above it is a lost packet either way."""
        try:
            self._socket.sendto(data, address)
        except OSError:  # the buffer is full, or the network says no (unreachable, forbidden, too long)
            self.unsent += 1

    def close(self) -> None:
        """Free the port."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        for _ in range(DATAGRAMS_AT_ONCE):
            try:
                data, address = self._socket.recvfrom(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:  # an ICMP answer to something we sent; who is gone is found out by silence
                continue
            self._take(data, Path(self, address))
            if self._socket.fileno() < 0:
                return


def machine_addresses() -> list[str]:
    """Return the addresses others can reach this machine by, the default route's first, IPv4 before IPv6."""
    found = []
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            text = each.ip if isinstance(each.ip, str) else each.ip[0]
            parsed = ipaddress.ip_address(text.partition("%")[0])
            if not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified):
                found.append(text)
    first = {_default_address(socket.AF_INET, "192.0.2.1"), _default_address(socket.AF_INET6, "2001:db8::1")}
    return sorted(dict.fromkeys(found), key=lambda text: (":" in text, text not in first))[:MAX_ADDRESSES]


def _default_address(family: socket.AddressFamily, anywhere: str) -> str:
    """Return what the kernel would send from; connecting UDP sends nothing."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((anywhere, 9))
        return str(probe.getsockname()[0])
    return ""


def bind_all(addresses: list[str], ports: str, take: Take) -> list[UdpSocket]:
    """Bind one port of the range ("" is any) on all addresses that are there. Raises `NoPort`."""
    if ports:
        first, _, last = ports.partition("-")
        tries = list(range(int(first), int(last) + 1))
        random.shuffle(tries)  # several processes of a machine share a range
    else:
        tries = [0] * ANY_PORT_TRIES
    for port in tries:
        sockets = _bind_each(addresses, port, take)
        if sockets:
            return sockets
    raise NoPort(f"no UDP port of {ports or 'this machine'} is free (TALLY_WEBRTC_UDP_PORTS)")


def _bind_each(addresses: list[str], port: int, take: Take) -> list[UdpSocket]:
    sockets: list[UdpSocket] = []
    for address in addresses:
        try:
            sockets.append(UdpSocket(address, sockets[0].port if sockets else port, take))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                for each in sockets:
                    each.close()
                return []
            log.debug("address left out", address=address, error=str(error))
    return sockets
