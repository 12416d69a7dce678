"""Who is behind a proxy of ours: X-Forwarded-For, as far as it was written by those whom the operator trusts.

Each proxy appends the address that connected to it. What a client wrote himself stands on the left of what ours added,
so the list is read from its right end (https://developer.mozilla.org/docs/Web/HTTP/Headers/X-Forwarded-For).
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

Network = IPv4Network | IPv6Network
MAX_HOPS = 16
"""Addresses of a list that are read."""


def read_networks(text: str) -> list[Network]:
    """Return the networks of a setting. Raises `ValueError`."""
    return [ip_network(part.strip()) for part in text.split(",") if part.strip()]


def client_address(connected: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address of the client: who connected, or behind proxies of ours whoever the outermost one saw.

    `forwarded` are the values of all X-Forwarded-For headers. What is no address ends the reading.
    """
    found = connected
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    for hop in reversed(hops[-MAX_HOPS:]):
        if not is_trusted(found, trusted):
            break
        address = _address(hop)
        if address is None:
            break
        found = str(address)
    return found


def address_of(request: web.BaseRequest, trusted: Sequence[Network]) -> str:
    """Return the address of a request's client, "" where nobody knows it."""
    forwarded = request.headers.getall("X-Forwarded-For", ())
    return client_address(request.remote or "", forwarded, trusted)


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether this is a proxy of ours."""
    parsed = _address(address) if trusted else None
    return parsed is not None and any(parsed in network for network in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
