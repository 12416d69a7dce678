"""What was read from the database lately, by key: bounded, read in batches, and still believed while it is away."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Final, Generic, TypeVar

import msgspec

from schemas.errors import ApiError, ErrorCode

WAITING_MAX: Final = 10_000
"""Keys that are asked for; beyond it people are asked to come back."""
BATCH_MAX: Final = 500
"""Keys of one query: all that are asked for while the last one runs, as in a storm of reconnections."""
READ_S: Final = 3.0
"""For one query."""
ANSWER_S: Final = 5.0
STALE_S: Final = 900.0
"""For how long an answer still does when the database is away: chat goes on without it."""
PATIENCE_S: Final = 5.0
"""How long a database that failed is not asked again for what is known from before."""
RETRY_AFTER_MS: Final = 2_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Trouble = Callable[[str, Exception], None]
"""Takes note of a failure: what failed, and how."""


class Kept(msgspec.Struct, Generic[V], frozen=True):
    """An answer, None for what there is not; when (monotonic, s) it was read, and until when it is believed."""

    value: V | None
    read_at: float
    until: float


class Believed(Generic[K, V]):
    """Answers of `read`, which takes keys and leaves out those that there are not.

    `keeps_absent`: that there is none is believed as long. `now` is a monotonic clock in seconds.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[list[K]], Awaitable[Mapping[K, V]]],
        trouble: Trouble,
        *,
        believed_s: float,
        kept_max: int,
        keeps_absent: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._read = read
        self._trouble = trouble
        self._believed_s = believed_s
        self._kept_max = kept_max
        self._keeps_absent = keeps_absent
        self._now = now
        self._kept: OrderedDict[K, Kept[V]] = OrderedDict()
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._asked: set[K] = set()
        self._reader: asyncio.Task[None] | None = None

    async def of(self, key: K) -> V | None:
        """Return the answer for one key. Raises as `many`."""
        return (await self.many((key,)))[key]

    async def many(self, keys: Iterable[K]) -> dict[K, V | None]:
        """Return the answers for keys.

        Raises UNAVAILABLE when too many are asked for; when the database fails and there is no answer from before,
        what it raised, or TimeoutError.
        """
        found: dict[K, V | None] = {}
        missing: dict[K, asyncio.Future[V | None]] = {}
        now = self._now()
        for key in dict.fromkeys(keys):
            kept = self._kept.get(key)
            if kept is None or now >= kept.until:
                missing[key] = self._ask(key)
            else:
                self._kept.move_to_end(key)
                found[key] = kept.value
        if missing:
            async with asyncio.timeout(ANSWER_S):
                for key, answer in missing.items():
                    found[key] = await asyncio.shield(answer)  # one who gives up must not take it from the others
        return found

    async def at_best(self, keys: Iterable[K]) -> dict[K, V | None]:
        """Return the answers for keys, None also where the database can't tell: for what others can do without."""
        wanted = list(keys)
        try:
            return await self.many(wanted)
        except Exception:  # noted where it was read; all but the keys that failed are kept by now
            return {key: kept.value if (kept := self._kept.get(key)) else None for key in wanted}

    def age_s(self, key: K) -> float | None:
        """Return how long ago an answer was read, None if there is none."""
        kept = self._kept.get(key)
        return None if kept is None else self._now() - kept.read_at

    def amend(self, key: K, change: Callable[[V], V]) -> None:
        """Change an answer that is kept, until it is read again."""
        kept = self._kept.get(key)
        if kept is not None and kept.value is not None:
            self._kept[key] = Kept(change(kept.value), kept.read_at, kept.until)

    def forget(self, key: K) -> None:
        """Read it again the next time, also if it is being read just now."""
        self._kept.pop(key, None)
        self._asked.discard(key)

    async def close(self) -> None:
        """End what is under way."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def _ask(self, key: K) -> "asyncio.Future[V | None]":
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= WAITING_MAX:
                message = "Too many people came at once. Try again."
                raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
            waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_all(), name=f"reading {self._name}")
        return waiting

    async def _read_all(self) -> None:
        """Read all that is asked for, a batch at a time: who comes meanwhile is of the next one."""
        while self._waiting:
            batch = [key for key, _ in zip(self._waiting, range(BATCH_MAX), strict=False)]
            self._asked = set(batch)
            try:
                async with asyncio.timeout(READ_S):
                    answers = await self._read(batch)
            except Exception as error:  # whatever it is, it is the answer to all who wait
                self._trouble(self._name, error)
                for key in batch:
                    self._fail(key, error)
            else:
                for key in batch:
                    self._answer(key, answers.get(key))

    def _answer(self, key: K, value: V | None) -> None:
        now = self._now()
        # what was forgotten meanwhile may have been read as it was before
        if key in self._asked and (value is not None or self._keeps_absent):
            self._keep(key, Kept(value, now, now + self._believed_s))
        self._settle(key, value)

    def _fail(self, key: K, error: Exception) -> None:
        now = self._now()
        kept = self._kept.get(key)
        if kept is None or now - kept.read_at >= STALE_S:
            self._settle(key, error)
            return
        self._keep(key, Kept(kept.value, kept.read_at, now + PATIENCE_S))
        self._settle(key, kept.value)

    def _keep(self, key: K, kept: Kept[V]) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)

    def _settle(self, key: K, outcome: V | Exception | None) -> None:
        waiting = self._waiting.pop(key)
        if waiting.done():
            return
        if isinstance(outcome, Exception):
            waiting.set_exception(outcome)
            waiting.exception()  # seen, also when all who waited have left
        else:
            waiting.set_result(outcome)
