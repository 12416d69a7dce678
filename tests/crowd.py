"""Viewers of a low latency stream by the thousand: blocked reloads and parts, one kept-alive connection each."""

import asyncio
import gzip
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

HEADERS: Final = (
    "Host: {host}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) crowd\r\nAccept: */*\r\n"
    "Accept-Encoding: gzip, deflate, br\r\nCookie: viewer=crowd{number:08}\r\n\r\n"
)
ANSWER_DEADLINE_S: Final = 20.0
JOIN_BATCH: Final = 20
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_PART = re.compile(rb'#EXT-X-PART:[^\n]*URI="([^"]*-([0-9]+)-([0-9]+)\.m4s)"')
_HINT = re.compile(rb'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="[^"]*-([0-9]+)-([0-9]+)\.m4s"')
Position = tuple[int, int]


class Listing(msgspec.Struct):
    """What a playlist says: its parts by position, and the position to ask for next."""

    parts: list[tuple[Position, str]]
    following: Position


class Seen(msgspec.Struct):
    """What the crowd saw. `asked`: answers by path; `first`: when the first of them came, `later`: how much later the
    others did, in seconds."""

    answers: int = 0
    statuses: Counter[str] = msgspec.field(default_factory=Counter)
    asked: Counter[str] = msgspec.field(default_factory=Counter)
    first: dict[str, float] = msgspec.field(default_factory=dict)
    later: list[float] = msgspec.field(default_factory=list)

    def kinds(self) -> dict[str, int]:
        """How many different things were asked for: positions and parts."""
        positions = sum("_HLS_msn=" in path for path in self.asked)
        return {"playlist": positions, "part": sum(path.endswith(".m4s") for path in self.asked)}

    @property
    def errors(self) -> int:
        """Answers that were no 200, and connections that ended."""
        return self.statuses.total() - self.statuses["200"]


class Viewer(asyncio.Protocol):
    """One viewer: asks for a position, then for each new part in it, then for the next position."""

    def __init__(self, crowd: "Crowd", number: int) -> None:
        self._crowd = crowd
        self._headers = HEADERS.format(host=crowd.host, number=number)
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._path = ""
        self._asked_at = 0.0
        self._queue: list[str] = []
        self._newest: Position = (-1, -1)
        self._following: Position | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the plain playlist."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are none of asyncio's classes
        self._ask(self._crowd.playlist)

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back, as players do."""
        self._transport = None
        if not self._crowd.is_over:
            self._crowd.seen.statuses["closed"] += 1
            self._crowd.reconnect(self)

    def data_received(self, data: bytes) -> None:
        """Take a whole answer, then ask for what follows."""
        data = self._data = self._data + data if self._data else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(data, 0, end + 2)
        if length is None:  # an error that an edge writes as it goes
            self._crowd.took(self._path, data[9:12].decode())
            self.give_up()
            return
        if len(data) < end + 4 + int(length[1]):
            return
        self._data = b""
        self._take(data[9:12].decode(), data[:end], data[end + 4 :])

    def overdue(self, now: float) -> bool:
        """Whether an answer does not come."""
        return self._transport is not None and now - self._asked_at > ANSWER_DEADLINE_S

    def give_up(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _ask(self, path: str) -> None:
        self._path = path
        self._asked_at = time.monotonic()
        if self._transport is not None:
            self._transport.write(f"GET {path} HTTP/1.1\r\n{self._headers}".encode())

    def _take(self, status: str, head: bytes, body: bytes) -> None:
        self._crowd.took(self._path, status)
        if self._crowd.is_over:
            return
        if status != "200":
            self._queue.clear()
            asyncio.get_running_loop().call_later(0.25, self._ask, self._crowd.playlist)
            return
        if not self._path.endswith(".m4s"):
            listing = self._crowd.read(head, body)
            is_first = self._newest == (-1, -1)
            new = [(position, name) for position, name in listing.parts if position > self._newest]
            self._queue = [self._crowd.folder + name for _, name in (new[-1:] if is_first else new)]
            self._newest = max(self._newest, listing.parts[-1][0])
            self._following = listing.following
        self._go_on()

    def _go_on(self) -> None:
        if self._queue:
            self._ask(self._queue.pop(0))
        elif self._following is not None:
            msn, part = self._following
            self._ask(f"{self._crowd.playlist}?_HLS_msn={msn}&_HLS_part={part}")


class Crowd:
    """Viewers of one media playlist; `playlist` is its path at the server on `port`."""

    def __init__(self, port: int, playlist: str, *, is_timed: bool = True) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.playlist = playlist
        self.folder = playlist.rpartition("/")[0] + "/"
        self.seen = Seen()
        self.newest: Position = (-1, -1)
        """The newest part that all this saw listed."""
        self.is_over = False
        self._is_timed = is_timed
        self._viewers: list[Viewer] = []
        self._listings: dict[bytes, Listing] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def watch(
        self,
        count: int,
        duration_s: float,
        *,
        join_s: float = 1.0,
        at_ends: Callable[[int], None] = lambda sign: None,
    ) -> Seen:
        """Let so many viewers join little by little within `join_s`, then watch; return what all saw after that.

        `at_ends` is called with -1 when watching begins and with 1 when it ends.
        """
        self._viewers = [Viewer(self, number) for number in range(count)]
        try:
            for first in range(0, count, JOIN_BATCH):
                batch = self._viewers[first : first + JOIN_BATCH]
                await asyncio.gather(*map(self._connect, batch))
                await asyncio.sleep(join_s * len(batch) / count)
            self.seen = Seen()
            at_ends(-1)
            await self._watch_on(duration_s)
            at_ends(1)
        finally:
            self.is_over = True
            for viewer in self._viewers:
                viewer.give_up()
            for task in self._tasks:
                task.cancel()
        return self.seen

    async def _watch_on(self, duration_s: float) -> None:
        """For so long, and close what hangs."""
        ends = time.monotonic() + duration_s
        while (now := time.monotonic()) < ends:
            await asyncio.sleep(min(0.5, ends - now))
            for viewer in self._viewers:
                if viewer.overdue(now):
                    viewer.give_up()

    async def _connect(self, viewer: Viewer) -> None:
        await asyncio.get_running_loop().create_connection(lambda: viewer, "127.0.0.1", self.port)

    def reconnect(self, viewer: Viewer) -> None:
        """Connect a viewer anew in a moment."""
        task = asyncio.get_running_loop().create_task(self._return(viewer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _return(self, viewer: Viewer) -> None:
        while not self.is_over:
            await asyncio.sleep(0.25)
            try:
                await self._connect(viewer)
            except OSError:
                self.seen.statuses["refused"] += 1
            else:
                return

    def took(self, path: str, status: str) -> None:
        """Count an answer."""
        seen = self.seen
        seen.answers += 1
        seen.statuses[status] += 1
        seen.asked[path] += 1
        if self._is_timed:
            now = time.monotonic()
            seen.later.append(now - seen.first.setdefault(path, now))

    def read(self, head: bytes, body: bytes) -> Listing:
        """Read a playlist; all viewers get the same few, so each is read once."""
        listing = self._listings.get(body)
        if listing is None:
            text = gzip.decompress(body) if b"gzip" in head.lower() else body
            parts = [((int(msn), int(part)), name.decode()) for name, msn, part in _PART.findall(text)]
            hint = _HINT.search(text)
            assert hint is not None, text
            listing = self._listings[body] = Listing(parts, (int(hint[1]), int(hint[2])))
            self.newest = max(self.newest, parts[-1][0])
        return listing


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which that share of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
