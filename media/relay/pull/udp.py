"""MPEG-TS in datagrams, plain or in RTP, sent to this machine or to a multicast group. For administrators."""

import asyncio
import socket
import struct
from collections import deque
from ipaddress import IPv4Address, ip_address

from media.relay.job import Setback
from media.relay.pull.address import SourceAddress
from media.relay.pull.demuxing import Demuxing
from media.relay.pull.intake import Intake
from media.relay.pull.messages import Open
from media.relay.pull.streaming import demux
from media.ts.tables import SYNC

RECEIVE_BYTES = 4 << 20
"""Asked of the kernel: a keyframe comes as a burst."""
MAX_WAITING_BYTES = 8 << 20
"""Datagrams that the child has not taken; more are lost, as in any other buffer on their way."""
RTP_HEADER_BYTES = 12
_RTP_VERSION = 2


class UdpSource:
    """One port, or one multicast group on it."""

    def __init__(self, address: SourceAddress) -> None:
        self._address = address

    async def run(self, intake: Intake) -> None:
        """Receive until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            own = await asyncio.to_thread(listening_socket, self._address.host, self._address.port)
        except OSError as error:
            raise Setback(f"The port cannot be listened on: {error.strerror}.", is_lasting=True) from error
        transport, datagrams = await loop.create_datagram_endpoint(_Datagrams, sock=own)
        try:

            async def feed(demuxing: Demuxing) -> None:
                await demuxing.open(Open())
                while True:
                    data = await datagrams.take()
                    intake.count(len(data))
                    await demuxing.write(data)

            await demux(intake, feed)
        finally:
            transport.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_some = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:  # noqa: ARG002  # asyncio's name
        if self._waiting_bytes + len(data) > MAX_WAITING_BYTES:
            return
        self._waiting.append(payload_of(data))
        self._waiting_bytes += len(data)
        self._has_some.set()

    async def take(self) -> bytes:
        """Return all that has come."""
        await self._has_some.wait()
        self._has_some.clear()
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        return data


def payload_of(datagram: bytes) -> bytes:
    """Return the transport stream of a datagram: RTP begins with its version, a packet with its sync byte."""
    if datagram[:1] == bytes((SYNC,)) or len(datagram) <= RTP_HEADER_BYTES or datagram[0] >> 6 != _RTP_VERSION:
        return datagram
    start = RTP_HEADER_BYTES + 4 * (datagram[0] & 15)
    if datagram[0] & 16 and len(datagram) >= start + 4:  # an extension (RFC 3550, section 5.3.1)
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    return datagram[start:]


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that receives what is sent to this address of ours, or to this group. Raises `OSError`."""
    info = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    own = socket.socket(info[0], info[1], info[2])
    try:
        own.setblocking(False)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        address = ip_address(info[4][0])
        if address.is_multicast:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind(info[4])
        if address.is_multicast and isinstance(address, IPv4Address):
            own.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4sl", address.packed, 0))
        elif address.is_multicast:
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, address.packed + struct.pack("@I", 0))
    except BaseException:
        own.close()
        raise
    return own
