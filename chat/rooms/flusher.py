"""Sends what happened in the rooms of a process, in passes: the fuller the process, the more events share a write.

A write to a socket costs some 8 us, nearly all in the kernel and whatever its size up to a few KB; so the number of
writes is what is saved. In a quiet chat a pass begins at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from chat.log.calls import Trouble
from chat.rooms.formats import Format, Member, RoomEvent
from chat.rooms.room import Room

TICK_MIN_S: Final = 0.010
TICK_MAX_S: Final = 0.100
"""From the beginning of one pass to that of the next: 1.5 times what the last pass took, within these."""
TICK_OF_PASS: Final = 1.5
SLICE: Final = 1_000
"""Sockets written to before others get their turn (about 10 ms)."""


class Flusher:
    """One per process. `on_pass` is told how long (s) each pass took and how many members were written to."""

    def __init__(self, on_pass: Callable[[float, int], None], trouble: Trouble) -> None:
        self._on_pass = on_pass
        self._trouble = trouble
        self._rooms: dict[Room, None] = {}
        self._wake = asyncio.Event()
        self.tick_s = TICK_MIN_S

    def note(self, room: Room) -> None:
        """Flush this room in the next pass."""
        self._rooms[room] = None
        self._wake.set()

    async def run(self) -> None:
        """Flush until cancelled."""
        time = asyncio.get_running_loop().time
        due = 0.0
        while True:
            await self._wake.wait()
            if (wait_s := due - time()) > 0:
                await asyncio.sleep(wait_s)
            began = time()
            written = await self.flush()
            took_s = time() - began
            self.tick_s = min(max(TICK_MIN_S, TICK_OF_PASS * took_s), TICK_MAX_S)
            due = began + self.tick_s
            self._on_pass(took_s, written)

    async def flush(self) -> int:
        """Send all that is pending now; return how many members were written to."""
        self._wake.clear()
        rooms, self._rooms = self._rooms, {}
        written = 0
        for room in rooms:
            written += await self._flush(room)
        return written

    async def _flush(self, room: Room) -> int:
        events = room.take()
        members = room.members()  # as of now: who is admitted while this runs has it from the ring
        written = 0
        for kind, group in members.items():
            content = self._encoded(kind, events)
            if not content:
                continue
            for start in range(0, len(group), SLICE):
                if start:
                    await asyncio.sleep(0)
                self._write(group[start : start + SLICE], content, events, kind)
            written += len(group)
        return written

    def _encoded(self, kind: Format, events: Sequence[RoomEvent]) -> bytes:
        try:
            return kind.encode(events)
        except Exception as error:  # of one format: the others, and what comes next, go on
            self._trouble("chat format", error)
            return b""

    def _write(self, group: Sequence[Member], content: bytes, events: Sequence[RoomEvent], kind: Format) -> None:
        for member in group:
            try:
                if member.hidden:
                    self._write_without_hidden(member, content, events, kind)
                else:
                    member.send(content)
            except Exception as error:  # of one connection: those behind it are not to miss anything
                self._trouble("chat write", error)

    def _write_without_hidden(self, member: Member, content: bytes, events: Sequence[RoomEvent], kind: Format) -> None:
        """Leave out what the member is not to be sent: IRC clients show by themselves what they said."""
        hidden = member.hidden & {event.message_id for event in events}
        if not hidden:
            member.send(content)
            return
        member.hidden.difference_update(hidden)
        rest = self._encoded(kind, [event for event in events if event.message_id not in hidden])
        if rest:
            member.send(rest)
