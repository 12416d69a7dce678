"""Requests of our own processes: signed (`schemas/signing.py`), each good once, on the internal listener only."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog
from aiohttp import web

from schemas.api import Data
from schemas.errors import ApiError, ErrorCode
from schemas.signing import MAX_AGE_S, SIGNATURE_HEADER, TIMESTAMP_HEADER, Verdict, verify
from web.calls import invalid
from web.services import SERVICES, Services

BODY_MAX = 4 * 1024 * 1024
"""A heartbeat of ingest has under 4 KiB for each session of its node; the others are smaller."""
REPLAY_REMEMBERED_S = 2 * MAX_AGE_S
log = structlog.get_logger()

T = TypeVar("T")


def signed(
    kind: type[T], handle: Callable[[Services, T], Awaitable[object]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the route's handler: it decodes what is signed well, and answers with the envelope."""

    async def serve(request: web.Request) -> web.Response:
        services = request.app[SERVICES]
        body = await request.read()
        await _check_signature(services, request, body)
        try:
            decoded = msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            raise invalid(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ApiError(ErrorCode.PARSE_ERROR, "The body is not JSON.") from None
        answer = await handle(services, decoded)
        return web.Response(body=msgspec.json.encode(Data(answer)), content_type="application/json")

    return serve


async def _check_signature(services: Services, request: web.Request, body: bytes) -> None:
    signature = request.headers.get(SIGNATURE_HEADER)
    timestamp = request.headers.get(TIMESTAMP_HEADER)
    verdict = verify(services.settings.secret, timestamp, signature, body, now_s=time.time())
    name = verdict.value
    if verdict is Verdict.GOOD and not await services.redis.set(
        f"replay:{signature}", b"1", nx=True, ex=REPLAY_REMEMBERED_S
    ):
        name = "replayed"
    if name != Verdict.GOOD.value:
        services.metrics.callbacks_refused.labels(name).inc()
        log.warning("callback refused", why=name, route=request.path)
        raise ApiError(ErrorCode.UNAUTHORIZED, f"This callback is {name}.")
