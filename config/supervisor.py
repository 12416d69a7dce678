"""Keeps a set of processes running, in tiers: a tier is started when those before it are ready, and stopped first."""

import asyncio
from collections.abc import Callable

from config.keeper import Backoff, Keeper, Spec


class Supervisor:
    """`show(name, line)` takes all output; `changed()` is called whenever the pid of some process changes."""

    def __init__(
        self,
        show: Callable[[str, str], None],
        *,
        changed: Callable[[], None] = lambda: None,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._show, self._changed, self._backoff = show, changed, backoff
        self._tiers: list[list[Keeper]] = []

    async def start(self, *specs: Spec) -> None:
        """Start one more tier and wait until all of it is ready. Raises `StartFailed`; then call `stop()`."""
        tier = [Keeper(spec, self._show, self._changed, self._backoff()) for spec in specs]
        self._tiers.append(tier)
        waiting = [asyncio.create_task(keeper.wait_ready()) for keeper in tier]
        try:
            for ready in asyncio.as_completed(waiting):
                await ready
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def watch(self) -> None:
        """Run until a keeper fails, which is a fault of ours; its exception says which."""
        await asyncio.gather(*(keeper.finished() for keeper in self.keepers()))

    async def stop(self) -> None:
        """Stop everything, the last tier first, and return when nothing is left."""
        while self._tiers:
            await asyncio.gather(*(keeper.stop() for keeper in self._tiers[-1]))
            self._tiers.pop()

    def kill(self) -> None:
        """End everything at once; `stop()` then returns soon."""
        for keeper in self.keepers():
            keeper.kill()

    def keepers(self) -> list[Keeper]:
        """Return all of them, in the order of their start."""
        return [keeper for tier in self._tiers for keeper in tier]
