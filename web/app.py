"""The web service on one screen: every operation of the API, and what else the two listeners answer.

The table drives routing, decoding, validation, access and the OpenAPI document. An OWNER operation's path names the
channel, which must be the caller's (or the caller an administrator).
"""

from collections.abc import Collection
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from chat.handler import SocketServer
from config.version import VERSION
from schemas import api, openapi
from schemas.openapi import Access
from web import calls, health, middleware, pages, thumbnails
from web.api import accounts, callbacks, channels, metadata, streaming
from web.calls import Endpoint
from web.services import SERVICES, Services

Part = Literal["api", "hls", "chat"]
PARTS: tuple[Part, ...] = ("api", "hls", "chat")
PUBLIC, USER, OWNER = Access.PUBLIC, Access.USER, Access.OWNER
CREATED = HTTPStatus.CREATED
PREFIX = "/api"

# fmt: off
ENDPOINTS = (
    Endpoint(name="register", method="POST", path="/auth/register", access=PUBLIC, summary="Make an account",
             body=api.Register, data=api.Registered, status=CREATED, handler=accounts.register),
    Endpoint(name="login", method="POST", path="/auth/login", access=PUBLIC, summary="Sign in",
             body=api.Login, data=api.Session, handler=accounts.login),
    Endpoint(name="logout", method="POST", path="/auth/logout", access=USER, summary="Sign out",
             data=api.Nothing, handler=accounts.logout),
    Endpoint(name="me", method="GET", path="/me", access=USER, summary="My account",
             data=api.Me, handler=accounts.me),
    Endpoint(name="patchMe", method="PATCH", path="/me", access=USER, summary="Change my account",
             body=api.PatchMe, data=api.Me, handler=accounts.patch_me),
    Endpoint(name="listChannels", method="GET", path="/channels", access=PUBLIC, summary="Channels, most watched first",
             query=api.ListChannels, data=api.Channel, is_list=True, handler=channels.list_channels),
    Endpoint(name="createChannel", method="POST", path="/channels", access=USER, summary="Make a channel",
             body=api.CreateChannel, data=api.Channel, status=CREATED, handler=channels.create_channel),
    Endpoint(name="getChannel", method="GET", path="/channels/{channel}", access=PUBLIC, summary="One channel",
             data=api.Channel, handler=channels.get_channel),
    Endpoint(name="patchChannel", method="PATCH", path="/channels/{channel}", access=OWNER, summary="Change it",
             body=api.PatchChannel, data=api.Channel, handler=channels.patch_channel),
    Endpoint(name="getStatus", method="GET", path="/channels/{channel}/status", access=PUBLIC, summary="Is it live?",
             data=api.StreamStatus, handler=channels.get_status),
    Endpoint(name="goOffline", method="POST", path="/channels/{channel}/go-offline", access=OWNER, summary="End it",
             data=api.GoneOffline, handler=streaming.go_offline),
    Endpoint(name="getStreamKey", method="GET", path="/channels/{channel}/stream-key", access=OWNER, summary="My key",
             data=api.StreamKeyInfo, handler=streaming.get_stream_key),
    Endpoint(name="newStreamKey", method="POST", path="/channels/{channel}/stream-key", access=OWNER, summary="New key",
             data=api.StreamKey, handler=streaming.rotate_stream_key),
    Endpoint(name="getIngest", method="GET", path="/channels/{channel}/ingest", access=OWNER, summary="How it arrives",
             data=api.IngestState, handler=streaming.get_ingest),
    Endpoint(name="addMetadata", method="POST", path="/channels/{channel}/metadata", access=OWNER,
             summary="Tell the players of my stream", body=api.AddMetadata, data=api.MetadataAdded,
             status=HTTPStatus.ACCEPTED, handler=metadata.add_metadata),
)
# fmt: on


def openapi_text() -> str:
    """Return the OpenAPI document of the table."""
    return openapi.text(ENDPOINTS, version=VERSION)


def public_app(services: Services, sockets: SocketServer | None, parts: Collection[Part] = PARTS) -> web.Application:
    """Return what the public listener serves beside HLS."""
    app = _app(services, calls.BODY_MAX)
    app.router.add_get("/healthz", health.alive)
    if sockets is not None:
        app.router.add_get("/ws/chat", sockets.handle, allow_head=False)
    if "api" in parts:
        app.add_routes(calls.routes(ENDPOINTS, PREFIX))
        app.router.add_get(f"{PREFIX}/openapi.json", pages.openapi_document(openapi_text()))
        thumbnails.add_to(app)
        pages.add_to(app)
    return app


def internal_app(services: Services) -> web.Application:
    """Return what the internal listener serves: callbacks of ingest, health, metrics."""
    app = _app(services, callbacks.BODY_MAX)
    app.add_routes(callbacks.routes())
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get("/metrics", health.metrics)
    return app


def _app(services: Services, body_max: int) -> web.Application:
    app = web.Application(middlewares=[middleware.envelope], client_max_size=body_max)
    app[SERVICES] = services
    app.on_response_prepare.append(middleware.add_headers)
    return app
