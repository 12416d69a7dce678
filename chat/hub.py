"""This process's rooms, fed by the Redis channel `stream_events`.

Redis pub/sub forgets what is said while nobody listens, so the database has the last word: after each
(re-)subscription every room is told the present state, and every `COMPARE_S` rooms that missed something are.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
import structlog
from redis.asyncio import Redis

from chat.frames import encode
from chat.room import Member, Room
from config.redis import messages
from schemas.chat import ChatSettings, You
from schemas.ids import ChannelId, SessionId
from schemas.socket import (
    STREAM_EVENTS,
    ChannelEvent,
    Joined,
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
log = structlog.get_logger()


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
Trouble = Callable[[str, BaseException], None]

_decoder = msgspec.json.Decoder(ChannelEvent)


class Hub:
    """Joins sockets to rooms and rooms to Redis. `failures`: what `read_states` raises when it can't answer now."""

    def __init__(
        self,
        redis: Redis,
        read_states: ReadStates,
        trouble: Trouble,
        *,
        failures: tuple[type[Exception], ...] = (OSError, TimeoutError),
    ) -> None:
        self._redis = redis
        self._read_states = read_states
        self._trouble = trouble
        self.failures = failures
        self.rooms: dict[ChannelId, Room] = {}
        self._announce_all = asyncio.Event()

    async def run(self) -> None:
        """Follow Redis until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="stream events for sockets")
            tasks.create_task(self._compare_now_and_then(), name="comparison of rooms with the database")

    # --- members ---

    async def join(self, member: Member, channel_id: ChannelId) -> bool:
        """Make the socket a member and send it `joined`; False when there is no such channel.

        The member is in the room before the state is read: what happens between reaches it behind `joined`.
        """
        room = self.rooms.get(channel_id)
        if room is None:
            room = self.rooms[channel_id] = Room(channel_id)
        room.enter(member)
        turns = room.turns
        state = None
        try:
            state = (await self._read_states([channel_id])).get(channel_id)
        finally:
            if state is None:
                self.leave(member, channel_id)
        if state is None:
            return False
        if room.turns == turns:
            room.live_session = state.session_id
            room.is_interrupted = state.returns_until_ms is not None
        room.admit(member, encode(_joined(channel_id, state)))
        return True

    def leave(self, member: Member, channel_id: ChannelId) -> None:
        """Take the socket out of the room; an empty room is forgotten."""
        room = self.rooms.get(channel_id)
        if room is not None:
            room.leave(member)
            if room.is_empty:
                del self.rooms[channel_id]

    # --- events ---

    def deliver(self, content: bytes) -> None:
        """Hand one event of `stream_events` to its room; encoded once, however many are there."""
        try:
            event = _decoder.decode(content)
        except msgspec.MsgspecError as error:
            self._trouble("stream event", error)  # of a newer version perhaps; the rest goes on
            return
        room = self.rooms.get(event.channel_id)
        if room is None:
            return
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
            case _:
                pass
        room.broadcast(encode(event))

    async def _listen(self) -> None:
        async for content in messages(self._redis, STREAM_EVENTS, self._lost):
            if content is None:
                self._announce_all.set()
            else:
                self.deliver(content)

    def _lost(self, error: Exception) -> None:
        self._trouble("redis subscription", error)

    async def _compare_now_and_then(self) -> None:
        while True:
            is_forced = await self._is_forced()
            try:
                await self.compare(is_forced=is_forced)
            except self.failures as error:
                self._trouble("room comparison", error)
                if is_forced:
                    self._announce_all.set()
                await asyncio.sleep(COMPARE_PAUSE_S)

    async def _is_forced(self) -> bool:
        try:
            async with asyncio.timeout(COMPARE_S):
                await self._announce_all.wait()
        except TimeoutError:
            return False
        self._announce_all.clear()
        return True

    async def compare(self, *, is_forced: bool) -> None:
        """Tell rooms the state that the database has: all rooms if forced, else those that were told otherwise."""
        ids = list(self.rooms)
        for start in range(0, len(ids), COMPARED_AT_ONCE):
            some = ids[start : start + COMPARED_AT_ONCE]
            turns = {channel: self.rooms[channel].turns for channel in some if channel in self.rooms}
            states = await self._read_states(list(turns))
            for channel, state in states.items():
                room = self.rooms.get(channel)
                # an event that came while the database was asked is newer than its answer
                if room is None or room.turns != turns[channel]:
                    continue
                is_interrupted = state.returns_until_ms is not None
                told = (room.live_session, room.is_interrupted)
                if is_forced or told != (state.session_id, is_interrupted):
                    _announce(room, state)


def _announce(room: Room, state: ChannelState) -> None:
    at = time.time_ns() // 1_000_000
    if state.session_id is not None:
        room.broadcast(encode(StreamOnline(room.channel_id, state.session_id, at)))
        room.broadcast(encode(ViewerCount(room.channel_id, state.viewer_count)))
        if state.returns_until_ms is not None:
            room.broadcast(encode(StreamInterrupted(room.channel_id, state.session_id, state.returns_until_ms, at)))
        elif room.is_interrupted:
            room.broadcast(encode(StreamResumed(room.channel_id, state.session_id, at)))
    elif room.live_session is not None:
        room.broadcast(encode(StreamOffline(room.channel_id, room.live_session, at)))
    room.live_session = state.session_id
    room.is_interrupted = state.returns_until_ms is not None


def _joined(channel_id: ChannelId, state: ChannelState) -> Joined:
    started_at = state.started_at.isoformat().replace("+00:00", "Z") if state.started_at else None
    nobody = You(None, None, "viewer", [], "", False, None, 0, None, False)
    return Joined(
        channel_id=channel_id,
        is_live=state.session_id is not None,
        session_id=state.session_id,
        started_at=started_at,
        viewer_count=state.viewer_count,
        is_reconnecting=state.returns_until_ms is not None,
        epoch="",
        last_seq=0,
        is_resumed=False,
        settings=ChatSettings(),
        you=nobody,
    )
