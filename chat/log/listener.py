"""Hears what is appended to the logs of this process's rooms: one connection, only the channels of those rooms."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

import structlog
from redis.exceptions import RedisError

from chat.entry import Entry
from chat.log import keys
from chat.log.calls import Trouble, unavailable
from chat.log.entries import published
from chat.log.wire import Command, Wire
from config.tasks import check_cancelled
from schemas.ids import ChannelId

CONFIRM_S: Final = 5.0
PING_S: Final = 0.8
SILENT_PINGS: Final = 2
"""Pings without any answer in between: the connection is dead. Counted, not timed: a loop that is late is not."""
NAMES_AT_ONCE: Final = 500
"""Channels in one SUBSCRIBE."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0
"""Before a lost connection is made again; no two processes are in step."""

OnEntry = Callable[[ChannelId, Entry], None]
OnModerators = Callable[[ChannelId, bytes], None]
"""Is given a `schemas.socket.ModeratorEvent` as JSON."""
OnFresh = Callable[[ChannelId], None]
log = structlog.get_logger()


class Listener:
    """Callbacks come in the loop, in the order in which Redis sent things, and must not block.

    Redis forgets what is published while nobody listens: `on_fresh` comes after each confirmed subscription, also when
    a lost connection was made again, and what may have been missed must be read from the log then.
    """

    def __init__(
        self, redis_url: str, on_entry: OnEntry, on_moderators: OnModerators, on_fresh: OnFresh, trouble: Trouble
    ) -> None:
        self._url = redis_url
        self._on_entry = on_entry
        self._on_moderators = on_moderators
        self._on_fresh = on_fresh
        self._trouble = trouble
        self._confirmed: dict[ChannelId, asyncio.Event] = {}
        """The wanted channels."""
        self._handlers: dict[bytes, Callable[[bytes], None]] = {}
        """By name in Redis: two for each wanted channel."""
        self._fresh: dict[bytes, ChannelId] = {}
        self._changed: dict[ChannelId, None] = {}
        """Wanted or not wanted any more since Redis was told; in order."""
        self._some = asyncio.Event()
        self._silent = 0

    async def subscribe(self, channel: ChannelId) -> None:
        """Listen to a channel; returns when Redis has confirmed (at once if it did before): now fill from the log.

        Raises `ApiError` UNAVAILABLE after `CONFIRM_S`; the channel stays wanted until `unsubscribe`.
        """
        if channel not in self._confirmed:
            self._confirmed[channel] = asyncio.Event()
            events, moderators = _names(channel)
            self._fresh[events] = channel
            self._handlers[events] = lambda data: self._on_entry(channel, published(data))
            self._handlers[moderators] = lambda data: self._on_moderators(channel, data)
            self._change(channel)
        try:
            async with asyncio.timeout(CONFIRM_S):
                await self._confirmed[channel].wait()
        except TimeoutError:
            raise unavailable() from None

    def unsubscribe(self, channel: ChannelId) -> None:
        """Listen to a channel no more. Nothing of it comes after this call."""
        if self._confirmed.pop(channel, None) is None:
            return
        events, moderators = _names(channel)
        del self._fresh[events], self._handlers[events], self._handlers[moderators]
        self._change(channel)

    def _change(self, channel: ChannelId) -> None:
        self._changed[channel] = None
        self._some.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            wire = Wire(self._url)
            try:
                await wire.open()
                pause_s = FIRST_PAUSE_S
                await self._serve(wire)
            except (RedisError, OSError, TimeoutError) as error:
                self._trouble("redis", error)
            finally:
                await wire.close()
            check_cancelled()
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _serve(self, wire: Wire) -> None:
        self._changed = dict.fromkeys(self._confirmed)
        self._silent = 0
        self._some.set()
        # No TaskGroup: that of Python 3.11 leaves its owner marked as cancelled when a child fails.
        hearing = asyncio.create_task(self._hear(wire), name="hear chat logs")
        hearing.add_done_callback(lambda _: self._some.set())
        try:
            await self._ask(wire, hearing)
        finally:
            for confirmed in self._confirmed.values():
                confirmed.clear()
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _hear(self, wire: Wire) -> None:
        while True:
            answer = await wire.answer()
            self._silent = 0
            match answer:
                case [b"message", name, data]:
                    self._handle(name, data)
                case [b"subscribe", name, _] if name in self._fresh:
                    channel = self._fresh[name]
                    self._confirmed[channel].set()
                    self._guarded(name, self._on_fresh, channel)

    def _handle(self, name: bytes, data: bytes) -> None:
        if (handler := self._handlers.get(name)) is not None:  # else it was let go a moment ago
            self._guarded(name, handler, data)

    def _guarded(self, name: bytes, handler: Callable[[Any], None], what: Any) -> None:
        try:
            handler(what)
        except Exception:  # what goes wrong with one event of one room must not make all rooms deaf
            log.exception("chat event not handled", name=name.decode(errors="replace"))

    async def _ask(self, wire: Wire, hearing: asyncio.Task[None]) -> None:
        """Tell Redis what is wanted, and see whether it is there; raises what ends `hearing`."""
        loop = asyncio.get_running_loop()
        ping_at = loop.time() + PING_S
        while True:
            await self._until_some(ping_at)
            self._some.clear()
            if hearing.done():
                hearing.result()
            if commands := self._changes():
                await wire.send(commands)
            if loop.time() >= ping_at:
                if self._silent >= SILENT_PINGS:
                    raise TimeoutError("no answer to pings")
                self._silent += 1
                await wire.send([("PING",)])
                ping_at = loop.time() + PING_S

    async def _until_some(self, at: float) -> None:
        try:
            async with asyncio.timeout_at(at):
                await self._some.wait()
        except TimeoutError:
            return

    def _changes(self) -> list[Command]:
        """Return the commands for what has changed. Who is wanted again is asked for again: that is confirmed too."""
        changed, self._changed = self._changed, {}
        wanted = [name for channel in changed if channel in self._confirmed for name in _names(channel)[::-1]]
        gone = [name for channel in changed if channel not in self._confirmed for name in _names(channel)]
        return [*_chunks("UNSUBSCRIBE", gone), *_chunks("SUBSCRIBE", wanted)]


def _names(channel: ChannelId) -> tuple[bytes, bytes]:
    return keys.events_channel(channel).encode(), keys.moderators_channel(channel).encode()


def _chunks(command: str, names: list[bytes]) -> list[Command]:
    return [(command, *names[start : start + NAMES_AT_ONCE]) for start in range(0, len(names), NAMES_AT_ONCE)]
