"""The web service on one screen: every operation of the API, and what else the two listeners answer.

The table drives routing, decoding, validation, access and the OpenAPI document. An OWNER operation's path names the
channel, which must be the caller's (or the caller an administrator). `web/routes/` has the rows of chat.
"""

from collections.abc import Collection
from functools import cache
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from chat.irc.server import IrcServer
from chat.sockets.handler import SocketServer
from config.version import VERSION
from schemas import api, openapi
from schemas.openapi import Access
from schemas.relay import RelayHeartbeat
from schemas.webrtc import WebrtcHeartbeat
from web import calls, downloads, emotes, health, middleware, pages, signed, thumbnails
from web.api import (
    accounts,
    callbacks,
    channels,
    clips,
    follows,
    metadata,
    publish_tickets,
    pulls,
    relay,
    restreams,
    streaming,
    vods,
    webrtc,
)
from web.calls import Endpoint
from web.routes import chat, presence, replay, tokens
from web.routes import emotes as emote_routes
from web.services import SERVICES, Services
from web.webrtc import gateway

Part = Literal["api", "hls", "chat", "irc"]
PARTS: tuple[Part, ...] = ("api", "hls", "chat", "irc")
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
    Endpoint(name="newPublishTicket", method="POST", path="/channels/{channel}/publish-ticket", access=OWNER,
             summary="Publish from my page", data=api.PublishTicket, handler=publish_tickets.make_publish_ticket),
    Endpoint(name="getPull", method="GET", path="/channels/{channel}/pull", access=OWNER,
             summary="Where it is fetched from", data=api.PullInfo, handler=pulls.get_pull),
    Endpoint(name="putPull", method="PUT", path="/channels/{channel}/pull", access=OWNER,
             summary="Fetch it from there", body=api.PutPull, data=api.PullInfo, handler=pulls.put_pull),
    Endpoint(name="deletePull", method="DELETE", path="/channels/{channel}/pull", access=OWNER,
             summary="Fetch it from nowhere", data=api.Nothing, handler=pulls.delete_pull),
    Endpoint(name="listRestreams", method="GET", path="/channels/{channel}/restreams", access=OWNER,
             summary="Where it is sent on to", data=api.Restream, is_list=True, handler=restreams.list_restreams),
    Endpoint(name="createRestream", method="POST", path="/channels/{channel}/restreams", access=OWNER,
             summary="Send it on to there", body=api.CreateRestream, data=api.Restream, status=CREATED,
             handler=restreams.create_restream),
    Endpoint(name="patchRestream", method="PATCH", path="/restreams/{restream}", access=USER,
             summary="Change a restream of mine", body=api.PatchRestream, data=api.Restream,
             handler=restreams.patch_restream),
    Endpoint(name="deleteRestream", method="DELETE", path="/restreams/{restream}", access=USER,
             summary="Send it there no more", data=api.Nothing, handler=restreams.delete_restream),
    Endpoint(name="getIngest", method="GET", path="/channels/{channel}/ingest", access=OWNER, summary="How it arrives",
             data=api.IngestState, handler=streaming.get_ingest),
    Endpoint(name="addMetadata", method="POST", path="/channels/{channel}/metadata", access=OWNER,
             summary="Tell the players of my stream", body=api.AddMetadata, data=api.MetadataAdded,
             status=HTTPStatus.ACCEPTED, handler=metadata.add_metadata),
    Endpoint(name="getPlayback", method="GET", path="/channels/{channel}/playback", access=PUBLIC,
             summary="Where I watch it live", query=api.Keyed, data=api.Playback, handler=vods.get_playback),
    Endpoint(name="shareChannel", method="POST", path="/channels/{channel}/share", access=OWNER,
             summary="Sign an address of my stream", body=api.CreateShare, data=api.Share, handler=vods.share_channel),
    Endpoint(name="listVods", method="GET", path="/vods", access=PUBLIC, summary="Recordings, newest first",
             query=api.ListVods, data=api.Vod, is_list=True, may_miss=True, handler=vods.list_vods),
    Endpoint(name="getVod", method="GET", path="/vods/{vod}", access=PUBLIC, summary="One recording",
             query=api.Keyed, data=api.Vod, handler=vods.get_vod),
    Endpoint(name="patchVod", method="PATCH", path="/vods/{vod}", access=USER, summary="Change my recording",
             body=api.PatchVod, data=api.Vod, handler=vods.patch_vod),
    Endpoint(name="deleteVod", method="DELETE", path="/vods/{vod}", access=USER, summary="Delete my recording",
             data=api.Nothing, handler=vods.delete_vod),
    Endpoint(name="shareVod", method="POST", path="/vods/{vod}/share", access=USER,
             summary="Sign an address of my recording", body=api.CreateShare, data=api.Share, handler=vods.share_vod),
    Endpoint(name="createClip", method="POST", path="/clips", access=USER, summary="Make a clip",
             body=api.CreateClip, data=api.Clip, status=CREATED, may_miss=True, handler=clips.create_clip),
    Endpoint(name="listClips", method="GET", path="/clips", access=PUBLIC, summary="Clips, newest first",
             query=api.ListClips, data=api.Clip, is_list=True, may_miss=True, handler=clips.list_clips),
    Endpoint(name="getClip", method="GET", path="/clips/{clip}", access=PUBLIC, summary="One clip",
             query=api.Keyed, data=api.Clip, handler=clips.get_clip),
    Endpoint(name="patchClip", method="PATCH", path="/clips/{clip}", access=USER, summary="Change my clip",
             body=api.PatchClip, data=api.Clip, handler=clips.patch_clip),
    Endpoint(name="deleteClip", method="DELETE", path="/clips/{clip}", access=USER, summary="Delete my clip",
             data=api.Nothing, handler=clips.delete_clip),
    Endpoint(name="shareClip", method="POST", path="/clips/{clip}/share", access=USER,
             summary="Sign an address of my clip", body=api.CreateShare, data=api.Share, handler=clips.share_clip),
    Endpoint(name="listFollows", method="GET", path="/follows", access=USER, summary="Whom I follow",
             query=api.ListFollows, data=api.Follow, is_list=True, handler=follows.list_follows),
    Endpoint(name="follow", method="POST", path="/follows/{channel}", access=USER, summary="Follow a channel",
             data=api.Follow, handler=follows.follow),
    Endpoint(name="unfollow", method="DELETE", path="/follows/{channel}", access=USER, summary="Follow it no more",
             data=api.Nothing, handler=follows.unfollow),
    *chat.ENDPOINTS,
    *emote_routes.ENDPOINTS,
    *presence.ENDPOINTS,
    *replay.ENDPOINTS,
    *tokens.ENDPOINTS,
)
# fmt: on


@cache
def openapi_text() -> str:
    """Return the OpenAPI document of the table."""
    return openapi.text(ENDPOINTS, version=VERSION)


def public_app(
    services: Services, sockets: SocketServer | None, irc: IrcServer | None = None, parts: Collection[Part] = PARTS
) -> web.Application:
    """Return what the public listener serves beside HLS."""
    app = _app(services, calls.BODY_MAX)
    app.router.add_get("/healthz", health.alive)
    if sockets is not None:
        app.router.add_get("/ws/chat", sockets.handle, allow_head=False)
    if irc is not None:
        app.router.add_get("/ws/irc", irc.handle, allow_head=False)
    if "api" in parts:
        app.add_routes(calls.routes(ENDPOINTS, PREFIX))
        app.router.add_get(f"{PREFIX}/openapi.json", pages.openapi_document(openapi_text()))
        thumbnails.add_to(app)
        downloads.add_to(app)
        emotes.add_to(app)
        gateway.add_to(app)
        pages.add_to(app)
    return app


def internal_app(services: Services) -> web.Application:
    """Return what the internal listener serves: callbacks of our other processes, health, metrics."""
    app = _app(services, signed.BODY_MAX)
    app.add_routes(callbacks.routes())
    app.router.add_post("/internal/webrtc/heartbeat", signed.signed(WebrtcHeartbeat, webrtc.heartbeat))
    app.router.add_post("/internal/relay/heartbeat", signed.signed(RelayHeartbeat, relay.heartbeat))
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get("/metrics", health.metrics)
    return app


def _app(services: Services, body_max: int) -> web.Application:
    app = web.Application(middlewares=[middleware.envelope], client_max_size=body_max)
    app[SERVICES] = services
    app[middleware.POLICY] = middleware.content_security_policy(services.stores.origins())
    app.on_response_prepare.append(middleware.add_headers)
    return app
