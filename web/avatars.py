"""Avatars of accounts that have no picture: the initial on a colour that follows from the name."""

import hashlib

from aiohttp import web

from web.calls import NAME

CACHE = {"Cache-Control": "public, max-age=86400"}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img" aria-label="{name}">'
    '<rect width="64" height="64" fill="hsl({hue} 55% 42%)"/>'
    '<text x="32" y="44" font-family="sans-serif" font-size="34" font-weight="600" fill="#fff"'
    ' text-anchor="middle">{initial}</text></svg>'
)


def draw(name: str) -> str:
    """Return the picture of a name, the same each time. The name must match `web.calls.NAME`."""
    hue = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") % 360
    return SVG.format(name=name, hue=hue, initial=name.strip("_")[:1].upper() or "_")


async def avatar(request: web.Request) -> web.Response:
    """GET avatars/{name}."""
    name = request.match_info["name"].lower()
    if not NAME.fullmatch(name):
        raise web.HTTPNotFound
    return web.Response(text=draw(name), content_type="image/svg+xml", headers=CACHE)
