"""WHIP and WHEP over HTTP: RFC 9725 and draft-ietf-wish-whep, which share resources, PATCH and DELETE.

This listens behind web, which knows channels, viewers and CORS and says what it knows in the headers of
`schemas.webrtc`. Answers that refuse hold one sentence as text.
"""

import re
from http import HTTPStatus
from typing import NoReturn

from aiohttp import web

from media.publication import PublishAttempt, Refused, Unavailable
from media.webrtc import metrics
from media.webrtc.answers import Credentials
from media.webrtc.fragments import MAX_FRAGMENT_BYTES, BadFragment, read_fragment, write_fragment
from media.webrtc.network import Network, NoRoom
from media.webrtc.offers import MAX_OFFER_BYTES, BadOffer, Offer, read_offer
from media.webrtc.peer import Peer
from media.webrtc.watch.admission import Asked, NothingFits, NotNow, Watching
from media.webrtc.whip.accepting import NotAcceptable
from media.webrtc.whip.publishers import Publishers
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.webrtc import (
    ADDRESS_HEADER,
    ADMITTED_HEADER,
    CHANNEL_HEADER,
    ORIGIN_HEADER,
    SESSION_HEADER,
    VIEWER_HEADER,
)

SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
RETRY_S = 3
"""What a client is told to wait when nobody can answer right now."""
MAX_KEY_CHARS = 512
MAX_PARAMS = 32
STATUSES = {"bad_request": 400, "forbidden": 403, "conflict": 409}
_OBS = re.compile(r"\bOBS-Studio/(\d[0-9.]{0,15})")
_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))


def refuse(status: int, sentence: str, headers: dict[str, str] | None = None) -> NoReturn:
    """Answer with an error."""
    metrics.refused.labels(str(status)).inc()
    error: web.HTTPException = _exception(status)(text=sentence + "\n", headers=headers or {})
    raise error


def _exception(status: int) -> type[web.HTTPException]:
    class Answer(web.HTTPException):
        status_code = status

    return Answer


class Signalling:
    """The routes. `node_id` is in front of every resource's name, so that web finds this process."""

    def __init__(
        self, node_id: NodeId, network: Network, publishers: Publishers, watching: Watching, *, ice_servers: str
    ) -> None:
        self._node_id, self._network = node_id, network
        self._publishers, self._watching = publishers, watching
        self._links = [link_of(each) for each in ice_servers.split(",") if each]

    def add_to(self, application: web.Application) -> None:
        """Add all routes."""
        for kind, post in (("whip", self.post_whip), ("whep", self.post_whep)):
            for path in (f"/{kind}", f"/{kind}/{{channel}}"):
                application.router.add_post(path, post)
                application.router.add_options(path, self.options)
            resource = f"/{kind}/session/{{name}}"
            application.router.add_patch(resource, self.patch)
            application.router.add_delete(resource, self.delete)
            application.router.add_options(resource, self.options)

    async def options(self, _request: web.Request) -> web.Response:
        """Say what is taken, and which ICE servers there are (RFC 9725, section 4.4)."""
        response = web.Response(status=HTTPStatus.NO_CONTENT)
        response.headers["Accept-Post"] = SDP
        response.headers["Accept-Patch"] = FRAGMENT
        response.headers.extend([("Link", each) for each in self._links])
        return response

    async def post_whip(self, request: web.Request) -> web.Response:
        """Take a publisher (RFC 9725, section 4.2)."""
        key, _, words = bearer(request).partition("?")
        offer = await _offer(request)
        params = dict(list(request.query.items())[:MAX_PARAMS])
        params |= dict(part.partition("=")[::2] for part in words.split("&")[:MAX_PARAMS] if part)
        attempt = PublishAttempt(
            protocol="whip",
            key=key,
            params=params,
            remote_address=request.headers.get(ADDRESS_HEADER, ""),
            encoder=encoder_of(request.headers.get("User-Agent", "")),
        )
        try:
            peer = await self._publishers.open(offer, attempt, request.headers.get(CHANNEL_HEADER, ""))
        except NotAcceptable as error:
            refuse(406, str(error))
        except Refused as error:
            refuse(STATUSES[error.kind], error.reason)
        except (Unavailable, NoRoom):
            refuse(503, "The server cannot take a publisher right now.", {"Retry-After": str(RETRY_S)})
        return self._created("whip", peer)

    async def post_whep(self, request: web.Request) -> web.Response:
        """Take a viewer whom web let in."""
        headers = request.headers
        asked = Asked(
            channel_id=ChannelId(headers.get(CHANNEL_HEADER, "")),
            session_id=SessionId(headers.get(SESSION_HEADER, "")),
            origin_url=headers.get(ORIGIN_HEADER, ""),
            viewer=headers.get(VIEWER_HEADER, ""),
            is_public=headers.get(ADMITTED_HEADER) == "public",
        )
        if not (asked.channel_id and asked.session_id and asked.origin_url):
            refuse(400, "Viewers come through the public address.")
        offer = await _offer(request)
        try:
            place = await self._watching.admit(asked)
        except NotNow as error:
            refuse(503, error.reason, {"Retry-After": str(error.retry_after_s)})
        try:
            accepted = place.accept(offer)
            peer = self._network.open(offer, accepted, place, client_address=headers.get(ADDRESS_HEADER, ""))
        except NothingFits as error:
            place.closed("nothing fits")
            refuse(406, str(error))
        except NoRoom:
            place.closed("no room")
            refuse(503, "The server has no room for more viewers.", {"Retry-After": str(RETRY_S)})
        except BaseException:
            place.closed("fault")
            raise
        return self._created("whep", peer)

    async def patch(self, request: web.Request) -> web.Response:
        """Take candidates, which say nothing new to us, or restart ICE (RFC 9725, section 4.3)."""
        peer = self._peer(request)
        if request.content_type != FRAGMENT:
            refuse(415, f"The body has to be {FRAGMENT}.", {"Accept-Patch": FRAGMENT})
        expected = request.headers.get("If-Match", "")
        if not expected:
            refuse(428, "If-Match has to name the ICE session, or be * to restart it.")
        try:
            fragment = read_fragment(await _body(request, MAX_FRAGMENT_BYTES))
        except BadFragment as error:
            refuse(400, f"The fragment cannot be read: {error}.")
        if expected == "*":
            return self._restarted(peer, fragment.credentials, request.headers.get(ADDRESS_HEADER, ""))
        if expected.removeprefix("W/") != etag(peer):
            refuse(412, "ICE was restarted since.", {"ETag": etag(peer)})
        if fragment.credentials.ufrag not in {"", peer.agent.remote.ufrag}:
            refuse(400, "These candidates are of another ICE session.")
        return web.Response(status=HTTPStatus.NO_CONTENT, headers={"ETag": etag(peer)})

    async def delete(self, request: web.Request) -> web.Response:
        """End a session (RFC 9725, section 4.2)."""
        peer = self._peer(request)
        if not self._publishers.delete(peer.name):
            peer.close("deleted")
        return web.Response(status=HTTPStatus.OK)

    def _restarted(self, peer: Peer, remote: Credentials, client_address: str) -> web.Response:
        if not remote.ufrag or remote == peer.agent.remote:
            refuse(400, "A restart needs new credentials.")
        local = self._network.restart(peer, remote)
        first = peer.accepted[0].offered
        text = write_fragment(local, self._network.candidates(client_address), first.kind, first.mid)
        return web.Response(text=text, content_type=FRAGMENT, headers={"ETag": etag(peer)})

    def _created(self, kind: str, peer: Peer) -> web.Response:
        response = web.Response(status=HTTPStatus.CREATED, text=peer.answer, content_type=SDP)
        response.headers["Location"] = f"/{kind}/session/{self._node_id}.{peer.name}"
        response.headers["ETag"] = etag(peer)
        response.headers["Accept-Patch"] = FRAGMENT
        response.headers.extend([("Link", each) for each in self._links])
        return response

    def _peer(self, request: web.Request) -> Peer:
        node_id, _, name = request.match_info["name"].partition(".")
        peer = self._network.find(name) if node_id == self._node_id else None
        if peer is None:
            refuse(404, "There is no such session, or it has ended.")
        return peer


async def _offer(request: web.Request) -> Offer:
    if request.content_type != SDP:
        refuse(415, f"The body has to be {SDP}.", {"Accept-Post": SDP})
    try:
        return read_offer(await _body(request, MAX_OFFER_BYTES))
    except BadOffer as error:
        refuse(400, f"The offer cannot be read: {error}.")


async def _body(request: web.Request, limit: int) -> bytes:
    body = await request.content.read(limit + 1)
    while len(body) <= limit and (more := await request.content.read(limit + 1 - len(body))):
        body += more
    if len(body) > limit:
        refuse(413, f"At most {limit} bytes are read.")
    return body


def bearer(request: web.Request) -> str:
    """Return the stream key (RFC 9725, section 4.7). Raises 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_KEY_CHARS:
        refuse(
            401, "The stream key is sent as Authorization: Bearer.", {"WWW-Authenticate": 'Bearer realm="Tallylight"'}
        )
    return token


def etag(peer: Peer) -> str:
    """Return the name of the ICE session (RFC 9725, section 4.3.1)."""
    return f'"{peer.agent.local.ufrag}"'


def encoder_of(user_agent: str) -> str:
    """Return what publishes, short enough for a dashboard."""
    if found := _OBS.search(user_agent):  # it says "Mozilla/5.0 (OBS-Studio/30.2.3; ...)"
        return f"OBS {found[1]}"
    if user_agent.startswith("Mozilla/"):
        for token, name in _BROWSERS:
            found = re.search(re.escape(token) + r"(\d+)", user_agent)
            if found:
                return f"{name} {found[1]}"
        return "Browser"
    return re.sub(r"[^ -~]", "", user_agent)[:64]


def link_of(server: str) -> str:
    """Return the Link header of an ICE server (RFC 9725, section 4.6), such as turn:user:password@host:3478."""
    scheme, _, rest = server.partition(":")
    credentials, at, host = rest.rpartition("@")
    link = f'<{scheme}:{host if at else rest}>; rel="ice-server"'
    if at:
        user, _, password = credentials.partition(":")
        link += f'; username="{user}"; credential="{password}"; credential-type="password"'
    return link
