"""Which addresses on the network may be connected to on behalf of users, and connecting to what was checked itself.

A user who names a host must not make us talk to what only we can reach: loopback, private and link-local networks, a
cloud's metadata service (server-side request forgery). Names are resolved once, every answer is checked, and the
connection goes to the checked address: a name that resolves differently the next moment gains nothing.

Errors: `Forbidden` (an `OSError`, so that it passes through whatever connects).
"""

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
"""What `getaddrinfo` answers: family, type, protocol, canonical name, socket address."""

RESOLVE_S = 5.0
CONNECT_S = 5.0
"""For each address of a host."""
MOST_ADDRESSES = 4
"""Of a host are tried."""

_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        # IANA's special-purpose registries of IPv4 (RFC 6890) and what only `ipaddress` of newer Pythons knows
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # and of IPv6
        "::/128",
        "::1/128",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""RFC 6052 and RFC 8215: a gateway makes IPv4 of the last four bytes."""
_COMPATIBLE = IPv6Network("::/96")
"""IPv4-compatible addresses, long deprecated (RFC 4291, 2.5.5.1)."""


class Forbidden(OSError):
    """The address may not be connected to."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is in a network that may not be reached from here")
        self.host = host


def is_public(address: Address) -> bool:
    """Return whether everybody on the internet may reach this address, and any IPv4 address that is wrapped in it."""
    return all(
        each.is_global and not each.is_multicast and not any(each in network for network in _NOT_PUBLIC)
        for each in _faces(address)
    )


def _faces(address: Address) -> Iterator[Address]:
    """Yield where packets to this address may end: the IPv4 in IPv6 counts instead of its wrapping."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif any(address in network for network in _NAT64):
        yield IPv4Address(address.packed[-4:])
    elif address.sixtofour is not None:  # RFC 3056
        yield address.sixtofour
    elif address in _COMPATIBLE and int(address) > 1:
        yield IPv4Address(address.packed[-4:])
    else:
        yield address  # Teredo lies in 2001::/23


class Reach:
    """The networks that may be reached besides public ones, from a setting such as "10.0.0.0/8,fd00::/8"."""

    def __init__(self, allow: str = "") -> None:
        """Raise `ValueError` for what is no list of networks."""
        self._allowed = tuple(ip_network(part.strip()) for part in allow.split(",") if part.strip())

    def allows(self, address: Address) -> bool:
        """Return whether this address may be connected to."""
        return is_public(address) or all(any(each in network for network in self._allowed) for each in _faces(address))

    def check_host(self, host: str) -> None:
        """Raise `Forbidden` for an address, written as such, that may not be reached; names are not resolved."""
        try:
            address = ip_address(host.strip("[]").partition("%")[0])
        except ValueError:
            if host.rstrip(".").lower().split(".")[-1] != "localhost" or self.allows(IPv4Address("127.0.0.1")):
                return
            raise Forbidden(host) from None
        if not self.allows(address):
            raise Forbidden(host)

    def check(self, info: AddressInfo) -> None:
        """Raise `Forbidden` for a resolved address that may not be reached."""
        text = info[4][0].partition("%")[0]
        if not self.allows(ip_address(text)):
            raise Forbidden(text)

    async def resolve(self, host: str, port: int, *, kind: int = socket.SOCK_STREAM) -> list[AddressInfo]:
        """Return the addresses of a host that may be reached, `MOST_ADDRESSES` at most.

        Raises `Forbidden` when none of them may, `OSError` when there are none, `TimeoutError` after `RESOLVE_S`.
        """
        async with asyncio.timeout(RESOLVE_S):
            found: list[AddressInfo] = await asyncio.get_running_loop().getaddrinfo(  # type: ignore[assignment]
                host,
                port,
                type=kind,  # its stub allows addresses without a port, which is for other families
            )
        if not found:
            raise OSError(f"{host} has no address")
        allowed = [info for info in found if self.allows(ip_address(info[4][0].partition("%")[0]))]
        if not allowed:
            raise Forbidden(host)
        return allowed[:MOST_ADDRESSES]

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """Return a socket for a connection to this address: the `socket_factory` of aiohttp. Raises `Forbidden`."""
        self.check(info)
        return socket.socket(info[0], info[1], info[2])

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a connected TCP socket that does not block.

        Raises `Forbidden`, or `OSError` of the last address that was tried (`TimeoutError` is one of them).
        """
        loop = asyncio.get_running_loop()
        trouble: OSError = OSError(f"{host} has no address")
        for info in await self.resolve(host, port):
            connection = self.open_socket(info)
            try:
                connection.setblocking(False)
                async with asyncio.timeout(CONNECT_S):
                    await loop.sock_connect(connection, info[4])
            except OSError as error:
                connection.close()
                trouble = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise trouble
