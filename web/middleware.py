"""Around every request: a request id, security headers, and one envelope for whatever goes wrong."""

import re
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

import msgspec
import structlog
from aiohttp import hdrs, web

from schemas.errors import ApiError, ErrorCode, Failure
from web.failures import AWAY, subject_of
from web.services import SERVICES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RETRY_AFTER_MS = 2_000
REQUEST_ID = web.RequestKey("request_id", str)
REQUEST_ID_HEADER = "X-Request-Id"
TOKEN = re.compile(r"/~[^/]*")
"""What opens something that is not public, in a path."""
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
}
POLICY = web.AppKey("policy", str)
"""The Content-Security-Policy of an application's answers."""
log = structlog.get_logger()


def content_security_policy(origins: Sequence[str] = ()) -> str:
    """Return what pages may load; `origins` are where viewers are sent to for objects, besides this server."""
    elsewhere = "".join(f" {origin}" for origin in origins)
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",  # the player sets widths and positions as style attributes
            f"img-src 'self' data: blob:{elsewhere}",
            f"media-src 'self' blob:{elsewhere}",  # Media Source Extensions play from a blob: URL
            "worker-src 'self' blob:",  # hls.js starts its demuxer from one
            f"connect-src 'self'{elsewhere}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer its security headers (a signal: sockets and files pass here too)."""
    response.headers.setdefault("Content-Security-Policy", request.app[POLICY])
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request_id := request.get(REQUEST_ID):
        response.headers[REQUEST_ID_HEADER] = request_id


@web.middleware
async def envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors with the envelope, log and count requests. Paths are logged, queries and bodies are not."""
    request[REQUEST_ID] = secrets.token_hex(8)
    started = time.monotonic()
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
        try:
            response = await handler(request)
        except ApiError as error:
            response = error_response(error)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            response = _of_http(error, request)
        except AWAY as error:
            request.app[SERVICES].troubles.note(subject_of(error), error)
            message = "Something this depends on does not answer. Try again."
            response = error_response(ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS))
        except Exception as error:  # the end of the request: nothing may leave here without an answer
            _log_failure(error)
            response = error_response(ApiError(ErrorCode.INTERNAL_ERROR, "Something went wrong here."))
        name = request.match_info.route.name or "other"
        request.app[SERVICES].metrics.requests.labels(name, str(response.status)).inc()
        elapsed_ms = round((time.monotonic() - started) * 1000, 1)
        log.debug(
            "request", method=request.method, path=TOKEN.sub("/~", request.path), status=response.status, ms=elapsed_ms
        )
    return response


def error_response(error: ApiError) -> web.Response:
    """Return the answer to a request that was refused or failed."""
    headers = {"Cache-Control": "no-store"}
    if error.status is HTTPStatus.UNAUTHORIZED:
        headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    if error.body.retry_after_ms is not None:
        headers[hdrs.RETRY_AFTER] = str(-(-error.body.retry_after_ms // 1000))
    content = msgspec.json.encode(Failure(error.body))
    return web.Response(body=content, status=error.status, content_type="application/json", headers=headers)


def _of_http(error: web.HTTPException, request: web.Request) -> web.Response:
    match error:
        case web.HTTPMethodNotAllowed():
            code, message = ErrorCode.METHOD_NOT_ALLOWED, f"{error.method} is not possible here."
        case web.HTTPNotFound():
            code, message = ErrorCode.NOT_FOUND, f"There is nothing at {request.path}."
        case web.HTTPRequestEntityTooLarge():
            code, message = ErrorCode.PAYLOAD_TOO_LARGE, "The body is too large."
        case web.HTTPForbidden():
            code, message = ErrorCode.FORBIDDEN, error.reason
        case _:
            code = ErrorCode.INVALID_REQUEST if error.status < 500 else ErrorCode.UNAVAILABLE
            message = error.reason
    response = error_response(ApiError(code, message))
    if hdrs.ALLOW in error.headers:
        response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
    return response


def _log_failure(error: Exception) -> None:
    """Log where it failed, not with which values: messages of libraries quote them."""
    stack = "".join(traceback.format_tb(error.__traceback__))
    log.error("request failed", error=type(error).__name__, stack=stack)
