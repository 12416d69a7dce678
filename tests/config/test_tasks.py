"""Claims of config.tasks."""

import asyncio
import contextlib

import pytest

from config.tasks import check_cancelled


async def test_a_swallowed_cancellation_is_noticed() -> None:
    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(30)
        check_cancelled()

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_nobody_cancelled_goes_on() -> None:
    check_cancelled()
