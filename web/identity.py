"""Who asks: the account behind a Bearer token or the cookie `session`, and what a cookie alone may not do."""

from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import hdrs, web

from schemas.errors import ApiError, ErrorCode
from web.origins import is_foreign_origin, is_own_origin
from web.services import Services
from web.store import sessions
from web.store.users import Account
from web.tokens import SESSION_TOKEN_MAX, digest

COOKIE = "session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Visitor(msgspec.Struct, frozen=True):
    """A signed-in caller. `renewed_until`: the session was extended just now, and its cookie with it."""

    account: Account
    token: str
    proof: Literal["cookie", "bearer"]
    renewed_until: datetime | None

    def __repr__(self) -> str:
        return f"Visitor({self.account.id}, {self.proof})"


async def visitor_of(services: Services, request: web.Request) -> Visitor | None:
    """Return who asks, None for anonymous. A Bearer token that is no good raises UNAUTHORIZED; a cookie is dropped."""
    scheme, _, credentials = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        visitor = await _find(services, credentials.strip(), "bearer")
        if visitor is None:
            raise ApiError(ErrorCode.UNAUTHORIZED, "This token is not valid or has expired.")
        return visitor
    if scheme:
        raise ApiError(ErrorCode.UNAUTHORIZED, "Only Bearer authorization is known here.")
    return await _find(services, request.cookies.get(COOKIE, ""), "cookie")


async def _find(services: Services, token: str, proof: Literal["cookie", "bearer"]) -> Visitor | None:
    if not token or len(token) > SESSION_TOKEN_MAX or not token.isascii():
        return None
    token_hash = digest(token)
    found = await sessions.find(services.pool, token_hash)
    if found is None:
        return None
    account, _, is_due = found
    renewed_until = await sessions.extend(services.pool, token_hash) if is_due else None
    return Visitor(account, token, proof, renewed_until)


def refuse_foreign_page(services: Services, request: web.Request, visitor: Visitor | None) -> None:
    """Raise FORBIDDEN when another site's page may be acting with the visitor's browser (CSRF)."""
    if request.method in SAFE_METHODS or (visitor and visitor.proof == "bearer"):
        return
    public_url = services.settings.public_url
    is_allowed = is_own_origin(request, public_url) if visitor else not is_foreign_origin(request, public_url)
    if not is_allowed:
        raise ApiError(ErrorCode.FORBIDDEN, "This request must come from a page of this site.")


async def identify_socket(services: Services, request: web.Request) -> Account | None:
    """Return whose event socket this is. Raises FORBIDDEN when another site's page opens it with a cookie."""
    if not request.cookies.get(COOKIE):
        return None
    if not is_own_origin(request, services.settings.public_url):
        raise ApiError(ErrorCode.FORBIDDEN, "This socket must be opened by a page of this site.")
    visitor = await _find(services, request.cookies[COOKIE], "cookie")
    return visitor.account if visitor else None


def set_session_cookie(response: web.StreamResponse, token: str, expires_at: datetime, *, public_url: str) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIE,
        token,
        expires=expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=public_url.startswith("https:"),
    )


def clear_session_cookie(response: web.StreamResponse) -> None:
    """Take the session from the browser."""
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax")
