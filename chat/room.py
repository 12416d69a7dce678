"""The sockets of one process that follow one channel."""

from collections import deque
from typing import Protocol

from schemas.ids import ChannelId, SessionId

WAITING_MAX = 256
"""Events kept for a socket whose `joined` is on its way. Older ones go first: the last ones say how things are."""


class Member(Protocol):
    """A socket, as a room needs it."""

    def send(self, frame: bytes) -> None:
        """Write a whole frame without waiting; must not raise, whatever the state of the socket."""


class Room:
    """A socket first enters, and what happens from then on waits; once it is admitted it gets `joined` and the rest."""

    def __init__(self, channel_id: ChannelId) -> None:
        self.channel_id = channel_id
        self.live_session: SessionId | None = None
        """The session on the air, as the members were last told."""
        self.is_interrupted = False
        """Whether its publisher is gone for now, as the members were last told."""
        self.turns = 0
        """How often any of that has changed while the room exists."""
        self._members: set[Member] = set()
        self._waiting: dict[Member, deque[bytes]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here or about to be."""
        return not self._members and not self._waiting

    def enter(self, member: Member) -> None:
        """Begin a join. A member that was admitted before waits again."""
        self._members.discard(member)
        self._waiting[member] = deque(maxlen=WAITING_MAX)

    def admit(self, member: Member, joined: bytes) -> None:
        """End a join: send the state, then what happened since `enter`. Nothing, if it has left meanwhile."""
        waiting = self._waiting.pop(member, None)
        if waiting is None:
            return
        self._members.add(member)
        for frame in (joined, *waiting):
            member.send(frame)

    def leave(self, member: Member) -> None:
        """Take a member out, admitted or not."""
        self._members.discard(member)
        self._waiting.pop(member, None)

    def broadcast(self, frame: bytes) -> None:
        """Send one frame to everybody."""
        for member in tuple(self._members):
            member.send(frame)
        for waiting in self._waiting.values():
            waiting.append(frame)
