"""The members of one process that follow one channel, and what they are to be sent next.

What happens is first pending. A pass of the flusher takes it: from then on it is in the ring, and who is admitted
later gets it from there or not at all. Taking and admitting wait for nothing, so that nobody gets an event twice or
misses one.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from chat.log.places import Position
from chat.people import Identity
from chat.rooms.formats import Format, Member, RoomEvent
from chat.rooms.past import Past
from chat.rooms.ring import Ring
from chat.rooms.tail import Tail
from schemas.chat import Pinned, Role
from schemas.ids import ChannelId, SessionId, UserId
from schemas.socket import Joined, Reset

WAITING_MAX: Final = 256
"""States kept for a member whose `joined` is on its way. Older ones go first: the last ones say how things are."""


class Visit(msgspec.Struct, frozen=True):
    """Who joins, and how: `key` is the token of a shared address, `place` the last event that was seen."""

    identity: Identity | None = None
    key: str | None = None
    place: Position | None = None


class Room:
    """A member first enters, and what happens from then on waits; once admitted it gets `joined` and the rest."""

    def __init__(self, channel_id: ChannelId, tail: Tail, past: Past, ring: Ring) -> None:
        self.channel_id = channel_id
        self.tail = tail
        self.past = past
        self.ring = ring
        self.live_session: SessionId | None = None
        """The session on the air, as the members were last told."""
        self.is_interrupted = False
        """Whether its publisher is gone for now, as the members were last told."""
        self.turns = 0
        """How often any of that has changed while the room exists."""
        self.chatters = 0
        """How many are signed in to the chat, in all processes, as the members were last told."""
        self.pinned: Pinned | msgspec.UnsetType | None = msgspec.UNSET
        """What is at the top; UNSET: not read yet."""
        self.public_until = 0.0
        """Until when (monotonic, s) it is believed that everybody may read here."""
        self._pending: list[RoomEvent] = []
        self._members: dict[Format, dict[Member, Visit]] = {}
        self._moderators: dict[Member, bool] = {}
        """Those who moderate; True: whatever roles are given or taken (broadcaster, administrators)."""
        self._waiting: dict[Member, deque[RoomEvent]] = {}

    def close(self) -> None:
        """Follow the log no more."""
        self.tail.close()
        self.past.close()

    def pin(self, pinned: Pinned | None) -> None:
        """Note what the database has at the top; an event that came meanwhile is newer."""
        if self.pinned is msgspec.UNSET:
            self.pinned = pinned

    # --- members ---

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here or about to be."""
        return not self._members and not self._waiting

    @property
    def count(self) -> int:
        """How many are here."""
        return sum(len(members) for members in self._members.values())

    def members(self) -> dict[Format, list[Member]]:
        """Return everybody as of now."""
        return {kind: list(members) for kind, members in self._members.items()}

    def visits(self) -> list[tuple[Member, Visit]]:
        """Return everybody as of now, and how they joined."""
        return [pair for members in self._members.values() for pair in members.items()]

    def users(self) -> set[UserId]:
        """Return the accounts that are here."""
        return {m.user_id for members in self._members.values() for m in members if m.user_id is not None}

    def enter(self, member: Member) -> None:
        """Begin a join. A member that was admitted before waits again."""
        self._discard(member)
        self._waiting[member] = deque(maxlen=WAITING_MAX)

    def admit(self, member: Member, visit: Visit, joined: Joined) -> bool:
        """End a join: send `joined`, what was missed (or that it can't be told), then what happened since `enter`.

        Returns False and does nothing if the member has left meanwhile.
        """
        waiting = self._waiting.pop(member, None)
        if waiting is None:
            return False
        self._members.setdefault(member.format, {})[member] = visit
        member.tell(joined)
        if joined.is_resumed and visit.place is not None:
            member.catch_up(self.ring.since(visit.place, member.format))
        elif visit.place is not None:
            member.tell(Reset(self.channel_id, joined.epoch, joined.last_seq))
        if waiting:
            member.send(member.format.encode(list(waiting)))
        return True

    def leave(self, member: Member) -> None:
        """Take a member out, admitted or not."""
        self._discard(member)
        self._waiting.pop(member, None)

    def _discard(self, member: Member) -> None:
        self._moderators.pop(member, None)
        members = self._members.get(member.format)
        if members is not None:
            members.pop(member, None)
            if not members:
                del self._members[member.format]

    # --- moderators ---

    def appoint(self, member: Member, *, is_fixed: bool) -> None:
        """Let a member that was admitted hear what is for moderators."""
        self._moderators[member] = is_fixed

    def change_role(self, user: UserId, role: Role) -> None:
        """Follow a change of somebody's role."""
        for member, visit in self.visits():
            if member.user_id != user:
                continue
            may = visit.identity is not None and visit.identity.may("chat:moderate")
            if role in ("moderator", "broadcaster") and may:
                self._moderators.setdefault(member, False)
            elif self._moderators.get(member) is False:
                del self._moderators[member]

    def moderates(self, member: Member) -> bool:
        """Whether a member hears what is for moderators."""
        return member in self._moderators

    def moderators_and(self, user: UserId | None) -> list[Member]:
        """Return the moderators, and everybody who is this account."""
        found = set(self._moderators)
        if user is not None:
            found |= {m for members in self._members.values() for m in members if m.user_id == user}
        return list(found)

    # --- events ---

    def add(self, event: RoomEvent) -> None:
        """Note what the members are to be sent in the next pass."""
        self._pending.append(event)

    def reset(self, place: Position) -> None:
        """Note that the members are to begin anew from here."""
        message = Reset(self.channel_id, place.epoch, place.seq)
        event = RoomEvent.of_state(message)
        event.seq, event.epoch = place.seq, place.epoch
        self._pending.append(event)

    def take(self) -> Sequence[RoomEvent]:
        """Return what is pending. It counts as sent from now on."""
        taken, self._pending = self._pending, []
        for event in taken:
            if event.kind == Reset.__struct_config__.tag:
                self.ring.clear(Position(event.epoch, event.seq))
            elif event.seq:
                self.ring.append(event)
            else:
                for waiting in self._waiting.values():
                    waiting.append(event)
        return taken

    @property
    def has_pending(self) -> bool:
        """Whether there is something for the next pass."""
        return bool(self._pending)
