"""Who asks: the account behind a Bearer token or the cookie `session`, and what a cookie alone may not do.

A Bearer token is of a session, which may do everything the account may, or an access token: that one opens only the
operations whose scope it has. Sockets may also be opened by a ticket, which stands for the token it was asked with.
"""

from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import hdrs, web

from chat.people import Identity, Person
from chat.store import roles
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from web import tickets, watching
from web.addresses import opened_by
from web.origins import is_foreign_origin, is_own_origin
from web.services import Services
from web.store import access_tokens, channels, follows, sessions
from web.store.users import Account
from web.tickets import Bearer
from web.tokens import ACCESS_PREFIX, SESSION_TOKEN_MAX, TICKET_PREFIX, digest

COOKIE = "session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Visitor(msgspec.Struct, frozen=True):
    """A signed-in caller. `renewed_until`: the session was extended just now, and its cookie with it."""

    account: Account
    token: str
    proof: Literal["cookie", "bearer"]
    renewed_until: datetime | None = None
    scopes: frozenset[str] | None = None
    """What an access token opens; None: everything."""

    def may(self, scope: str | None) -> bool:
        """Whether the token opens operations of this scope; those of None are for sessions only."""
        return self.scopes is None or scope in self.scopes

    @property
    def identity(self) -> Identity:
        """The caller, as chat knows people."""
        return Identity(person_of(self.account), digest(self.token), self.scopes)

    def __repr__(self) -> str:
        return f"Visitor({self.account.id}, {self.proof})"


async def visitor_of(services: Services, request: web.Request) -> Visitor | None:
    """Return who asks, None for anonymous. A Bearer token that is no good raises UNAUTHORIZED; a cookie is dropped."""
    scheme, _, credentials = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        visitor = await find_visitor(services, credentials.strip(), "bearer")
        if visitor is None:
            raise ApiError(ErrorCode.UNAUTHORIZED, "This token is not valid or has expired.")
        return visitor
    if scheme:
        raise ApiError(ErrorCode.UNAUTHORIZED, "Only Bearer authorization is known here.")
    return await find_visitor(services, request.cookies.get(COOKIE, ""), "cookie")


def person_of(account: Account) -> Person:
    """Return the account, as chat knows people."""
    return Person(
        id=account.id,
        username=account.username,
        display_name=account.display_name,
        color=account.chat_color,
        created_at_ms=round(account.created_at.timestamp() * 1000),
        is_admin=account.is_admin,
        is_bot=account.bot_owner_id is not None,
    )


async def find_visitor(services: Services, token: str, proof: Literal["cookie", "bearer"]) -> Visitor | None:
    """Return whose session or (only as Bearer) access token this is. Raises as databases do."""
    if not token or len(token) > SESSION_TOKEN_MAX or not token.isascii():
        return None
    token_hash = digest(token)
    if token.startswith(ACCESS_PREFIX) and proof == "bearer":
        program = await find_program(services, token_hash)
        return Visitor(program[0], token, proof, scopes=program[1]) if program else None
    found = await sessions.find(services.pool, token_hash)
    if found is None:
        return None
    account, _, is_due = found
    renewed_until = await sessions.extend(services.pool, token_hash) if is_due else None
    return Visitor(account, token, proof, renewed_until)


async def find_program(services: Services, token_hash: bytes) -> tuple[Account, frozenset[str]] | None:
    """Return for whom an access token speaks and what it opens, and note that it is used. Raises as databases do."""
    found = await access_tokens.find(services.pool, token_hash)
    if found is None:
        return None
    account, scopes, is_due = found
    if is_due:
        await access_tokens.used(services.pool, token_hash)
    return account, scopes


def refuse_foreign_page(services: Services, request: web.Request, visitor: Visitor | None) -> None:
    """Raise FORBIDDEN when another site's page may be acting with the visitor's browser (CSRF)."""
    if request.method in SAFE_METHODS or (visitor and visitor.proof == "bearer"):
        return
    public_url = services.settings.public_url
    is_allowed = is_own_origin(request, public_url) if visitor else not is_foreign_origin(request, public_url)
    if not is_allowed:
        raise ApiError(ErrorCode.FORBIDDEN, "This request must come from a page of this site.")


async def identify_socket(services: Services, request: web.Request) -> Identity | None:
    """Return whose socket this is, None for anonymous: by `?token=` (ticket or access token), Bearer token or cookie.

    Raises UNAUTHORIZED for a token that is no good, FORBIDDEN when another site's page opens it with a cookie.
    """
    token = request.query.get("token")
    if token is not None:
        identity = await _identify_query(services, token)
        if identity is None:
            raise ApiError(ErrorCode.UNAUTHORIZED, "This ticket or token is not valid.")
        return identity
    if hdrs.AUTHORIZATION not in request.headers:
        if not request.cookies.get(COOKIE):
            return None
        if not is_own_origin(request, services.settings.public_url):
            raise ApiError(ErrorCode.FORBIDDEN, "This socket must be opened by a page of this site.")
    visitor = await visitor_of(services, request)
    return visitor.identity if visitor else None


async def _identify_query(services: Services, token: str) -> Identity | None:
    if len(token) > SESSION_TOKEN_MAX or not token.isascii():
        return None
    if token.startswith(TICKET_PREFIX):
        bearer = await tickets.redeem(services.redis, token)
        return await _of_proof(services, bearer.proof, is_session=bearer.is_session) if bearer else None
    return await identify_token(services, token)


async def identify_token(services: Services, token: str) -> Identity | None:
    """Return for whom an access token speaks, None for none; sessions are no tokens for programs."""
    if not token.startswith(ACCESS_PREFIX):
        return None
    visitor = await find_visitor(services, token, "bearer")
    return visitor.identity if visitor else None


async def recheck(services: Services, identity: Identity) -> Identity | None:
    """Return the identity as it is now, None when its session or token has ended."""
    return await _of_proof(services, identity.proof, is_session=identity.scopes is None)


async def _of_proof(services: Services, proof: bytes, *, is_session: bool) -> Identity | None:
    if is_session:
        found = await sessions.find(services.pool, proof)
        return Identity(person_of(found[0]), proof) if found else None
    program = await find_program(services, proof)
    return Identity(person_of(program[0]), proof, program[1]) if program else None


def bearer_of(visitor: Visitor) -> Bearer:
    """Return what a ticket of this caller stands for."""
    return Bearer(digest(visitor.token), visitor.scopes is None)


async def may_read(services: Services, identity: Identity | None, channel_id: ChannelId, key: str | None) -> bool:
    """Whether somebody may see a channel's chat: who may watch it live, and who moderates it."""
    row = await channels.find(services.pool, channel_id)
    if row is None:
        return False
    if row.visibility == "public" or await opened_by(services.access, "hls", row.id, key):
        return True
    if identity is None or not identity.may("chat:read"):
        return False
    person = identity.person
    if person.is_admin or person.id == row.user_id or await roles.moderates(services.pool, row.id, person.id):
        return True
    at = await follows.standing(services.pool, person.id, [row.id])
    return watching.judge(None, row.user_id, row.visibility, at.get(row.id, watching.STRANGER)) is None


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
