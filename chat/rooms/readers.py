"""Takes members out of rooms that they may not read any more: a channel was made private, access was taken back."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from chat.log.calls import Trouble
from chat.rooms.formats import Member
from chat.rooms.joining import Joining
from chat.rooms.room import Room, Visit
from schemas.errors import ApiError
from schemas.ids import ChannelId

PAUSE_S: Final = 3.0
"""After a check that a database did not answer."""
Expel = Callable[[Member, ChannelId], None]


class Readers:
    """Looks at a channel's readers again when told that it was changed. One per hub."""

    def __init__(
        self,
        rooms: Mapping[ChannelId, Room],
        joining: Joining,
        expel: Expel,
        trouble: Trouble,
        *,
        failures: tuple[type[Exception], ...],
    ) -> None:
        self._rooms = rooms
        self._joining = joining
        self._expel = expel
        self._trouble = trouble
        self._failures: tuple[type[Exception], ...] = (*failures, ApiError)
        self._changed: set[ChannelId] = set()
        self._wake = asyncio.Event()

    def doubt(self, channels: Iterable[ChannelId]) -> None:
        """Look at the readers of these channels soon; only open rooms matter, so there are not many."""
        self._changed.update(channel for channel in channels if channel in self._rooms)
        self._wake.set()

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._changed:
                channel = self._changed.pop()
                try:
                    await self.check(channel)
                except self._failures as error:
                    self._trouble("readers", error)
                    self._changed.add(channel)
                    await asyncio.sleep(PAUSE_S)

    async def check(self, channel: ChannelId) -> None:
        """Take out who may not read; asks once for everybody, then once for each account or address that is left."""
        room = self._rooms.get(channel)
        if room is None:
            return
        room.public_until = 0.0
        if await self._joining.is_public(room):
            return
        verdicts: dict[tuple[str, str], bool] = {}
        for member, visit in room.visits():
            who = _who(visit)
            if who not in verdicts:
                verdicts[who] = await self._joining.may_read(room, visit)
            if not verdicts[who]:
                self._expel(member, channel)


def _who(visit: Visit) -> tuple[str, str]:
    return (visit.identity.person.id if visit.identity else "", visit.key or "")
