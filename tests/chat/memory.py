"""A hub whose log, database and members are in memory: the order of things without a server."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from chat.entry import Entry, head
from chat.log.listener import OnEntry, OnFresh, OnModerators
from chat.log.places import Position
from chat.people import Identity, Person, Standing
from chat.rooms.formats import FRAME_PER_EVENT, FramePerEvent, FramePerTick
from chat.rooms.hub import Hub
from chat.rooms.metrics import ChatMetrics
from chat.rooms.sources import Sources
from chat.rooms.states import ChannelState
from schemas.chat import ChatSettings, Pinned, You
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, SessionId, UserId
from schemas.socket import ChannelEvent, ServerMessage

A = ChannelId("a")
S1, S2 = SessionId("s1"), SessionId("s2")
OFF = ChannelState(None, None, 0)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOBODY = You(None, None, "viewer", [], "", False, None, 0, None, False)


def on(session: SessionId, viewers: int = 0) -> ChannelState:
    return ChannelState(session, AT, viewers)


def away(session: SessionId) -> ChannelState:
    return ChannelState(session, AT, 0, returns_until_ms=1_800_000_000_000)


def identity(user: str, scopes: frozenset[str] | None = None) -> Identity:
    return Identity(Person(UserId(user), user, user, "", 0), user.encode(), scopes)


def frames(content: bytes) -> list[Any]:
    """Return what is in text frames, decoded."""
    found = []
    while content:
        size, start = content[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(content[2:start], "big")
        found.append(msgspec.json.decode(content[start : start + size]))
        content = content[start + size :]
    return found


class Ear:
    """A member that remembers what it was written."""

    def __init__(self, format_: FramePerEvent | FramePerTick = FRAME_PER_EVENT, user: str | None = None) -> None:
        self.format = format_
        self.user_id = UserId(user) if user else None
        self.hidden: set[str] = set()
        self.written: list[bytes] = []
        self.expelled_from: list[ChannelId] = []

    def send(self, content: bytes) -> None:
        self.written.append(content)

    def catch_up(self, parts: Sequence[bytes]) -> None:
        self.written.extend(parts)

    def tell(self, message: ServerMessage) -> None:
        self.written.append(self.format.answer(message))

    def expelled(self, channel_id: ChannelId) -> None:
        self.expelled_from.append(channel_id)

    @property
    def heard(self) -> list[Any]:
        return frames(b"".join(self.written))

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.heard]

    @property
    def seqs(self) -> list[int]:
        return [message["seq"] for message in self.heard if "seq" in message]


class MemoryLog:
    """One channel's log, as Redis would keep it."""

    def __init__(self, seq: int = 0) -> None:
        self.entries: list[Entry] = []
        self.epoch = "e1"
        self.base = seq
        self.asked: list[str] = []
        self.bans: dict[UserId, int] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_away = False

    @property
    def seq(self) -> int:
        return self.entries[-1].seq if self.entries else self.base

    def append(self, kind: str = "clear_chat", content: bytes | None = None) -> Entry:
        made = content if content is not None else head(kind, A, moderator="m")
        entry = Entry(self.seq + 1, self.seq, self.epoch, 1, kind, made)
        self.entries.append(entry)
        return entry

    def lose(self, count: int, epoch: str, jump: int = 1_000_000) -> None:
        """Forget the last entries, as a replica that had not got them yet; what follows is of another epoch."""
        kept = self.entries[: len(self.entries) - count]
        last = kept[-1].seq if kept else self.base
        self.entries, self.epoch = kept, epoch
        entry = Entry(last + jump, last, epoch, 1, "clear_chat", head("clear_chat", A, moderator="m"))
        self.entries.append(entry)

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        await self.gate.wait()
        if self.is_away:
            raise ApiError(ErrorCode.UNAVAILABLE, "away")

    async def where(self, channel: ChannelId) -> Position:
        await self._ask("where")
        return Position(self.entries[-1].epoch if self.entries else self.epoch, self.seq)

    async def heads(self, channels: Sequence[ChannelId]) -> dict[ChannelId, Position]:
        return dict.fromkeys(channels, Position(self.epoch, self.seq))

    async def read(self, channel: ChannelId, after: int, limit: int) -> list[Entry]:
        await self._ask("read")
        return [entry for entry in self.entries if entry.seq > after][:limit]

    async def before(self, channel: ChannelId, before: int | None, limit: int) -> list[Entry]:
        await self._ask("before")
        return [entry for entry in self.entries if before is None or entry.seq < before][-limit:]

    async def has(self, channel: ChannelId, seq: int, epoch: str) -> bool:
        await self._ask("has")
        if any((entry.seq, entry.epoch) == (seq, epoch) for entry in self.entries):
            return True
        first = self.entries[0] if self.entries else None
        return seq == self.base and epoch == (first.epoch if first else self.epoch)

    async def ban_of(self, channel: ChannelId, user: UserId) -> int | None:
        return self.bans.get(user)


class Subscriptions:
    """A listener that is told by the test."""

    def __init__(self, on_entry: OnEntry, on_moderators: OnModerators, on_fresh: OnFresh) -> None:
        self.on_entry, self.on_moderators, self.on_fresh = on_entry, on_moderators, on_fresh
        self.channels: list[ChannelId] = []

    async def subscribe(self, channel: ChannelId) -> None:
        self.channels.append(channel)

    def unsubscribe(self, channel: ChannelId) -> None:
        if channel in self.channels:
            self.channels.remove(channel)

    async def run(self) -> None:
        await asyncio.Event().wait()


class World:
    """The log and the database as the hub sees them, and its troubles."""

    def __init__(self, seq: int = 0) -> None:
        self.states: dict[ChannelId, ChannelState] = {A: OFF}
        self.troubles: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_away = False
        self.log = MemoryLog(seq)
        self.readers: set[str] | None = None
        """Who may read; None: everybody."""
        self.roles: dict[UserId, Standing] = {}
        self.settings = ChatSettings(blocked_terms=["x"], held_terms=[])
        self.pinned: Pinned | None = None
        self.reads = 0
        self.ear: Subscriptions
        self.registry = CollectorRegistry()
        sources = Sources(
            read_states=self.read,
            may_read=self._may_read,
            standing_of=self._standing_of,
            you_of=self._you_of,
            settings_of=self._settings_of,
            pinned_of=self._pinned_of,
        )
        self.hub = Hub(
            Redis(),
            self.log,
            self._listen,
            sources,
            trouble=lambda subject, _: self.troubles.append(subject),
            metrics=ChatMetrics(self.registry),
        )

    def _listen(self, entry: OnEntry, moderators: OnModerators, fresh: OnFresh) -> Subscriptions:
        self.ear = Subscriptions(entry, moderators, fresh)
        return self.ear

    async def read(self, ids: Sequence[ChannelId]) -> Mapping[ChannelId, ChannelState]:
        self.reads += 1
        states = {channel: self.states[channel] for channel in ids if channel in self.states}
        await self.gate.wait()
        if self.is_away:
            raise TimeoutError
        return states

    async def _may_read(self, who: Identity | None, channel: ChannelId, key: str | None) -> bool:
        return self.readers is None or (who.person.id if who else key or "") in self.readers

    async def _standing_of(self, person: Person, channel: ChannelId) -> Standing:
        return self.roles.get(person.id, Standing("viewer", [], None, 0, 0, False))

    async def _you_of(self, person: Person | None, channel: ChannelId, banned_until: int | None) -> You:
        if person is None:
            return NOBODY
        return msgspec.structs.replace(NOBODY, user_id=person.id, banned_until=banned_until)

    async def _settings_of(self, channel: ChannelId) -> ChatSettings:
        return self.settings

    async def _pinned_of(self, channel: ChannelId) -> Pinned | None:
        return self.pinned

    def say(self, event: ChannelEvent) -> None:
        self.hub.deliver(msgspec.json.encode(event))

    def publish(self, entry: Entry) -> None:
        self.ear.on_entry(A, entry)

    async def settle(self) -> None:
        """Let what is under way end, and send what is pending."""
        for _ in range(20):
            await asyncio.sleep(0)
        await self.hub.flusher.flush()
