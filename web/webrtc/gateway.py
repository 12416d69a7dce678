"""WHIP and WHEP on the public port (RFC 9725, draft-ietf-wish-whep): who may come in, and to which process.

    POST    /whip   /whip/{channel}   /whep/{channel}   /whep/~{token}/{channel}
    PATCH, DELETE   /whip/session/{node}.{name}         /whep/session/{node}.{name}

The webrtc process answers; here a key or a token is never judged but for who may watch. Any site's page may do this:
what proves something is in the address or in Authorization, never in a cookie.
"""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Final

import aiohttp
import msgspec
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from schemas import webrtc
from schemas.errors import ApiError, ErrorCode
from schemas.ingest import LiveEntry, live_key
from schemas.webrtc import WEBRTC_HEARTBEAT_S, WebrtcNode
from web.access import scope_of_channel
from web.calls import NAME, find_channel
from web.hls.embeds import Embeds
from web.hls.heads import Fields
from web.origins import origin_of
from web.proxies import address_of, is_trusted
from web.services import SERVICES, Services

CONNECT_S: Final = 2.0
ANSWER_S: Final = 15.0
"""The webrtc process may wait 8 s for web's own grant, and for the first part of a feed."""
PREFLIGHT_S: Final = 24 * 3600
RETRY_AFTER_MS: Final = round(WEBRTC_HEARTBEAT_S * 1000)
"""A process that starts is known with its first heartbeat."""
SDP: Final = "application/sdp"
ASKED: Final = (hdrs.CONTENT_TYPE, hdrs.AUTHORIZATION, hdrs.IF_MATCH, hdrs.ACCEPT, hdrs.USER_AGENT)
"""What the process gets of a request's header fields; those of ours (`schemas/webrtc.py`) nobody else can send."""
ANSWERED: Final = (
    hdrs.CONTENT_TYPE,
    hdrs.ETAG,
    hdrs.LINK,
    "Accept-Patch",
    "Accept-Post",
    hdrs.ALLOW,
    hdrs.RETRY_AFTER,
    hdrs.WWW_AUTHENTICATE,
)
PREFLIGHT: Final[dict[str, str]] = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST, PATCH, DELETE, OPTIONS",
    # A star does not cover Authorization (Fetch, section 4.8).
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Type, If-Match",
    hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_S),
    "Accept-Post": SDP,
}
EXPOSED: Final = "Location, Link, ETag, Accept-Patch, Retry-After, WWW-Authenticate"
ENDPOINTS: Final = ("/whip", "/whip/{channel}", "/whep/{channel}", "/whep/~{token}/{channel}")
RESOURCES: Final = ("/whip/session/{resource}", "/whep/session/{resource}")
CLIENT = web.AppKey("webrtc client", aiohttp.ClientSession)
EMBEDS = web.AppKey("webrtc embeds", Embeds)


def add_to(app: web.Application) -> None:
    """Register the routes, and the client of the processes."""

    async def client(app: web.Application) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=jar, auto_decompress=False) as session:
            app[CLIENT] = session
            yield

    app.cleanup_ctx.append(client)
    app.on_response_prepare.append(_open_to_pages)
    settings = app[SERVICES].settings
    app[EMBEDS] = Embeds(settings.public_url, settings.embed_allow)
    for name, method, path, handler in (
        ("whip", hdrs.METH_POST, "/whip", publish),
        ("whipChannel", hdrs.METH_POST, "/whip/{channel}", publish),
        ("whep", hdrs.METH_POST, "/whep/{channel}", watch),
        ("whepSigned", hdrs.METH_POST, "/whep/~{token}/{channel}", watch),
        ("whipPatch", hdrs.METH_PATCH, "/whip/session/{resource}", change),
        ("whipDelete", hdrs.METH_DELETE, "/whip/session/{resource}", change),
        ("whepPatch", hdrs.METH_PATCH, "/whep/session/{resource}", change),
        ("whepDelete", hdrs.METH_DELETE, "/whep/session/{resource}", change),
    ):
        app.router.add_route(method, path, handler, name=name)
    for path in (*ENDPOINTS, *RESOURCES):
        app.router.add_route(hdrs.METH_OPTIONS, path, preflight)
        app.router.add_route(hdrs.METH_ANY, path, refuse_method)


async def _open_to_pages(request: web.Request, response: web.StreamResponse) -> None:
    """Let pages of any site read every answer, errors too (a signal: it sees what the middleware wrote)."""
    if request.path.split("/", 2)[1] in {"whip", "whep"}:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


async def preflight(_request: web.Request) -> web.Response:
    """OPTIONS: what is possible here, also for browsers that ask before they send (RFC 9725, section 4.2)."""
    return web.Response(headers=PREFLIGHT)


async def refuse_method(request: web.Request) -> web.Response:
    """GET and others, which would be a page's otherwise (RFC 9725, sections 4.2 and 4.3)."""
    possible = ["DELETE", "PATCH"] if request.path.split("/")[2:3] == ["session"] else ["POST"]
    raise web.HTTPMethodNotAllowed(request.method, [*possible, "OPTIONS"])


async def publish(request: web.Request) -> web.Response:
    """POST whip: to the least busy process; the key is ingest's to judge."""
    services = request.app[SERVICES]
    name = request.match_info.get("channel", "")
    channel = (await find_channel(services, name)).id if name else ""
    nodes = await services.nodes.for_publisher()
    if not nodes:
        raise _away("Nothing takes WebRTC publishers right now.")
    words = request.rel_url.raw_query_string  # ?priority=1 and the like, as behind a key of RTMP
    return await _hand_on(request, nodes, f"/whip?{words}" if words else "/whip", {webrtc.CHANNEL_HEADER: channel})


async def watch(request: web.Request) -> web.Response:
    """POST whep: to the emptiest process, for who may watch the channel."""
    services = request.app[SERVICES]
    _refuse_elsewhere(request)
    live = await _live(services, request.match_info["channel"])
    token = request.match_info.get("token", "") or _bearer(request)
    is_public = live.visibility == "public"
    if not is_public and not await services.access.verify(token, scope_of_channel(live.channel_id)):
        raise ApiError(ErrorCode.FORBIDDEN, "This address does not open it, or not any more. Open its page again.")
    nodes = await services.nodes.for_viewer()
    if not nodes:
        raise _away("WebRTC is not served right now.")
    viewer = services.viewers.token(
        request.headers.get(hdrs.COOKIE),
        address_of(request, services.trusted_proxies),
        request.headers.get(hdrs.USER_AGENT),
    )
    about = {
        webrtc.CHANNEL_HEADER: live.channel_id,
        webrtc.ORIGIN_HEADER: live.origin_url,
        webrtc.SESSION_HEADER: live.session_id,
        webrtc.VIEWER_HEADER: viewer,
        webrtc.ADMITTED_HEADER: "public" if is_public else "signed",
    }
    return await _hand_on(request, nodes, "/whep", about)


async def change(request: web.Request) -> web.Response:
    """PATCH, DELETE: to the process that the resource is named after."""
    resource = request.match_info["resource"]
    node = await request.app[SERVICES].nodes.find(resource.partition(".")[0])
    if node is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such session, or not any more.")
    return await _hand_on(request, [node], request.path, {})


def _refuse_elsewhere(request: web.Request) -> None:
    if not request.app[SERVICES].settings.embed_allow:
        return
    page = Fields(origin=request.headers.get(hdrs.ORIGIN), referer=request.headers.get(hdrs.REFERER))
    if not request.app[EMBEDS].allows(page):
        raise ApiError(ErrorCode.FORBIDDEN, "Pages of this site may not show it.")


async def _live(services: Services, name: str) -> LiveEntry:
    """Return where a channel is live. Raises NOT_FOUND."""
    found = await services.redis.get(live_key(name.lower())) if NAME.fullmatch(name) else None
    if found is None:
        raise ApiError(ErrorCode.NOT_FOUND, "This channel is not live.")
    return msgspec.json.decode(found, type=LiveEntry)


def _bearer(request: web.Request) -> str:
    """Return the token of players that send it as WHEP has it."""
    scheme, _, credentials = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _away(message: str) -> ApiError:
    return ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)


async def _hand_on(request: web.Request, nodes: Sequence[WebrtcNode], path: str, about: dict[str, str]) -> web.Response:
    """Ask one process after the other until one is there and has room; its answer is the answer."""
    services = request.app[SERVICES]
    headers: dict[str, str] = {name: request.headers[name] for name in ASKED if name in request.headers}
    headers |= about
    headers[webrtc.ADDRESS_HEADER] = address_of(request, services.trusted_proxies)
    body = await request.read()
    for node in nodes:
        url = URL(node.url.rstrip("/") + path, encoded=True)
        try:
            async with request.app[CLIENT].request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE or node is nodes[-1]:
                    return _answer(request, answer, await answer.read())
        except aiohttp.ClientConnectorError as error:
            services.troubles.note("webrtc", error)  # it has not begun: another one may
        except (aiohttp.ClientError, TimeoutError) as error:
            services.troubles.note("webrtc", error)
            break
    raise _away("The WebRTC server does not answer. Try again.")


def _answer(request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict()
    for name in ANSWERED:
        for value in answer.headers.getall(name, ()):
            headers.add(name, value)
    if location := answer.headers.get(hdrs.LOCATION):
        headers[hdrs.LOCATION] = _base(request) + location if location.startswith("/") else location
    return web.Response(status=answer.status, headers=headers, body=body)


def _base(request: web.Request) -> str:
    """Return how this client reaches us: clients that cannot join an address with a path get a whole one."""
    services = request.app[SERVICES]
    public_url = services.settings.public_url
    ours = origin_of(public_url)
    if request.host == URL(ours).authority or is_trusted(request.remote or "", services.trusted_proxies):
        return public_url.rstrip("/")
    return f"{request.scheme}://{request.host}"
