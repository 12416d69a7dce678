"""The bounded queues between the child's threads."""

import time
from collections import deque
from threading import Condition
from typing import Generic, TypeVar

from media.packets import VIDEO_TIMESCALE
from media.transcode.messages import Break, Configure, Finish, Media

MAX_BACKLOG = 2 * VIDEO_TIMESCALE
MAX_BACKLOG_BYTES = 32 << 20
MAX_BACKLOG_ITEMS = 1024
MAX_STEP = VIDEO_TIMESCALE // 4
"""Media that one packet counts for at most: a break or a pause in the stamps is nothing that waits."""

Item = TypeVar("Item")


class Closed(Exception):
    """Nothing more comes out, or goes in."""


class Intake:
    """What was read and not yet decoded, of one track. Full (2 s of media): the reader waits, and so does ingest."""

    def __init__(self, timescale: int = VIDEO_TIMESCALE) -> None:
        self._items: deque[Media | Configure | Break | Finish] = deque()
        self._changed = Condition()
        self._bytes = 0
        self._newest: int | None = None
        self._steps: deque[int] = deque()  # of the media in _items
        self._span = 0
        self._max_backlog = MAX_BACKLOG * timescale // VIDEO_TIMESCALE
        self._max_step = MAX_STEP * timescale // VIDEO_TIMESCALE

    def put(self, item: Media | Configure | Break | Finish) -> None:
        """Add; wait while it is full. That wait has no end of its own: the watchdog of ingest sees it."""
        with self._changed:
            while self._is_full():
                self._changed.wait(1)
            self._items.append(item)
            if isinstance(item, Media):
                self._bytes += len(item.packet.data)
                dts = item.packet.dts
                step = 0 if self._newest is None else min(max(dts - self._newest, 0), self._max_step)
                self._newest = dts
                self._steps.append(step)
                self._span += step
            self._changed.notify_all()

    def get(self) -> Media | Configure | Break | Finish:
        """Take the oldest; wait for one."""
        with self._changed:
            while not self._items:
                self._changed.wait(1)
            item = self._items.popleft()
            if isinstance(item, Media):
                self._bytes -= len(item.packet.data)
                self._span -= self._steps.popleft()
            self._changed.notify_all()
            return item

    def backlog(self) -> int:
        """How much media waits, in the track's time base."""
        with self._changed:
            return self._waiting()

    def _waiting(self) -> int:
        return self._span - self._steps[0] if self._steps else 0  # from the oldest on, not up to it

    def _is_full(self) -> bool:
        return (
            len(self._items) >= MAX_BACKLOG_ITEMS
            or self._bytes >= MAX_BACKLOG_BYTES
            or self._waiting() >= self._max_backlog
        )


class Hopper(Generic[Item]):
    """A queue of a few pictures before an encoder. What is marked as kept is never thrown out."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._items: deque[tuple[Item, bool]] = deque()
        self._changed = Condition()
        self._is_closed = False

    def offer(self, item: Item, *, is_kept: bool, wait_s: float) -> int:
        """Add, waiting for a place up to `wait_s`. Return how many pictures fell out: this one, or one for it."""
        deadline = time.monotonic() + wait_s
        with self._changed:
            while len(self._items) >= self._places and not self._is_closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            if self._is_closed:
                return 0
            lost = 0
            if len(self._items) >= self._places:
                if not is_kept:
                    return 1
                lost = self._make_room()
            self._items.append((item, is_kept))
            self._changed.notify_all()
            return lost

    def take(self) -> Item:
        """Take the oldest, waiting for one. Raises `Closed` when it is closed and empty."""
        with self._changed:
            while not self._items:
                if self._is_closed:
                    raise Closed
                self._changed.wait(1)
            item, _ = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self, *, is_emptied: bool = False) -> None:
        """Let nothing more in; `is_emptied` throws out what waits."""
        with self._changed:
            self._is_closed = True
            if is_emptied:
                self._items.clear()
            self._changed.notify_all()

    def _make_room(self) -> int:
        for place, (_, is_kept) in enumerate(self._items):
            if not is_kept:
                del self._items[place]
                return 1
        return 0  # keyframes only, which are a second apart: one more place


class Batch(Generic[Item]):
    """What several threads give to one that writes: everything that is there, at once, not too often."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._items: list[Item] = []
        self._changed = Condition()
        self._is_closed = False

    def put(self, item: Item) -> None:
        """Add; wait while it is full (the pipe is, because ingest does not read)."""
        with self._changed:
            while len(self._items) >= self._places and not self._is_closed:
                self._changed.wait(1)
            if not self._is_closed:
                self._items.append(item)
            self._changed.notify_all()

    def put_last(self) -> None:
        """Let nothing more in after this."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def is_over(self) -> bool:
        """Tell whether everything was taken and nothing more comes."""
        with self._changed:
            return self._is_closed and not self._items

    def take_all(self, gather_s: float) -> list[Item]:
        """Wait for something, then for `gather_s` more; return all there is: nothing at the end only."""
        with self._changed:
            while not self._items and not self._is_closed:
                self._changed.wait(1)
        time.sleep(gather_s)
        with self._changed:
            items, self._items = self._items, []
            self._changed.notify_all()
        return items
