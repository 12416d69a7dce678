"""What a target has not taken yet: bounded, and never in the way of the feed.

When it is full, all that waits is left out up to the next keyframe: a target that is too slow for the stream gets whole
GOPs with holes between them, instead of an ever later stream.
"""

import asyncio
from collections import deque

from media.links.messages import Break, Configure, Ended, FromFeed, Media
from media.packets import TrackKind

MAX_BYTES = 8 << 20
"""About 10 s of 6 Mbit/s."""

_VIDEO = TrackKind.VIDEO


class Backlog:
    """Between who reads the feed (`put`) and who sends (`get`), in one loop."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.dropped_packets = 0
        """That were left out."""
        self._max_bytes = max_bytes
        self._waiting: deque[FromFeed] = deque()
        self._bytes = 0
        self._has_video = False
        self._waits_for_keyframe = False
        self._has_more = asyncio.Event()

    @property
    def waiting_bytes(self) -> int:
        """How much media waits."""
        return self._bytes

    @property
    def has_more(self) -> bool:
        """Whether `get` would not wait."""
        return bool(self._waiting)

    def put(self, message: FromFeed) -> None:
        """Take the feed's next message."""
        if isinstance(message, Media):
            if not self._take(message):
                self.dropped_packets += 1
                return
        elif isinstance(message, Configure):
            self._has_video = self._has_video or message.config.kind is _VIDEO
        elif not isinstance(message, Break | Ended):
            return
        self._waiting.append(message)
        self._has_more.set()

    async def get(self) -> FromFeed:
        """Return the next that is to be sent, as soon as there is one."""
        while not self._waiting:
            self._has_more.clear()
            await self._has_more.wait()
        message = self._waiting.popleft()
        if isinstance(message, Media):
            self._bytes -= len(message.packet.data)
        return message

    def _take(self, media: Media) -> bool:
        packet = media.packet
        if self._bytes + len(packet.data) > self._max_bytes:
            self._leave_out()
        if self._waits_for_keyframe:
            if not (packet.kind is _VIDEO and packet.is_keyframe):
                return False
            self._waits_for_keyframe = False
        self._bytes += len(packet.data)
        return True

    def _leave_out(self) -> None:
        kept = [message for message in self._waiting if not isinstance(message, Media)]
        self.dropped_packets += len(self._waiting) - len(kept)
        self._waiting = deque(kept)
        self._bytes = 0
        self._waits_for_keyframe = self._has_video
