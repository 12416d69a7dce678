"""An open event socket as a member of rooms: its transport is written to directly, with frames that many share."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Final

from chat.people import Identity
from chat.rooms.formats import FramePerEvent, FramePerTick
from schemas.ids import ChannelId, UserId
from schemas.socket import ServerMessage

UNSENT_MAX: Final = 256 * 1024
"""A reader that is this far behind is dropped; it comes back and goes on where it was."""
KERNEL_BUFFER: Final = 64 * 1024
"""Else the kernel would hide a stalled reader behind megabytes of buffer."""
UNACKNOWLEDGED_MS: Final = 30_000
"""A peer that takes nothing any more (TCP_USER_TIMEOUT)."""


class Wire:
    """One socket. Whoever stops reading is found by what is unsent, or by pings without pongs (`heartbeat.py`)."""

    __slots__ = (
        "_on_drop",
        "_owed",
        "_transport",
        "format",
        "hidden",
        "identity",
        "on_expelled",
        "rechecked_at",
        "seen_at",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        format_: FramePerEvent | FramePerTick,
        identity: Identity | None,
        *,
        on_drop: Callable[[str], None],
        now: float,
    ) -> None:
        self._transport = transport
        self._on_drop = on_drop
        self.on_expelled: Callable[[ChannelId], None] = _ignore
        self._owed = UNSENT_MAX
        self.format = format_
        self.identity = identity
        self.hidden: set[str] = _NOTHING
        self.seen_at = now
        """When (monotonic, s) something came from the client last."""
        self.rechecked_at = now
        """When its identity was last found to hold."""

    @property
    def user_id(self) -> UserId | None:
        """Whose socket it is."""
        return self.identity.person.id if self.identity else None

    def send(self, content: bytes) -> None:
        """Write whole frames; drop the connection if its reader is too slow."""
        transport = self._transport
        if transport.is_closing():  # uvloop raises on a write to a closed transport
            return
        unsent = transport.get_write_buffer_size()
        if unsent > UNSENT_MAX and unsent > self._owed:
            self.drop("slow reader")
            return
        transport.write(content)

    def catch_up(self, parts: Sequence[bytes]) -> None:
        """Write what was missed; only what is more than that counts as being behind, until it was read."""
        if not parts:
            return
        self._owed = UNSENT_MAX + self._transport.get_write_buffer_size() + sum(len(part) for part in parts)
        for part in parts:
            self.send(part)

    def settle(self) -> None:
        """What was missed has been read, perhaps: nothing more is owed then."""
        if self._owed > UNSENT_MAX and self._transport.get_write_buffer_size() <= UNSENT_MAX:
            self._owed = UNSENT_MAX

    def tell(self, message: ServerMessage) -> None:
        """Write what is for this socket alone."""
        self.send(self.format.answer(message))

    def expelled(self, channel_id: ChannelId) -> None:
        """Forget the channel and say so."""
        self.on_expelled(channel_id)

    def drop(self, why: str) -> None:
        """Cut the connection."""
        if not self._transport.is_closing():
            self._on_drop(why)
            self._transport.abort()

    def dropped(self, why: str) -> None:
        """Count that it is closed for this."""
        self._on_drop(why)


def _ignore(_channel_id: ChannelId) -> None:
    """What a socket does that nobody converses with."""


_NOTHING: set[str] = set()
"""Of all sockets: they hide nothing."""


def tune(transport: asyncio.Transport) -> None:
    """Have the kernel give up on a reader that is away as soon as we do."""
    connection = transport.get_extra_info("socket")
    if connection is None:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
