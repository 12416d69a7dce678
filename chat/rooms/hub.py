"""This process's rooms: joins members to them, follows the logs of their channels, and passes events on.

`tail.py` follows one log, `states.py` what is on the air, `room.py` holds the members, `flusher.py` writes to them.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec
from redis.asyncio import Redis

from chat.entry import Entry, event
from chat.log.calls import Trouble
from chat.log.listener import OnEntry, OnFresh, OnModerators
from chat.log.places import Position
from chat.rooms.flusher import Flusher
from chat.rooms.formats import Member, RoomEvent
from chat.rooms.joining import Joining
from chat.rooms.metrics import ChatMetrics
from chat.rooms.past import Past
from chat.rooms.readers import Readers
from chat.rooms.ring import BYTES_MAX, Ring
from chat.rooms.room import Room, Visit
from chat.rooms.sources import Sources
from chat.rooms.states import States
from chat.rooms.tail import Log, Tail
from config.redis import messages
from schemas.chat import ChatMessage
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from schemas.socket import (
    STREAM_EVENTS,
    Announcement,
    ChannelEvent,
    ChannelUpdated,
    EmotesChanged,
    HeldDecided,
    Message,
    MessagePinned,
    ModeratorEvent,
    RoleChanged,
)

JOIN_S: Final = 5.0
WATCH_S: Final = 1.0
"""Between comparisons of all rooms with the ends of their logs."""
ARRIVING_S: Final = 0.1
"""How long an entry that the log has may be on its way through the subscription."""
WATCHED_AT_ONCE: Final = 500
"""Logs in one question to Redis."""
RINGS_BYTES_MAX: Final = 256 * 1024 * 1024
"""Of the past that all rooms of a process keep together."""
RING_BYTES_MIN: Final = 64 * 1024
RETRY_AFTER_MS: Final = 2_000
NOBODY: Final = Visit()

Watcher = Callable[[ChannelId, Entry], None]
StateWatcher = Callable[[ChannelEvent], None]
_events = msgspec.json.Decoder(ChannelEvent)
_moderator_events = msgspec.json.Decoder(ModeratorEvent)


class Ear(Protocol):
    """What a hub asks of `chat.log.listener.Listener`."""

    async def subscribe(self, channel: ChannelId) -> None:
        """Listen to a channel. Raises `ApiError`."""

    def unsubscribe(self, channel: ChannelId) -> None:
        """Listen to it no more."""

    async def run(self) -> None:
        """Listen until cancelled."""


Listen = Callable[[OnEntry, OnModerators, OnFresh], Ear]
"""Makes the listener: `lambda *on: Listener(redis_url, *on, trouble)`."""


class Hub:
    """Joins members to rooms and rooms to Redis."""

    def __init__(
        self, redis: Redis, log: Log, listen: Listen, sources: Sources, *, trouble: Trouble, metrics: ChatMetrics
    ) -> None:
        self._redis = redis
        self._log = log
        self.trouble = trouble
        self._metrics = metrics
        self.failures: tuple[type[Exception], ...] = (*sources.failures, TimeoutError)
        """What is raised when something that a hub needs does not answer."""
        self.rooms: dict[ChannelId, Room] = {}
        self.flusher = Flusher(metrics.passed, trouble)
        self._ear = listen(self._hear, self._hear_moderators, self._doubt)
        self.states = States(self.rooms, sources.read_states, self._broadcast, trouble, failures=sources.failures)
        self._joining = Joining(log, sources, self.states)
        self._watchers: list[Watcher] = []
        self._state_watchers: list[StateWatcher] = []
        self._readers = Readers(self.rooms, self._joining, self._expel, trouble, failures=sources.failures)
        metrics.rooms.set_function(lambda: len(self.rooms))

    async def run(self) -> None:
        """Follow Redis until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ear.run(), name="chat listener")
                tasks.create_task(self.flusher.run(), name="chat flusher")
                tasks.create_task(self._watch(), name="watch over chat rooms")
                tasks.create_task(self._follow_states(), name="stream events for sockets")
                tasks.create_task(self.states.run(), name="comparison of rooms with the database")
                tasks.create_task(self._readers.run(), name="readers who may not read any more")
        finally:
            for room in self.rooms.values():
                room.close()

    def watch(self, callback: Watcher) -> None:
        """Have each entry of rooms that are open here told, once and in order. It must not block; failures are noted.

        Rooms open and close: whoever keeps something by it keeps it for a limited time.
        """
        self._watchers.append(callback)

    def watch_states(self, callback: StateWatcher) -> None:
        """Have everything told that comes over `STREAM_EVENTS`, of all channels."""
        self._state_watchers.append(callback)

    # --- members ---

    async def join(self, member: Member, channel_id: ChannelId, visit: Visit = NOBODY) -> None:
        """Make somebody a member; `joined` comes by `Member.tell`, and what happens from then on behind it.

        Raises `ApiError`: NOT_FOUND, FORBIDDEN, UNAVAILABLE (also when it takes more than `JOIN_S`).
        """
        room = self.rooms.get(channel_id) or self._open(channel_id)
        room.enter(member)
        ready = None
        try:
            async with asyncio.timeout(JOIN_S):
                ready = await self._joining.prepare(room, visit)
        except self.failures as error:
            self.trouble("join", error)
            message = "The channel can't be read just now."
            raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS) from error
        finally:
            if ready is None and self.rooms.get(channel_id) is room:
                self.leave(member, channel_id)
        joined = self._joining.joined(room, visit, ready)
        if room.admit(member, visit, joined):
            if ready.moderates:
                room.appoint(member, is_fixed=ready.moderates_always)
            self._metrics.joins.labels("resumed" if joined.is_resumed else "reset" if visit.place else "anew").inc()

    def leave(self, member: Member, channel_id: ChannelId) -> None:
        """Take somebody out of a room; an empty room is forgotten."""
        room = self.rooms.get(channel_id)
        if room is not None:
            room.leave(member)
            if room.is_empty:
                del self.rooms[channel_id]
                room.close()
                self._ear.unsubscribe(channel_id)
                self.states.forget(channel_id)

    def _expel(self, member: Member, channel_id: ChannelId) -> None:
        self.leave(member, channel_id)
        member.expelled(channel_id)

    def moderates(self, member: Member, channel_id: ChannelId) -> bool:
        """Whether a member hears what is for moderators there."""
        room = self.rooms.get(channel_id)
        return room is not None and room.moderates(member)

    def find_message(self, channel_id: ChannelId, message_id: str) -> ChatMessage | None:
        """Return a message of the last ones of a room here, None if it isn't among them or was taken away."""
        room = self.rooms.get(channel_id)
        found = room.ring.message(message_id) if room else None
        told = found.event if found else None
        return told.message if isinstance(told, Message | Announcement) else None

    def _open(self, channel_id: ChannelId) -> Room:
        ring = Ring(Position("", 0))
        tail = Tail(
            channel_id,
            self._log,
            subscribe=self._ear.subscribe,
            on_open=ring.clear,
            on_entry=lambda entry: self._take(room, entry),
            on_reset=lambda place: self._reset(room, place),
            on_gap=self._metrics.gaps.labels("the next").inc,
            trouble=self.trouble,
        )
        room = Room(channel_id, tail, Past(channel_id, ring, self._log), ring)
        self.rooms[channel_id] = room
        return room

    # --- the log ---

    def _hear(self, channel: ChannelId, entry: Entry) -> None:
        room = self.rooms.get(channel)
        if room is not None:
            room.tail.hear(entry)

    def _doubt(self, channel: ChannelId) -> None:
        room = self.rooms.get(channel)
        if room is not None:
            room.tail.doubt()

    def _take(self, room: Room, entry: Entry) -> None:
        """Pass on the next entry of a room's log."""
        room.ring.bytes_max = max(RING_BYTES_MIN, min(BYTES_MAX, RINGS_BYTES_MAX // len(self.rooms)))
        room.add(RoomEvent.of_entry(room.channel_id, entry))
        self.flusher.note(room)
        try:
            self._obey(room, entry)
            for watcher in self._watchers:
                watcher(room.channel_id, entry)
        except Exception as error:  # of one entry, which may be of a newer version; those behind it go on
            self.trouble("chat entry", error)

    def _obey(self, room: Room, entry: Entry) -> None:
        if entry.kind not in ("role_changed", "message_pinned"):
            return
        match event(entry):
            case RoleChanged(user_id=user, role=role):
                room.change_role(user, role)
            case MessagePinned(pinned=pinned):
                room.pinned = pinned
            case _:
                pass

    def _reset(self, room: Room, place: Position) -> None:
        self._metrics.resets.inc()
        room.pinned = msgspec.UNSET
        room.reset(place)
        self.flusher.note(room)

    def _hear_moderators(self, channel: ChannelId, content: bytes) -> None:
        room = self.rooms.get(channel)
        if room is None:
            return
        try:
            told = _moderator_events.decode(content)
        except msgspec.MsgspecError as error:
            self.trouble("moderator event", error)
            return
        for member in room.moderators_and(told.user_id if isinstance(told, HeldDecided) else None):
            member.tell(told)

    async def _watch(self) -> None:
        """Find rooms whose last entry was not published to us: no next one tells of it."""
        while True:
            await asyncio.sleep(WATCH_S)
            for channels in self._some_of_all():
                try:
                    heads = await self._log.heads(channels)
                except (ApiError, TimeoutError) as error:
                    self.trouble("chat watch", error)
                    break
                if any(self._is_behind(channel, head) for channel, head in heads.items()):
                    await asyncio.sleep(ARRIVING_S)
                    self._doubt_those_behind(heads)

    def _some_of_all(self) -> Iterator[list[ChannelId]]:
        channels = [channel for channel, room in self.rooms.items() if room.tail.place is not None]
        for start in range(0, len(channels), WATCHED_AT_ONCE):
            yield channels[start : start + WATCHED_AT_ONCE]

    def _is_behind(self, channel: ChannelId, head: Position) -> bool:
        room = self.rooms.get(channel)
        place = room.tail.place if room else None
        return place is not None and (head.seq > place.seq or (head.seq < place.seq and head.epoch != place.epoch))

    def _doubt_those_behind(self, heads: dict[ChannelId, Position]) -> None:
        for channel, head in heads.items():
            if self._is_behind(channel, head):
                self._metrics.gaps.labels("the watch").inc()
                self._doubt(channel)

    # --- states ---

    def deliver(self, content: bytes) -> None:
        """Hand one event of `STREAM_EVENTS` to its room."""
        try:
            told = _events.decode(content)
        except msgspec.MsgspecError as error:
            self.trouble("stream event", error)  # of a newer version perhaps; the rest goes on
            return
        self._tell_state_watchers(told)
        if isinstance(told, EmotesChanged) and not told.channel_id:
            for room in self.rooms.values():
                self._broadcast(room, told)
        elif (room_of_it := self.rooms.get(told.channel_id)) is not None:
            self.states.hear(room_of_it, told)
        if isinstance(told, ChannelUpdated):
            self._readers.doubt([told.channel_id])

    def _tell_state_watchers(self, told: ChannelEvent) -> None:
        for watcher in self._state_watchers:
            try:
                watcher(told)
            except Exception as error:  # of one watcher; the rooms are told all the same
                self.trouble("stream event", error)

    def _broadcast(self, room: Room, told: ChannelEvent) -> None:
        room.add(RoomEvent.of_state(told))
        self.flusher.note(room)

    async def _follow_states(self) -> None:
        async for content in messages(self._redis, STREAM_EVENTS, self._lost):
            if content is None:
                self.states.announce_all.set()
                self._readers.doubt(self.rooms)
            else:
                self.deliver(content)

    def _lost(self, error: Exception) -> None:
        self.trouble("redis subscription", error)
