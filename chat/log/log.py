"""The log of every channel: appends and reads.

An append is one script in Redis, so that what decides (bans, modes, rates, repeats) and the place that is given are one
step. Redis is the truth of the order; PostgreSQL of everything else (chat/keeping writes it down).
"""

from collections.abc import Sequence

from chat.entry import Entry
from chat.log.acts import Act
from chat.log.lines import Line
from chat.log.listener import Trouble
from chat.log.places import Held, Place, Position
from chat.log.recall import Recall
from schemas.ids import ChannelId, UserId


class ChatLog:
    """The logs in one Redis. `replicas`: how many must have an append before it is answered (WAIT).

    All methods raise `ApiError` UNAVAILABLE when Redis (or, for a channel that is cold, the database) does not answer
    within `CALL_S`. What was sent may then have taken effect or not: the same key or act id again is safe.
    """

    def __init__(self, redis_url: str, recall: Recall, trouble: Trouble, *, replicas: int = 0) -> None:
        self._recall = recall
        self._trouble = trouble

    async def run(self) -> None:
        """Serve the calls of the other methods until cancelled; calls made before wait."""
        raise NotImplementedError

    async def say(self, line: Line) -> Place | Held:
        """Append a message, or hold it.

        Raises `ApiError`: BANNED, TIMED_OUT, SUBSCRIBERS_ONLY, FOLLOWERS_ONLY, ACCOUNT_TOO_NEW, EMOTE_ONLY,
        RATE_LIMITED, SLOW_MODE, DUPLICATE_MESSAGE, with `retry_after_ms` where time helps. A refused message has not
        used its key.
        """
        raise NotImplementedError

    async def tell(self, act: Act) -> list[Place]:
        """Do an act: all its effects and events in one step, once. Returns the places of its events, `id` the act's."""
        raise NotImplementedError

    async def where(self, channel: ChannelId) -> Position:
        """Return the end of a log."""
        raise NotImplementedError

    async def heads(self, channels: Sequence[ChannelId]) -> dict[ChannelId, Position]:
        """Return the ends of many logs in one question. One that cannot be told now is left out."""
        raise NotImplementedError

    async def read(self, channel: ChannelId, after: int, limit: int) -> list[Entry]:
        """Return the first entries behind a number, ascending."""
        raise NotImplementedError

    async def before(self, channel: ChannelId, before: int | None, limit: int) -> list[Entry]:
        """Return the last entries before a number (None: the last of all), ascending."""
        raise NotImplementedError

    async def has(self, channel: ChannelId, seq: int, epoch: str) -> bool:
        """Return whether a log can be continued from there: it holds that entry, or begins behind it."""
        raise NotImplementedError

    async def ban_of(self, channel: ChannelId, user: UserId) -> int | None:
        """Return until when (ms) somebody may not chat, 0 for ever, None if they may."""
        raise NotImplementedError
