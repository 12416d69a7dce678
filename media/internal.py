"""The internal listener of a media process: health and metrics, and what the process adds.

Error: `StartError` (a process cannot start).
"""

from collections.abc import Callable

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


class StartError(Exception):
    """The process cannot start; the text says what to do."""


def _well() -> object:
    return {"status": "ok"}


def internal_app(health: Callable[[], object] = _well) -> web.Application:
    """Return an application that answers /healthz, /readyz and /metrics. `health` returns what msgspec makes JSON of.

    The answer is 200 whatever it says: a process that is started again is not better off.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(health()), content_type="application/json")

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", healthz)
    application.router.add_get("/metrics", metrics)
    return application


async def listen(application: web.Application, host: str, port: int, variable: str) -> web.AppRunner:
    """Serve it; the caller cleans the runner up. Raises `StartError`."""
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise StartError(f"port {port} on {host} cannot be listened on ({variable}): {error}") from error
    return runner
