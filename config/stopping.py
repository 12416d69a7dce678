"""How a process is told to stop."""

import asyncio
import signal


def stop_event() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set; for the main thread's loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
