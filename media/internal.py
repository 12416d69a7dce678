"""The internal listener of a media process: health and metrics, and what the process adds."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


class PortTaken(Exception):
    """The process cannot start; the text says what to do."""


def internal_app() -> web.Application:
    """Return an application that answers /healthz and /metrics."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/metrics", metrics)
    return application


async def listen(application: web.Application, host: str, port: int, variable: str) -> web.AppRunner:
    """Serve it; the caller cleans the runner up. Raises `PortTaken`."""
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise PortTaken(f"port {port} on {host} cannot be listened on ({variable}): {error}") from error
    return runner
