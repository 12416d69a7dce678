"""Makes a room's ring reach back to where a socket left off; asks Redis once for all who come, not once for each."""

from typing import Final

from chat.log.places import Position
from chat.rooms.flight import Flight
from chat.rooms.formats import RoomEvent
from chat.rooms.ring import EVENTS_MAX, Ring
from chat.rooms.tail import Log
from schemas.ids import ChannelId

READ_AT_ONCE: Final = 1_000


class Past:
    """What happened in a channel before this process followed it."""

    def __init__(self, channel: ChannelId, ring: Ring, log: Log) -> None:
        self._channel = channel
        self._ring = ring
        self._log = log
        self._reading = Flight("past of a room", self._read_back)
        self._tried: Position | None = None
        """The base of the ring that nothing more could be put before."""

    async def reach(self, place: Position) -> None:
        """Try to make the ring know a place. Raises `ApiError` UNAVAILABLE, TimeoutError."""
        ring = self._ring
        if ring.knows(place) or ring.has_dropped or place.seq > ring.base.seq:
            return
        if place.seq < ring.base.seq and self._tried != ring.base:
            await self._reading.wait()
        if place.seq == ring.base.seq and not ring.base.epoch:
            is_there = await self._log.has(self._channel, place.seq, place.epoch)
            if is_there and place.seq == ring.base.seq:
                ring.base = place

    def close(self) -> None:
        """Read no more."""
        self._reading.cancel()

    async def _read_back(self) -> None:
        ring = self._ring
        while len(ring) < EVENTS_MAX and not ring.has_dropped:
            base = ring.base
            entries = await self._log.before(self._channel, base.seq + 1, READ_AT_ONCE)
            if base == ring.base and entries:
                events = [RoomEvent.of_entry(self._channel, entry) for entry in entries]
                ring.prepend(events, Position("", entries[0].prev))
            if base == ring.base or len(entries) < READ_AT_ONCE:
                break
        self._tried = ring.base
