"""The process's memory of answers: bounded in bytes and entries, each entry for a limited time.

Two rules let entries go. Time: entries of one lifetime leave in the order they came. Space: the oldest entry goes,
unless it was asked for since it was looked at last; then it gets a second round. A hit costs one look-up in a dict.
"""

from collections import OrderedDict, deque
from typing import Final

from web.hls.entries import Entry

CAPACITY_BYTES: Final = 256 * 1024 * 1024
MAX_ENTRIES: Final = 20_000
MAX_ENTRY_BYTES: Final = 8 * 1024 * 1024
"""A larger body is answered but not kept: one segment of 32 Mb/s video would push out a hundred parts."""
ENTRY_OVERHEAD_BYTES: Final = 2048
"""What an entry costs beside its bodies: header sections of two codings, the objects around them."""


class Memory:
    """Entries by key. `now` is always seconds of one monotonic clock."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        self.capacity_bytes = capacity_bytes
        self.max_entries = max_entries
        self.used_bytes = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()  # a dict finds its first key ever slower
        self._queues: dict[float, deque[tuple[float, str]]] = {}  # keys, not entries: what is evicted must be freed

    @property
    def count(self) -> int:
        """How many entries are kept."""
        return len(self._entries)

    def find(self, key: str, now: float) -> Entry | None:
        """Return the entry if it may still be answered."""
        entry = self._entries.get(key)
        if entry is None or entry.expires_at <= now:
            return None
        entry.is_used = True
        return entry

    def put(self, entry: Entry, lifetime_s: float, now: float) -> None:
        """Keep an entry, in place of one with the same key."""
        cost = entry.size + ENTRY_OVERHEAD_BYTES
        if cost > min(MAX_ENTRY_BYTES, self.capacity_bytes):
            return
        self._drop(entry.key)
        entry.expires_at = now + lifetime_s
        self._entries[entry.key] = entry
        self.used_bytes += cost
        self._queues.setdefault(lifetime_s, deque()).append((entry.expires_at, entry.key))
        while self.used_bytes > self.capacity_bytes or len(self._entries) > self.max_entries:
            self._make_room()

    def sweep(self, now: float) -> None:
        """Let go of everything whose time is over."""
        for queue in self._queues.values():
            while queue and queue[0][0] <= now:
                _, key = queue.popleft()
                entry = self._entries.get(key)
                if entry is not None and entry.expires_at <= now:
                    self._drop(key)

    def _make_room(self) -> None:
        key, entry = next(iter(self._entries.items()))
        if entry.is_used:
            entry.is_used = False
            self._entries.move_to_end(key)
        else:
            self._drop(key)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.used_bytes -= entry.size + ENTRY_OVERHEAD_BYTES
