"""Which web pages may act with a visitor's cookie: our own, by the public URL or by the host that was asked."""

from urllib.parse import urlsplit

from aiohttp import hdrs, web

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Return the origin of a URL as browsers write it: no default port, no path."""
    parts = urlsplit(url)
    port = parts.port if parts.port not in {None, DEFAULT_PORTS.get(parts.scheme)} else None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def is_own_origin(request: web.Request, public_url: str) -> bool:
    """Return whether the request names a page of ours as its origin. No Origin header is no."""
    origin = request.headers.get(hdrs.ORIGIN, "")
    if not origin:
        return False
    return origin in {origin_of(public_url), f"http://{request.host}", f"https://{request.host}"}


def is_foreign_origin(request: web.Request, public_url: str) -> bool:
    """Return whether the request names an origin that is not ours."""
    return hdrs.ORIGIN in request.headers and not is_own_origin(request, public_url)
