"""Work that many ask for at the same time and that is done once for all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
WORK_S: Final = 5.0
"""For the work itself; who waits may give up earlier, and the others go on waiting."""


class Flight(Generic[T]):
    """One piece of work. Its failure is the answer to all who wait; who comes later has it done anew."""

    def __init__(self, name: str, work: Callable[[], Awaitable[T]]) -> None:
        self._name = name
        self._work = work
        self._task: asyncio.Task[T] | None = None

    async def wait(self) -> T:
        """Return what the work under way returns, or that of work begun now. Raises what it raises, TimeoutError."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._do(), name=self._name)
            self._task.add_done_callback(_seen)
        task = self._task
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if task.cancelled() and current is not None and not current.cancelling():
                raise TimeoutError("given up") from None  # the work was, not who waits for it
            raise

    def cancel(self) -> None:
        """Give up what is under way."""
        if self._task is not None:
            self._task.cancel()

    async def _do(self) -> T:
        async with asyncio.timeout(WORK_S):
            return await self._work()


def _seen(task: "asyncio.Task[T]") -> None:
    """Take note of the outcome: perhaps nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
