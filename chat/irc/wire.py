"""An open connection of an IRC client as a member of rooms, over TCP or in the frames of a WebSocket."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from chat.irc.formats import IrcFormat
from chat.people import Identity
from chat.rooms import frames
from chat.sockets.wire import UNSENT_MAX
from schemas.ids import ChannelId, UserId
from schemas.socket import ServerMessage

HIDDEN_MAX: Final = 32
"""Messages of the client itself that have not come by yet."""


class IrcWire:
    """A member; who it is and how it is written to are set by its owner. What is told goes to `on_told`."""

    def __init__(
        self, transport: asyncio.Transport, format_: IrcFormat, *, is_websocket: bool, on_drop: Callable[[str], None]
    ) -> None:
        self._transport = transport
        self._is_websocket = is_websocket
        self._on_drop = on_drop
        self.on_told: Callable[[ServerMessage], None] = _ignore
        self.on_expelled: Callable[[ChannelId], None] = _ignore
        self.format = format_
        self.identity: Identity | None = None
        self.hidden: set[str] = set()
        self._hidden_since: deque[str] = deque(maxlen=HIDDEN_MAX)

    @property
    def user_id(self) -> UserId | None:
        """Whose connection it is."""
        return self.identity.person.id if self.identity else None

    def hide(self, message_id: str) -> None:
        """Do not write this message when it comes by; of too many that never did the oldest is forgotten."""
        if len(self._hidden_since) == HIDDEN_MAX:
            self.hidden.discard(self._hidden_since[0])
        self._hidden_since.append(message_id)
        self.hidden.add(message_id)

    def send(self, content: bytes) -> None:
        """Write whole lines; drop the connection if its reader is too slow."""
        transport = self._transport
        if not content or transport.is_closing():  # uvloop raises on a write to a closed transport
            return
        if transport.get_write_buffer_size() > UNSENT_MAX:
            self.drop("slow reader")
            return
        if self._is_websocket:
            transport.write(frames.head(len(content)))
        transport.write(content)

    def catch_up(self, parts: Sequence[bytes]) -> None:
        """Write what was missed while the way of writing changed: next to nothing."""
        for part in parts:
            self.send(part)

    def tell(self, message: ServerMessage) -> None:
        """Hand on what is for this client alone."""
        self.on_told(message)

    def expelled(self, channel_id: ChannelId) -> None:
        """Hand on that the client may not read a channel any more."""
        self.on_expelled(channel_id)

    def drop(self, why: str) -> None:
        """Cut the connection."""
        if not self._transport.is_closing():
            self._on_drop(why)
            self._transport.abort()


def _ignore(_told: object) -> None:
    """What a connection does with what it is told before anybody talks on it."""
