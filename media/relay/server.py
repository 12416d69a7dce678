"""The relay process: streams fetched from elsewhere, and sources sent on to other servers."""

import asyncio
import signal

import structlog

from config.settings import Settings
from media.internal import internal_app, listen

log = structlog.get_logger()


async def serve(settings: Settings, *, stop: asyncio.Event) -> None:
    """Run the process until `stop` is set. Raises `PortTaken`."""
    runner = await listen(internal_app(), settings.relay_host, settings.relay_port, "TALLY_RELAY_PORT")
    try:
        log.info("relay ready", port=settings.relay_port)
        await stop.wait()
    finally:
        await runner.cleanup()


async def run(settings: Settings) -> None:
    """Run the process until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop=stop)
