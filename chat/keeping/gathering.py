"""Questions that many ask at the same moment: one look-up answers all who asked before it began.

An answer is never older than its question: who asks while a look-up is under way gets the next one. So nobody who has
just been told of a place in a log is given a page that ends before it, and a storm costs a few look-ups a second.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
APART_S: Final = 0.1
"""Between the beginnings of two look-ups of the same; the first one of a quiet time begins at once."""
WORK_S: Final = 5.0
REMEMBERED: Final = 1_024
"""Questions of which it is known when they were last looked up."""


class Gathering(Generic[K, T]):
    """`look` is asked with the question. What it raises (or TimeoutError) is the answer to all."""

    def __init__(self, look: Callable[[K], Awaitable[T]], apart_s: float = APART_S) -> None:
        self._look = look
        self._apart_s = apart_s
        self._next: dict[K, asyncio.Task[T]] = {}
        self._begun_at: dict[K, float] = {}
        self._tasks: set[asyncio.Task[T]] = set()

    async def ask(self, question: K) -> T:
        """Return the answer of a look-up that begins after this call."""
        task = self._next.get(question)
        if task is None:
            task = self._next[question] = asyncio.create_task(self._answer(question), name=f"look-up of {question}")
            self._tasks.add(task)
            task.add_done_callback(self._done)
        # shielded: one asker's leaving must not end the look-up of the others
        return await asyncio.shield(task)

    async def _answer(self, question: K) -> T:
        await asyncio.sleep(max(0.0, self._begun_at.get(question, 0.0) + self._apart_s - time.monotonic()))
        del self._next[question]
        self._begun_at.pop(question, None)
        self._begun_at[question] = time.monotonic()
        while len(self._begun_at) > REMEMBERED:
            del self._begun_at[next(iter(self._begun_at))]
        async with asyncio.timeout(WORK_S):
            return await self._look(question)

    def _done(self, task: "asyncio.Task[T]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # perhaps nobody waits for it any more

    async def close(self) -> None:
        """End the look-ups under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
