"""This process's end of one channel's log: every entry once and in order, whatever Redis forgets to publish.

Entries come from a subscription that may lose some; each names the one before it, so that a gap is seen and read from
the log. A lost last entry is seen by the watchdog of the hub, which calls `doubt`. When the log does not have our last
entry (Redis lost it), nothing can be continued: `on_reset`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from chat.entry import Entry
from chat.log.calls import Trouble
from chat.log.places import Position
from chat.rooms.flight import Flight
from schemas.errors import ApiError
from schemas.ids import ChannelId, UserId

PAGE: Final = 1_000
"""Entries of one read."""


class Log(Protocol):
    """What rooms ask the log (`chat.log.log.ChatLog`). Every method raises `ApiError` UNAVAILABLE."""

    async def where(self, channel: ChannelId) -> Position:
        """Return the end of a log."""

    async def heads(self, channels: Sequence[ChannelId]) -> dict[ChannelId, Position]:
        """Return the ends of many logs."""

    async def read(self, channel: ChannelId, after: int, limit: int) -> list[Entry]:
        """Return the first entries behind a number, ascending."""

    async def before(self, channel: ChannelId, before: int | None, limit: int) -> list[Entry]:
        """Return the last entries before a number, ascending."""

    async def has(self, channel: ChannelId, seq: int, epoch: str) -> bool:
        """Return whether the log can be continued from there."""

    async def ban_of(self, channel: ChannelId, user: UserId) -> int | None:
        """Return until when (ms) somebody may not chat, 0 for ever, None if they may."""


class Tail:
    """Calls `on_entry` for each entry behind the place that `on_open` was told; `on_gap` whenever it has to read."""

    def __init__(
        self,
        channel: ChannelId,
        log: Log,
        *,
        subscribe: Callable[[ChannelId], Awaitable[None]],
        on_open: Callable[[Position], None],
        on_entry: Callable[[Entry], None],
        on_reset: Callable[[Position], None],
        on_gap: Callable[[], None],
        trouble: Trouble,
    ) -> None:
        self._channel = channel
        self._log = log
        self._subscribe = subscribe
        self._on_open = on_open
        self._on_entry = on_entry
        self._on_reset = on_reset
        self._on_gap = on_gap
        self._trouble = trouble
        self._opening = Flight("opening of a room", self._open)
        self._filling = Flight("fill of a room", self._fill)
        self._is_doubted = False
        self._background: asyncio.Task[None] | None = None
        self.place: Position | None = None
        """The last entry that was handed on; None before it is open."""

    async def open(self) -> Position:
        """Subscribe and find the end of the log. Raises `ApiError`."""
        if self.place is None:
            await self._opening.wait()
        assert self.place is not None
        return self.place

    def hear(self, entry: Entry) -> None:
        """Take an entry that was published."""
        place = self.place
        if place is None:
            self._is_doubted = True
        elif entry.prev == place.seq and entry.epoch == place.epoch:
            self._advance(entry)
        elif entry.seq > place.seq or entry.epoch != place.epoch:
            self._on_gap()
            self.doubt()

    def doubt(self) -> None:
        """Compare with the log soon: something may have been missed."""
        self._is_doubted = True
        if self.place is not None and (self._background is None or self._background.done()):
            self._background = asyncio.create_task(self._settle(), name="doubt about a room")

    async def fill(self) -> None:
        """Read on until the end of the log. Raises `ApiError`."""
        self._is_doubted = True
        await self._filling.wait()

    def close(self) -> None:
        """Follow the log no more."""
        self._opening.cancel()
        self._filling.cancel()
        if self._background is not None:
            self._background.cancel()

    async def _open(self) -> None:
        await self._subscribe(self._channel)
        self.place = await self._log.where(self._channel)
        self._on_open(self.place)
        if self._is_doubted:
            self.doubt()

    async def _settle(self) -> None:
        try:
            while self._is_doubted:
                await self._filling.wait()
        except (ApiError, TimeoutError) as error:
            self._trouble("chat fill", error)  # the watchdog asks again

    async def _fill(self) -> None:
        while self._is_doubted:
            self._is_doubted = False
            await self._read_on()

    async def _read_on(self) -> None:
        while True:
            assert self.place is not None
            entries = await self._log.read(self._channel, self.place.seq, PAGE)
            for entry in entries:
                if not await self._follows(entry):
                    await self._lose()
                    return
            if len(entries) < PAGE:
                break
        if not await self._is_anchored():
            await self._lose()

    async def _follows(self, entry: Entry) -> bool:
        """Hand an entry on; False when it cannot follow on the last one."""
        place = self.place
        assert place is not None
        if entry.seq <= place.seq:
            return True  # came by the subscription meanwhile
        if entry.prev != place.seq:
            return False
        if entry.epoch != place.epoch and not await self._log.has(self._channel, place.seq, place.epoch):
            return False
        self._advance(entry)
        return True

    async def _is_anchored(self) -> bool:
        """Whether the log that has nothing more to read is the one that we follow."""
        end = await self._log.where(self._channel)
        place = self.place
        assert place is not None
        return end.epoch == place.epoch or await self._log.has(self._channel, place.seq, place.epoch)

    async def _lose(self) -> None:
        self.place = await self._log.where(self._channel)
        self._on_reset(self.place)

    def _advance(self, entry: Entry) -> None:
        self.place = Position(entry.epoch, entry.seq)
        self._on_entry(entry)
