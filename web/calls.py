"""One API request: decode and validate, find out who asks and for which channel, call the handler, answer.

A handler takes a `Call` whose `input` is the decoded body or query, and returns the data of the envelope.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from chat.store import roles
from schemas.api import PATTERN_WORDS, Data, DataList, Page
from schemas.errors import ApiError, ErrorCode
from schemas.openapi import Access, Operation
from web.forms import read_form
from web.identity import Visitor, clear_session_cookie, refuse_foreign_page, set_session_cookie, visitor_of
from web.proxies import address_of
from web.services import SERVICES, Services
from web.store import channels
from web.store.channels import ChannelRow
from web.store.users import Account

BODY_MAX = 64 * 1024
DEADLINE_S = 15.0
"""For one request, all its waits on databases together."""
NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_PATH = re.compile(r"`\$\.?([^`]*)`$")
_LENGTH = re.compile(r"Expected `(str|array)` of length (>=|<=) (\d+)")
_NAMED = re.compile(r"(?:unknown|required) field `([^`]*)`")

Input = TypeVar("Input")
T = TypeVar("T")
JSON_HEADERS = {"Cache-Control": "no-store"}


@dataclass(kw_only=True)
class Call(Generic[Input]):
    """What a handler gets, and what it may set on the way."""

    services: Services
    request: web.Request
    input: Input
    visitor: Visitor | None
    owned: ChannelRow | None
    new_session: tuple[str, datetime] | None = field(default=None, repr=False)
    ends_session: bool = False

    @property
    def account(self) -> Account:
        """The caller's account; only in operations that need one."""
        assert self.visitor is not None
        return self.visitor.account

    @property
    def caller(self) -> Account | None:
        """The caller's account, None for who is not signed in."""
        return self.visitor.account if self.visitor else None

    @property
    def channel(self) -> ChannelRow:
        """The channel named in the path; only in operations for owners and moderators."""
        assert self.owned is not None
        return self.owned

    @property
    def address(self) -> str:
        """The address that connected to us, or to a proxy of ours."""
        return address_of(self.request, self.services.trusted_proxies)


class Listing(msgspec.Struct, frozen=True):
    """What the handler of a list returns."""

    items: Sequence[object]
    cursor: str | None


Handler = Callable[[Call[Any]], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Endpoint(Operation):
    """A row of the table with the coroutine that does it."""

    handler: Handler


def routes(endpoints: Sequence[Endpoint], prefix: str) -> list[web.RouteDef]:
    """Return aiohttp's routes for the table."""
    return [web.route(e.method, prefix + e.path, _serve(e), name=e.name) for e in endpoints]


def _serve(endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        started = time.monotonic()
        async with asyncio.timeout(DEADLINE_S):
            response = await _answer(endpoint, request)
        request.app[SERVICES].metrics.seconds.observe(time.monotonic() - started)
        return response

    return serve


async def _answer(endpoint: Endpoint, request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    visitor = _admitted(endpoint, await visitor_of(services, request))
    if endpoint.access is not Access.PUBLIC and visitor is None:
        raise ApiError(ErrorCode.UNAUTHORIZED, "Sign in first.")
    refuse_foreign_page(services, request, visitor)
    query = decode_query(request, endpoint.query)
    owned = await _channel_of(endpoint.access, services, request, visitor)
    body = await decode_body(request, endpoint.body) if endpoint.body else None
    form = await decode_form(request, endpoint.form) if endpoint.form else None
    call: Call[Any] = Call(
        services=services, request=request, input=body or form or query, visitor=visitor, owned=owned
    )
    result = await endpoint.handler(call)
    if isinstance(result, Listing):
        content = msgspec.json.encode(DataList(list(result.items), Page(result.cursor)))
    else:
        content = msgspec.json.encode(Data(result))
    response = web.Response(body=content, status=endpoint.status, content_type="application/json", headers=JSON_HEADERS)
    _set_cookies(call, response)
    return response


def _admitted(endpoint: Endpoint, visitor: Visitor | None) -> Visitor | None:
    """Return the caller, nobody where a token that opens less reads what everybody may. Raises FORBIDDEN elsewhere."""
    if visitor is None or visitor.may(endpoint.scope):
        return visitor
    if endpoint.access is Access.PUBLIC and endpoint.method == "GET":
        return None
    if endpoint.scope is None:
        raise ApiError(ErrorCode.FORBIDDEN, "This is not for tokens of programs. Sign in.")
    raise ApiError(ErrorCode.FORBIDDEN, f"This token needs the scope {endpoint.scope}.")


def _set_cookies(call: Call[Any], response: web.Response) -> None:
    public_url = call.services.settings.public_url
    if call.ends_session:
        clear_session_cookie(response)
    elif call.new_session:
        set_session_cookie(response, *call.new_session, public_url=public_url)
    elif call.visitor and call.visitor.proof == "cookie" and call.visitor.renewed_until:
        set_session_cookie(response, call.visitor.token, call.visitor.renewed_until, public_url=public_url)


async def find_channel(services: Services, name_or_id: str) -> ChannelRow:
    """Return the channel of that id or name. Raises NOT_FOUND."""
    found = await channels.find(services.pool, name_or_id.lower()) if NAME.fullmatch(name_or_id) else None
    if found is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such channel.")
    return found


async def _channel_of(
    access: Access, services: Services, request: web.Request, visitor: Visitor | None
) -> ChannelRow | None:
    """Return the channel that an operation for owners or moderators is about. Raises FORBIDDEN to everybody else."""
    if access not in (Access.OWNER, Access.MODERATOR):
        return None
    assert visitor is not None
    account = visitor.account
    found = await find_channel(services, request.match_info["channel"])
    if found.user_id == account.id or account.is_admin:
        return found
    if access is Access.OWNER:
        raise ApiError(ErrorCode.FORBIDDEN, "This is not your channel.")
    if not await roles.moderates(services.pool, found.id, account.id):
        raise ApiError(ErrorCode.FORBIDDEN, "You do not moderate this channel.")
    return found


def decode_query(request: web.Request, kind: type[msgspec.Struct] | None) -> msgspec.Struct | None:
    """Return the query as its Struct. Unknown and repeated parameters raise INVALID_REQUEST."""
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise bad_field(name, "is given twice")
        given[name] = value
    if kind is None:
        if given:
            raise bad_field(next(iter(given)), "is not known")
        return None
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


async def decode_body(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Return the JSON body as its Struct. Raises PARSE_ERROR, INVALID_REQUEST; aiohttp raises above its size limit."""
    if request.content_type != "application/json":
        raise ApiError(ErrorCode.INVALID_REQUEST, "Send JSON with the content type application/json.")
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ApiError(ErrorCode.PARSE_ERROR, "The body is not JSON.") from None


async def decode_form(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Return the multipart body as its Struct. Raises PARSE_ERROR, INVALID_REQUEST, PAYLOAD_TOO_LARGE."""
    fields = await read_form(request)
    try:
        return msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def given(value: T | msgspec.UnsetType) -> T | None:
    """Return a field's value, None where the client left it out."""
    return None if isinstance(value, msgspec.UnsetType) else value


def invalid(error: msgspec.ValidationError) -> ApiError:
    """Return INVALID_REQUEST that names the field which msgspec names in its message."""
    text = str(error)
    reason, _, _ = text.partition(" - at ")
    path = found.group(1) if (found := _PATH.search(text)) else ""
    if named := _NAMED.search(reason):
        path = f"{path}.{named.group(1)}" if path else named.group(1)
        reason = "is not known" if "unknown" in reason else "is missing"
    reason = _in_words(reason)
    if not path:
        return ApiError(ErrorCode.INVALID_REQUEST, reason)
    return bad_field(path, reason)


def _in_words(reason: str) -> str:
    """Say to a person what msgspec says to a programmer; other reasons (wrong types) stay as they are."""
    if found := _LENGTH.fullmatch(reason):
        kind, limit, number = found.groups()
        things = "characters" if kind == "str" else "entries"
        return f"must have {'at least' if limit == '>=' else 'at most'} {number} {things}"
    for pattern, words in PATTERN_WORDS.items():
        if reason.endswith(f"matching regex {pattern!r}"):
            return words
    return reason


def bad_field(name: str, reason: str) -> ApiError:
    """Return INVALID_REQUEST that says what is wrong with one field."""
    return ApiError(ErrorCode.INVALID_REQUEST, f"{name}: {reason}", fields={name: reason})
