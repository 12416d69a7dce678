"""The last events of a channel, kept for sockets that come back: found by place, handed out in shared parts."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import islice
from operator import attrgetter
from typing import Final

from chat.log.places import Position
from chat.rooms.formats import Format, RoomEvent

EVENTS_MAX: Final = 5_000
"""Events of one room. Who missed more loads history, which is shorter."""
BYTES_MAX: Final = 4 * 1024 * 1024
"""Of the events of one room, as they are written."""
PART: Final = 64
"""Events of a part. A part is encoded once for all who missed it: after a restart thousands miss nearly the same."""
_seq = attrgetter("seq")


class Ring:
    """Events in their order; older ones go when there are too many. `base` is the place before the oldest.

    An epoch of "" in `base` is not known.
    """

    def __init__(self, base: Position, *, bytes_max: int = BYTES_MAX) -> None:
        self.base = base
        self.bytes_max = bytes_max
        self._events: deque[RoomEvent] = deque()
        self._start = 0
        """The number of the oldest event: parts are cut by these numbers, which count on when events go."""
        self._bytes = 0
        self._parts: dict[tuple[int, Format], bytes] = {}
        self.has_dropped = False
        """Whether older events had to go: nothing before them is taken any more."""

    def __len__(self) -> int:
        return len(self._events)

    @property
    def end(self) -> Position:
        """The place behind the newest event."""
        return _place(self._events[-1]) if self._events else self.base

    def append(self, event: RoomEvent) -> None:
        """Add the next event."""
        self._events.append(event)
        self._bytes += len(event.frame)
        while len(self._events) > EVENTS_MAX or self._bytes > self.bytes_max:
            self._drop_oldest()

    def prepend(self, events: Sequence[RoomEvent], base: Position) -> None:
        """Add what came before, as far as there is room. Does nothing unless it ends where the ring begins."""
        if not events or events[-1].seq != self.base.seq:
            return
        for event in reversed(events):
            if len(self._events) >= EVENTS_MAX or self._bytes + len(event.frame) > self.bytes_max:
                self.base = _place(event)
                self.has_dropped = True
                return
            self._events.appendleft(event)
            self._bytes += len(event.frame)
            self._start -= 1
            self._parts = {key: part for key, part in self._parts.items() if key[0] != self._start // PART}
        self.base = base

    def clear(self, base: Position) -> None:
        """Forget everything; what comes next follows on this place."""
        self.base = base
        self._events.clear()
        self._parts.clear()
        self._bytes = 0
        self.has_dropped = False

    def knows(self, place: Position) -> bool:
        """Whether everything since this place is here."""
        return self._find(place) is not None

    def since(self, place: Position, format_: Format) -> list[bytes]:
        """Return what happened since a place that `knows` knows, encoded."""
        first = self._find(place)
        assert first is not None
        stop = self._start + len(self._events)
        parts: list[bytes] = []
        while first < stop:
            until = min((first // PART + 1) * PART, stop)
            parts.append(self._encoded(first, until, format_))
            first = until
        return parts

    def message(self, message_id: str) -> RoomEvent | None:
        """Return the event with a message of this id, None if there is none or it was taken away since."""
        wanted = b'"message":{"id":"%s"' % message_id.encode()
        deleted = b'"messageId":"%s"' % message_id.encode()
        banned: list[RoomEvent] = []
        for event in reversed(self._events):
            if event.kind == "clear_chat" or (event.kind == "message_deleted" and deleted in event.frame):
                return None
            if event.kind in ("user_banned", "user_timed_out"):
                banned.append(event)
            elif event.message_id and wanted in event.frame:
                author = b'"userId":"%s"' % event.author_id.encode()
                return None if any(author in ban.frame for ban in banned) else event
        return None

    def _encoded(self, first: int, until: int, format_: Format) -> bytes:
        is_whole = until - first == PART
        number = first // PART
        if is_whole and (kept := self._parts.get((number, format_))) is not None:
            return kept
        offset = first - self._start
        part = format_.encode(list(islice(self._events, offset, offset + until - first)))
        if is_whole:
            self._parts[number, format_] = part
        return part

    def _find(self, place: Position) -> int | None:
        """Return the number of the first event behind a place."""
        index = bisect_right(self._events, place.seq, key=_seq)
        before = self.base if index == 0 else _place(self._events[index - 1])
        return self._start + index if before == place and place.epoch else None

    def _drop_oldest(self) -> None:
        event = self._events.popleft()
        self.has_dropped = True
        self.base = _place(event)
        self._bytes -= len(event.frame)
        self._start += 1
        if self._start % PART == 0 and self._parts:
            gone = self._start // PART - 1
            self._parts = {key: part for key, part in self._parts.items() if key[0] != gone}


def _place(event: RoomEvent) -> Position:
    return Position(event.epoch, event.seq)
