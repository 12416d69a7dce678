"""Equal requests joined: all of them wait for one flight to the origin and are answered by what it brings."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final, Protocol

from web.hls.entries import Entry

WAKE_BATCH: Final = 128
"""So many waiters are answered in one turn of the loop (2 ms), so that the first bytes leave before the last."""


class Waiter(Protocol):
    """Who waits for a flight. It must not raise."""

    def landed(self, entry: Entry) -> None:
        """Take the answer. Called once, unless the waiter has left."""


class Flight:
    """One request on its way to the origin. The last waiter that leaves cancels it."""

    __slots__ = ("_key", "_order", "_task", "_tower", "_waiters")

    def __init__(self, tower: "Tower", key: str) -> None:
        self._tower = tower
        self._key = key
        self._waiters: dict[Waiter, None] = {}
        self._order: list[Waiter] = []
        self._task: asyncio.Task[None] | None = None

    def start(self, fly: Callable[[], Coroutine[None, None, Entry]]) -> None:
        """Take off; `fly` must answer with an entry whatever happens."""
        self._task = asyncio.create_task(self._fly(fly), name=f"flight {self._key}")

    async def _fly(self, fly: Callable[[], Coroutine[None, None, Entry]]) -> None:
        entry = await fly()
        self._tower.forget(self._key, self)
        self._task = None
        self._order = list(self._waiters)  # who came first is answered first
        self._wake(entry, 0)

    def join(self, waiter: Waiter) -> None:
        """Wait for the answer."""
        self._waiters[waiter] = None
        self._tower.waiting += 1

    def leave(self, waiter: Waiter) -> None:
        """Wait no longer."""
        if waiter not in self._waiters:
            return
        del self._waiters[waiter]
        self._tower.waiting -= 1
        if not self._waiters:
            self.cancel()

    def cancel(self) -> "asyncio.Task[None] | None":
        """End the request; nobody is answered. Returns the task that is ending."""
        task, self._task = self._task, None
        if task is not None:
            self._tower.forget(self._key, self)
            task.cancel()
        return task

    def _wake(self, entry: Entry, first: int) -> None:
        for waiter in self._order[first : first + WAKE_BATCH]:
            if waiter in self._waiters:
                del self._waiters[waiter]
                self._tower.waiting -= 1
                waiter.landed(entry)
        if first + WAKE_BATCH < len(self._order):
            asyncio.get_running_loop().call_soon(self._wake, entry, first + WAKE_BATCH)


class Tower:
    """All flights of the process by key, and how many wait for them."""

    def __init__(self) -> None:
        self.waiting = 0
        self._flights: dict[str, Flight] = {}

    @property
    def count(self) -> int:
        """How many flights are under way."""
        return len(self._flights)

    def find(self, key: str) -> Flight | None:
        """Return the flight under way for this key."""
        return self._flights.get(key)

    def launch(self, key: str, fly: Callable[[], Coroutine[None, None, Entry]]) -> Flight:
        """Start the flight for a key that has none."""
        flight = self._flights[key] = Flight(self, key)
        flight.start(fly)
        return flight

    def forget(self, key: str, flight: Flight) -> None:
        """Let later requests of this key start anew."""
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def close(self) -> None:
        """Cancel everything under way and wait for its end."""
        tasks = [task for flight in list(self._flights.values()) if (task := flight.cancel())]
        await asyncio.gather(*tasks, return_exceptions=True)
