"""Is this process alive, can it work, what has it counted?"""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus

import msgspec
from aiohttp import web

from config.version import VERSION
from schemas.api import Data, Health
from web.failures import AWAY
from web.services import SERVICES

CHECK_S = 2.0


async def alive(_request: web.Request) -> web.Response:
    """GET healthz: the loop turns. Says nothing more, because anyone may ask."""
    return _answer(Health("ok", VERSION, {}), HTTPStatus.OK)


async def ready(request: web.Request) -> web.Response:
    """GET readyz: PostgreSQL and Redis answer."""
    services = request.app[SERVICES]
    postgres, redis = await asyncio.gather(
        _check(services.pool.fetchval("SELECT 1")),
        _check(services.redis.ping()),
    )
    checks = {"postgres": postgres, "redis": redis}
    is_ready = all(result == "ok" for result in checks.values())
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return _answer(Health("ok" if is_ready else "unavailable", VERSION, checks), status)


async def metrics(request: web.Request) -> web.Response:
    """GET metrics: for Prometheus."""
    content = request.app[SERVICES].metrics.text()
    return web.Response(body=content, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def _check(question: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(CHECK_S):
            await question
    except AWAY as error:
        return type(error).__name__
    return "ok"


def _answer(health: Health, status: HTTPStatus) -> web.Response:
    content = msgspec.json.encode(Data(health))
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=content, status=status, content_type="application/json", headers=headers)
