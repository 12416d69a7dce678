"""How channels are right now: on the air or not, how many watch. Fed by the Redis channel `stream_events`.

Redis forgets what is said while nobody listens, so the database has the last word: after each (re-)subscription every
room is told the present state, and every `COMPARE_S` rooms that missed something are.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from chat.log.calls import Trouble
from chat.rooms.flight import Flight
from chat.rooms.room import Room
from schemas.ids import ChannelId, SessionId
from schemas.socket import (
    ChannelEvent,
    StreamInterrupted,
    StreamOffline,
    StreamOnline,
    StreamResumed,
    ViewerCount,
)

COMPARE_S: Final = 30.0
COMPARED_AT_ONCE: Final = 500
"""Channels in one question to the database."""
COMPARE_PAUSE_S: Final = 3.0
"""After a comparison that failed."""
BELIEVED_S: Final = 1.0
"""How long a state that was read answers further joins: thousands come at once when a process was restarted."""


class ChannelState(msgspec.Struct, frozen=True):
    """A channel as the database has it."""

    session_id: SessionId | None
    """The session on the air."""
    started_at: datetime | None
    viewer_count: int
    returns_until_ms: int | None = None
    """Its publisher is gone and may return until then."""


ReadStates = Callable[[Sequence[ChannelId]], Awaitable[Mapping[ChannelId, ChannelState]]]
"""Reads the states of those channels that exist; raises what `failures` names when the database is away."""
Broadcast = Callable[[Room, ChannelEvent], None]


class _Known(msgspec.Struct, frozen=True):
    state: ChannelState
    turns: int
    read_at: float


class States:
    """The states of a hub's rooms. `failures`: what `read_states` raises when it can't answer now."""

    def __init__(
        self,
        rooms: Mapping[ChannelId, Room],
        read_states: ReadStates,
        broadcast: Broadcast,
        trouble: Trouble,
        *,
        failures: tuple[type[Exception], ...],
    ) -> None:
        self._rooms = rooms
        self._read_states = read_states
        self._broadcast = broadcast
        self._trouble = trouble
        self._failures = failures
        self._reading: dict[ChannelId, Flight[_Known | None]] = {}
        self._known: dict[ChannelId, _Known] = {}
        self.announce_all: Final = asyncio.Event()
        """Set it when events may have been missed."""

    async def of(self, room: Room) -> ChannelState | None:
        """Return how a channel is, None if there is none. Raises what `failures` names."""
        channel = room.channel_id
        known = self._known.get(channel)
        if known and known.turns == room.turns and time.monotonic() - known.read_at < BELIEVED_S:
            return known.state
        flight = self._reading.get(channel)
        if flight is None:
            flight = self._reading[channel] = Flight("state of a channel", lambda: self._read(room))
        turns = room.turns
        known = await flight.wait()
        if known is not None and known.turns < turns:
            known = await flight.wait()  # that one was asked before something that the caller is not told any more
        return known.state if known else None

    def forget(self, channel: ChannelId) -> None:
        """Its room is gone."""
        self._known.pop(channel, None)
        self._reading.pop(channel, None)

    async def _read(self, room: Room) -> _Known | None:
        turns = room.turns
        state = (await self._read_states([room.channel_id])).get(room.channel_id)
        if state is None:
            return None
        if room.turns == turns:  # else an event that came meanwhile is newer
            room.live_session = state.session_id
            room.is_interrupted = state.returns_until_ms is not None
        known = _Known(state, turns, time.monotonic())
        if self._rooms.get(room.channel_id) is room:
            self._known[room.channel_id] = known
        return known

    def hear(self, room: Room, event: ChannelEvent) -> None:
        """Take an event and pass it on to the room."""
        match event:
            case StreamOnline(session_id=session_id):
                room.turns += 1
                room.live_session = session_id
            case StreamOffline():
                room.turns += 1
                room.live_session = None
                room.is_interrupted = False
            case StreamInterrupted() | StreamResumed():
                room.turns += 1
                room.is_interrupted = isinstance(event, StreamInterrupted)
            case ViewerCount(count=count, chatters=chatters):
                self._recount(room.channel_id, count)
                room.chatters = chatters
            case _:
                pass
        self._broadcast(room, event)

    def _recount(self, channel: ChannelId, count: int) -> None:
        known = self._known.get(channel)
        if known is not None:
            state = msgspec.structs.replace(known.state, viewer_count=count)
            self._known[channel] = _Known(state, known.turns, known.read_at)

    # --- the database's word ---

    async def run(self) -> None:
        """Compare now and then, until cancelled."""
        while True:
            is_forced = await self._is_forced()
            try:
                await self.compare(is_forced=is_forced)
            except self._failures as error:
                self._trouble("room comparison", error)
                if is_forced:
                    self.announce_all.set()
                await asyncio.sleep(COMPARE_PAUSE_S)

    async def _is_forced(self) -> bool:
        try:
            async with asyncio.timeout(COMPARE_S):
                await self.announce_all.wait()
        except TimeoutError:
            return False
        self.announce_all.clear()
        return True

    async def compare(self, *, is_forced: bool) -> None:
        """Tell rooms the state that the database has: all rooms if forced, else those that were told otherwise."""
        ids = list(self._rooms)
        for start in range(0, len(ids), COMPARED_AT_ONCE):
            some = ids[start : start + COMPARED_AT_ONCE]
            turns = {channel: self._rooms[channel].turns for channel in some if channel in self._rooms}
            for channel, state in (await self._read_states(list(turns))).items():
                room = self._rooms.get(channel)
                # an event that came while the database was asked is newer than its answer
                if room is None or room.turns != turns[channel]:
                    continue
                is_interrupted = state.returns_until_ms is not None
                told = (room.live_session, room.is_interrupted)
                if is_forced or told != (state.session_id, is_interrupted):
                    self._known.pop(channel, None)
                    self._announce(room, state)

    def _announce(self, room: Room, state: ChannelState) -> None:
        at, channel = time.time_ns() // 1_000_000, room.channel_id
        if state.session_id is not None:
            self._broadcast(room, StreamOnline(channel, state.session_id, at))
            self._broadcast(room, ViewerCount(channel, state.viewer_count, room.chatters))
            if state.returns_until_ms is not None:
                self._broadcast(room, StreamInterrupted(channel, state.session_id, state.returns_until_ms, at))
            elif room.is_interrupted:
                self._broadcast(room, StreamResumed(channel, state.session_id, at))
        elif room.live_session is not None:
            self._broadcast(room, StreamOffline(channel, room.live_session, at))
        room.live_session = state.session_id
        room.is_interrupted = state.returns_until_ms is not None
