"""The node's internal HTTP: live streams for our own web processes, which do the caching and joining.

GET /{sessionId}/playlist.m3u8      multivariant
GET /{sessionId}/{file}             playlists, parts, segments, initialization sections
GET /{sessionId}/feed, /publish     WebSockets of the processes beside ingest (`media.links`)
GET /healthz, /metrics
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from aiohttp import web

from media.hls.answers import Answer, refusal
from media.internal import internal_app
from media.live import LiveStream
from schemas.ids import SessionId


def _no_trouble() -> str:
    return ""


def _off() -> str:
    return "off"


def make_origin(
    sessions: Mapping[SessionId, LiveStream],
    disk_trouble: Callable[[], str] = _no_trouble,
    links: Iterable[web.RouteDef] = (),
    srt_state: Callable[[], str] = _off,
) -> web.Application:
    """Return the application that serves these streams; the mapping may change while it runs.

    `disk_trouble` says why streams go on from memory alone, or ""; `links` are routes of `media.links.server`;
    `srt_state` is "ok", "off" or "unavailable" with the reason.
    """

    def health() -> dict[str, str | int]:
        return {"status": "ok", "sessions": len(sessions), "spool": disk_trouble() or "ok", "srt": srt_state()}

    async def multivariant(request: web.Request) -> web.Response:
        stream = sessions.get(SessionId(request.match_info["session"]))
        return _response(stream.multivariant() if stream else refusal(HTTPStatus.NOT_FOUND))

    async def file(request: web.Request) -> web.Response:
        stream = sessions.get(SessionId(request.match_info["session"]))
        if stream is None:
            return _response(refusal(HTTPStatus.NOT_FOUND))
        return _response(await stream.get(request.match_info["file"], request.query))

    application = internal_app(health)
    application.router.add_routes(links)
    application.router.add_get("/{session}/playlist.m3u8", multivariant)
    application.router.add_get("/{session}/{file}", file)
    return application


def make_runner(
    sessions: Mapping[SessionId, LiveStream],
    disk_trouble: Callable[[], str] = _no_trouble,
    links: Iterable[web.RouteDef] = (),
    srt_state: Callable[[], str] = _off,
) -> web.AppRunner:
    """Return the runner of the origin; a request whose client went away is cancelled, which frees its place in the
    waiting line.
    """
    return web.AppRunner(
        make_origin(sessions, disk_trouble, links, srt_state),
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=2.0,
    )


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
