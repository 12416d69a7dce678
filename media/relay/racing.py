"""Running coroutines beside each other so that none is left behind and one failure is raised as itself."""

import asyncio
from collections.abc import Coroutine
from typing import Any

Work = Coroutine[Any, Any, None]


async def race(*works: Work) -> None:
    """Run all until the first of them ends; the others are cancelled. Raises what the first to end raised."""
    await _run(works, asyncio.FIRST_COMPLETED)


async def together(*works: Work) -> None:
    """Run all to their ends; when one fails, the others are cancelled and its failure is raised."""
    await _run(works, asyncio.FIRST_EXCEPTION)


async def _run(works: tuple[Work, ...], until: str) -> None:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=until)
    finally:
        done = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
