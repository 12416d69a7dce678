"""Who talks, and what they are to a channel."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from schemas.chat import Badge, Role
from schemas.ids import ChannelId, UserId

SCOPES: Final = ("chat:read", "chat:write", "chat:moderate")
"""What a token for programs may open; a person's own session opens all."""


class Person(msgspec.Struct, frozen=True):
    """An account, as chat needs it. `color` is "#RRGGBB", "" for one that follows from the id."""

    id: UserId
    username: str
    display_name: str
    color: str
    created_at_ms: int
    is_admin: bool = False
    is_bot: bool = False


class Identity(msgspec.Struct, frozen=True):
    """Somebody at a socket, and by which token. `scopes` None: everything the account may do."""

    person: Person
    proof: bytes
    """Hash of the session or token, for `Recheck`."""
    scopes: frozenset[str] | None = None

    def may(self, scope: str) -> bool:
        """Whether the token opens this."""
        return self.scopes is None or scope in self.scopes


Identify = Callable[[web.Request], Awaitable[Identity | None]]
"""Tells whose socket this is, None for anonymous. Raises `ApiError`; UNAUTHORIZED: its ticket or token is no good."""
IdentifyToken = Callable[[str], Awaitable[Identity | None]]
"""Tells whose token this is (what IRC clients send as `PASS oauth:…`), None for none."""
Recheck = Callable[[Identity], Awaitable[Identity | None]]
"""Returns the identity as it is now, None when its session has ended."""
MayRead = Callable[[Identity | None, ChannelId, str | None], Awaitable[bool]]
"""Whether somebody may see a channel's chat; the last is the token of a shared address. Raises as databases do."""


class Standing(msgspec.Struct, frozen=True):
    """What a person is to a channel. Times are ms since the epoch."""

    role: Role
    badges: list[Badge]
    followed_at_ms: int | None
    subscription_tier: int
    subscribed_months: int
    has_chatted: bool
    is_admin: bool = False

    @property
    def moderates(self) -> bool:
        """Moderator, broadcaster, or an administrator of the installation."""
        return self.is_admin or self.role in ("moderator", "broadcaster")
