"""How events are written for clients of a kind: one JSON object per frame, a JSON array per frame; IRC adds its own.

A room encodes what happened once per format, whatever the number of members, so a format is one shared object.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from chat.entry import SPOKEN, Entry, text
from chat.rooms.frames import encode, frame, head
from schemas.ids import ChannelId, UserId
from schemas.socket import ChannelEvent, LoggedEvent, Reset, ServerMessage

RoomMessage = LoggedEvent | ChannelEvent | Reset


class RoomEvent:
    """What all members of a room are to get: an entry of the log, or how things are right now (`seq` 0)."""

    __slots__ = ("_event", "_head", "channel_id", "epoch", "frame", "kind", "seq")

    def __init__(self, channel_id: ChannelId, kind: str, json: bytes, *, seq: int = 0, epoch: str = "") -> None:
        self.channel_id = channel_id
        self.kind = kind
        self.seq = seq
        self.epoch = epoch
        start = head(len(json))
        self.frame: Final = start + json
        self._head = len(start)
        self._event: RoomMessage | None = None

    @classmethod
    def of_entry(cls, channel_id: ChannelId, entry: Entry) -> "RoomEvent":
        """Return an entry of the log as an event."""
        return cls(channel_id, entry.kind, text(entry), seq=entry.seq, epoch=entry.epoch)

    @classmethod
    def of_state(cls, message: ChannelEvent | Reset) -> "RoomEvent":
        """Return what has no place in the log as an event."""
        kind = type(message).__struct_config__.tag
        assert isinstance(kind, str)
        made = cls(message.channel_id, kind, msgspec.json.encode(message))
        made._event = message
        return made

    @property
    def json(self) -> bytes:
        """The event as JSON."""
        return self.frame[self._head :]

    @property
    def event(self) -> RoomMessage:
        """The event decoded, once for all formats that ask. Raises `msgspec.ValidationError` for unknown kinds."""
        if self._event is None:
            self._event = _decoder.decode(self.json)
        return self._event

    @property
    def message_id(self) -> str:
        """The id of the message that it holds, "" for none."""
        return self._of_message(b'"message":{"id":"')

    @property
    def author_id(self) -> str:
        """The account that said the message that it holds, "" for none."""
        return self._of_message(b'"userId":"')

    def _of_message(self, mark: bytes) -> str:
        if self.kind not in SPOKEN:
            return ""
        start = self.frame.find(mark)
        if start < 0:
            return ""
        start += len(mark)
        return self.frame[start : self.frame.index(b'"', start)].decode("ascii", "replace")


_decoder: Final[msgspec.json.Decoder[LoggedEvent]] = msgspec.json.Decoder(LoggedEvent)


class Format(Protocol):
    """A way of writing. Hashable by identity: one object for all members that are written to in the same way."""

    def encode(self, events: Sequence[RoomEvent]) -> bytes:
        """Return what is written for these events, in order; b"" if nothing is. Must not raise.

        Called once for everybody with this format, and for parts of the past, which are kept: it may depend on
        nothing but the events.
        """


class Member(Protocol):
    """Somebody in a room: a socket, an IRC connection. The same object for all rooms it is in."""

    @property
    def format(self) -> Format:
        """How it is written to; stays the same while it is in a room (leave and join to change it)."""

    @property
    def user_id(self) -> UserId | None:
        """Who it is, None for anonymous."""

    @property
    def hidden(self) -> set[str]:
        """Ids of messages that this member is not sent, taken out once they went by. Its owner bounds it."""

    def send(self, content: bytes) -> None:
        """Write without waiting; must not raise, whatever the state of the connection."""

    def catch_up(self, parts: Sequence[bytes]) -> None:
        """Write what was missed, which may be more than a reader is else allowed to be behind; must not raise."""

    def tell(self, message: ServerMessage) -> None:
        """Write what is for this member alone (`joined` comes so, before all of the room); must not raise."""

    def expelled(self, channel_id: ChannelId) -> None:
        """Know that it was taken out of a room, which it may not read any more; must not raise."""


class FramePerEvent:
    """One WebSocket frame for each event."""

    def encode(self, events: Sequence[RoomEvent]) -> bytes:
        """Return the frames."""
        return b"".join([event.frame for event in events])

    def answer(self, message: ServerMessage) -> bytes:
        """Return the frame of what is for one client."""
        return encode(message)


class FramePerTick:
    """`?batch=1`: every frame is a JSON array of events, which costs a browser one call instead of many."""

    def encode(self, events: Sequence[RoomEvent]) -> bytes:
        """Return one frame."""
        return frame(b"[" + b",".join([event.json for event in events]) + b"]")

    def answer(self, message: ServerMessage) -> bytes:
        """Return the frame of what is for one client."""
        return frame(b"[" + msgspec.json.encode(message) + b"]")


FRAME_PER_EVENT: Final = FramePerEvent()
FRAME_PER_TICK: Final = FramePerTick()
