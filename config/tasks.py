"""Cancellation that is not lost.

`asyncio.wait_for` of Python 3.11, through which redis-py sends, can swallow a cancellation that comes just as the inner
call completes (mended in 3.12). A loop around such calls must look for itself, or its owner waits for ever.
"""

import asyncio


def check_cancelled() -> None:
    """Raise `CancelledError` if the current task was asked to end, though a library let the request go by."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
