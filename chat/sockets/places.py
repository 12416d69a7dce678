"""How many connections a process holds: in all, of one address, of one account. Sockets and IRC share one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId

PER_ADDRESS_MAX: Final = 100
"""Connections of one address, or of one /64 of IPv6: a household or an office. Loopback is not counted."""
PER_USER_MAX: Final = 20
"""Connections of one account: tabs, telephones, bots."""
RETRY_AFTER_MS: Final = 5_000
_PREFIX: Final = 64


class Places:
    """Raises `ApiError` where there are too many: UNAVAILABLE (another process may have room) or RATE_LIMITED."""

    def __init__(self, places_max: int) -> None:
        self.places_max = places_max
        self.count = 0
        self._addresses: Counter[str] = Counter()
        self._users: Counter[str] = Counter()

    @contextmanager
    def taken(self, address: str) -> Iterator[None]:
        """Hold a place for a connection from an address; "" is not counted by address."""
        if self.count >= self.places_max:
            message = "This server takes no more connections just now."
            raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
        with _one(self._addresses, _household(address), PER_ADDRESS_MAX):
            self.count += 1
            try:
                yield
            finally:
                self.count -= 1

    @contextmanager
    def taken_by(self, user: UserId | None) -> Iterator[None]:
        """Hold one of an account's places too; None is not counted."""
        with _one(self._users, user or "", PER_USER_MAX):
            yield


@contextmanager
def _one(counts: Counter[str], who: str, most: int) -> Iterator[None]:
    if not who:
        yield
        return
    if counts[who] >= most:
        message = "You have too many connections open."
        raise ApiError(ErrorCode.RATE_LIMITED, message, retry_after_ms=RETRY_AFTER_MS)
    counts[who] += 1
    try:
        yield
    finally:
        counts[who] -= 1
        if not counts[who]:
            del counts[who]


def _household(address: str) -> str:
    """Return what stands for everybody behind an address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return "" if parsed.is_loopback else str(ip_network((parsed, _PREFIX), strict=False))
        return _household(str(parsed.ipv4_mapped))
    return "" if parsed.is_loopback else address
