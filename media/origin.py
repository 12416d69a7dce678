"""The node's internal HTTP: live streams for our own web processes, which do the caching and joining.

GET /{sessionId}/playlist.m3u8      multivariant
GET /{sessionId}/{file}             playlists, parts, segments, initialization sections
GET /healthz
"""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from media.live import BRIEF, PLAYLIST_TYPE, LiveStream
from schemas.ids import SessionId


def make_origin(sessions: Mapping[SessionId, LiveStream]) -> web.Application:
    """Return the application that serves these streams; the mapping may change while it runs."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "sessions": len(sessions)})

    async def multivariant(request: web.Request) -> web.Response:
        stream = sessions.get(SessionId(request.match_info["session"]))
        body = stream.multivariant() if stream else None
        if body is None:
            return _not_found()
        return web.Response(body=body, headers={"Content-Type": PLAYLIST_TYPE, "Cache-Control": BRIEF})

    async def file(request: web.Request) -> web.Response:
        stream = sessions.get(SessionId(request.match_info["session"]))
        if stream is None:
            return _not_found()
        answer = await stream.get(request.match_info["file"], request.query)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    # A viewer who leaves must free his place in the waiting line: handler cancellation is the runner's to switch on.
    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/{session}/playlist.m3u8", multivariant)
    application.router.add_get("/{session}/{file}", file)
    return application


def make_runner(sessions: Mapping[SessionId, LiveStream]) -> web.AppRunner:
    """Return the runner of the origin; a request whose client went away is cancelled."""
    return web.AppRunner(make_origin(sessions), handler_cancellation=True, access_log=None, shutdown_timeout=2.0)


def _not_found() -> web.Response:
    return web.Response(status=HTTPStatus.NOT_FOUND, text="Not Found\n", headers={"Cache-Control": BRIEF})
