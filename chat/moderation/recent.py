"""What was read lately, per channel: a bounded cache that asks once for all who ask at a time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from schemas.ids import ChannelId

KEPT_S: Final = 10.0
"""What other processes change is seen after this at the latest; rooms hear of it at once."""
KEPT_MAX: Final = 5_000
"""Channels; the one that was asked for longest ago goes first."""

T = TypeVar("T")


class Recent(Generic[T]):
    """The answers of `read`. Errors of `read` are raised to all who wait, and not kept."""

    def __init__(
        self,
        read: Callable[[ChannelId], Awaitable[T]],
        *,
        kept_s: float = KEPT_S,
        kept_max: int = KEPT_MAX,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._kept_s = kept_s
        self._kept_max = kept_max
        self._now = now
        self._kept: OrderedDict[ChannelId, tuple[float, T]] = OrderedDict()
        self._reading: dict[ChannelId, asyncio.Task[T]] = {}

    async def of(self, channel: ChannelId) -> T:
        """Return the answer, not older than `kept_s`, nor than the last `forget`."""
        found = self._kept.get(channel)
        if found is not None and self._now() < found[0]:
            self._kept.move_to_end(channel)
            return found[1]
        reading = self._reading.get(channel)
        if reading is None:
            reading = asyncio.create_task(self._fill(channel), name=f"reading of {channel}")
            self._reading[channel] = reading
        # One who gives up must not take the answer from the others.
        return await asyncio.shield(reading)

    async def _fill(self, channel: ChannelId) -> T:
        this = asyncio.current_task()
        until = self._now() + self._kept_s
        try:
            answer = await self._read(channel)
            if self._reading.get(channel) is this:  # else it was forgotten meanwhile: this may be the old answer
                self._kept[channel] = (until, answer)
                self._kept.move_to_end(channel)
                while len(self._kept) > self._kept_max:
                    self._kept.popitem(last=False)
            return answer
        finally:
            if self._reading.get(channel) is this:
                del self._reading[channel]

    def forget(self, channel: ChannelId) -> None:
        """Have it read again when it is asked for next."""
        self._kept.pop(channel, None)
        self._reading.pop(channel, None)
