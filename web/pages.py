"""The pages: one index.html for every address of the UI, the files it loads, avatars, and the API's last word.

`web/static` is what `make ui` builds. Files under /assets have their content's hash in their names.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import structlog
from aiohttp import hdrs, web

from web import previews, viewers
from web.avatars import avatar
from web.calls import NAME
from web.failures import AWAY, subject_of
from web.services import SERVICES
from web.store import Database, channels, clips, vods

STATIC = Path(__file__).with_name("static")
ASSETS_CACHE = "public, max-age=31536000, immutable"
FILES_CACHE = "public, max-age=3600"
FIXED_PAGES = (
    *("/", "/login", "/signup", "/settings"),
    *(
        "/dashboard",
        "/dashboard/go-live",
        "/dashboard/relay",
        "/dashboard/videos",
        "/dashboard/chat",
        "/dashboard/emotes",
    ),
)
ROOT_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(?:svg|ico|png|webp|txt|webmanifest|xml)")
NOT_OURS = "(?!(?:api|assets|avatars|clips|hls|internal|thumbnails|vods|ws)/)"
"""What is missing under these is no page: the router answers 404 or 405 in the envelope."""
NOT_BUILT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Tallylight</title>"
    "<h1>The pages are not built</h1><p>Run <code>make ui</code> and reload. Streams and the API work without them.</p>"
)
DIRECTORY: web.AppKey[Path] = web.AppKey("static directory", Path)
T = TypeVar("T")
log = structlog.get_logger()


def add_to(app: web.Application) -> None:
    """Add the pages' routes to the public application, behind all others."""
    directory = app[DIRECTORY] = STATIC
    app.router.add_get("/avatars/{name}", avatar)
    assets = directory / "assets"
    if assets.is_dir():
        app.router.add_static("/assets", assets)  # sends a .br or .gz neighbour when the browser takes it
        app.on_response_prepare.append(_cache_assets)
    for path in FIXED_PAGES:
        app.router.add_get(path, fixed_page)
    app.router.add_get("/videos/{vod}", vod_page)
    app.router.add_get("/clips/{clip}", clip_page)
    app.router.add_get("/{name}/videos", channel_page)
    app.router.add_get("/{name}", channel_page)
    app.router.add_get(f"/{{path:{NOT_OURS}.*}}", missing_page)


def openapi_document(text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of GET api/openapi.json."""

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json", headers={"Cache-Control": "no-cache"})

    return serve


async def fixed_page(request: web.Request) -> web.Response:
    """GET / and the other pages that are always there."""
    return _page(request, HTTPStatus.OK, {})


async def channel_page(request: web.Request) -> web.StreamResponse:
    """GET /{channel}, /{channel}/videos: its pages; a file of the root such as favicon.svg; or the 404 page."""
    name = request.match_info["name"]
    if ROOT_FILE.fullmatch(name):
        path = request.app[DIRECTORY] / name
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={hdrs.CACHE_CONTROL: FILES_CACHE})
    channel = await _find(request, name, channels.find)
    return (
        _page(request, HTTPStatus.OK, previews.of_channel(channel, _public_url(request))) if channel else _no(request)
    )


async def vod_page(request: web.Request) -> web.Response:
    """GET /videos/{id}: the page of a recording."""
    vod = await _find(request, request.match_info["vod"], vods.find)
    return _page(request, HTTPStatus.OK, previews.of_vod(vod, _public_url(request))) if vod else _no(request)


async def clip_page(request: web.Request) -> web.Response:
    """GET /clips/{id}: the page of a clip."""
    clip = await _find(request, request.match_info["clip"], clips.find)
    return _page(request, HTTPStatus.OK, previews.of_clip(clip, _public_url(request))) if clip else _no(request)


async def missing_page(request: web.Request) -> web.Response:
    """GET any other address."""
    return _no(request)


async def _find(request: web.Request, name: str, find: Callable[[Database, str], Awaitable[T | None]]) -> T | None:
    services = request.app[SERVICES]
    if not NAME.fullmatch(name):
        return None
    try:
        return await find(services.pool, name.lower())
    except AWAY as error:
        services.troubles.note(subject_of(error), error)
        raise


def _public_url(request: web.Request) -> str:
    return request.app[SERVICES].settings.public_url.rstrip("/")


def _no(request: web.Request) -> web.Response:
    return _page(request, HTTPStatus.NOT_FOUND, {})


def _page(request: web.Request, status: HTTPStatus, tags: Mapping[str, str]) -> web.Response:
    try:
        text = (request.app[DIRECTORY] / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return web.Response(text=NOT_BUILT, content_type="text/html", status=HTTPStatus.SERVICE_UNAVAILABLE)
    if tags:
        text = previews.write(text, tags)
    response = web.Response(text=text, content_type="text/html", status=status)
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    if viewers.COOKIE not in request.cookies:
        cookie = viewers.set_cookie_header(viewers.make_cookie(), is_secure=_public_url(request).startswith("https:"))
        response.headers.add(hdrs.SET_COOKIE, cookie)
    return response


async def _cache_assets(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith("/assets/") and response.status in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
        response.headers[hdrs.CACHE_CONTROL] = ASSETS_CACHE
