"""How many connections a process holds: in all, of one address, of one account. Sockets and IRC share one."""

from collections import Counter
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

    def taken(self, address: str) -> "Place":
        """Hold a place for a connection from an address, as a context; "" is not counted by address."""
        return Place(self, self._addresses, _household(address), PER_ADDRESS_MAX)

    def taken_by(self, user: UserId | None) -> "Place":
        """Hold one of an account's places too, as a context; None is not counted."""
        return Place(None, self._users, user or "", PER_USER_MAX)


class Place:
    """A place while it is held. No generator, because each of them costs a socket half a KB."""

    __slots__ = ("_counts", "_most", "_places", "_who")

    def __init__(self, places: Places | None, counts: Counter[str], who: str, most: int) -> None:
        self._places, self._counts, self._who, self._most = places, counts, who, most

    def __enter__(self) -> None:
        """Take it. Raises `ApiError`."""
        places, who = self._places, self._who
        if places is not None and places.count >= places.places_max:
            message = "This server takes no more connections just now."
            raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
        if who and self._counts[who] >= self._most:
            message = "You have too many connections open."
            raise ApiError(ErrorCode.RATE_LIMITED, message, retry_after_ms=RETRY_AFTER_MS)
        if who:
            self._counts[who] += 1
        if places is not None:
            places.count += 1

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        if self._places is not None:
            self._places.count -= 1
        if self._who:
            self._counts[self._who] -= 1
            if not self._counts[self._who]:
                del self._counts[self._who]


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
