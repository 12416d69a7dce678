"""What recordings and clips there are, and who may watch them: rows, asked for at most every few seconds and thing.

Unavailable      the database does not answer and nothing is remembered either
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from config.postgres import Pool
from schemas.access import Visibility
from schemas.ids import ChannelId, SessionId
from schemas.storage import ClipMade, clip_prefix
from web.failures import AWAY
from web.metrics import Troubles

FRESH_S: Final = 2.0
"""A row is believed for so long: a recording that was made private or deleted opens no more after it."""
STALE_S: Final = 60.0
"""While the database is away, a row that was found is believed for so long: viewers go on watching."""
MAX_REMEMBERED: Final = 4096
ASK_DEADLINE_S: Final = 3.0

Root = Literal["vods", "clips"]
"""What the path begins with."""


class Unavailable(Exception):
    """Ours: whether there is such a recording cannot be found out right now."""


class Cut(msgspec.Struct, frozen=True, gc=False):
    """What a clip is of its session; `made`: its own pieces and files, once there are some."""

    first_msn: int
    last_msn: int
    prefix: str
    made: ClipMade | None


class Shelved(msgspec.Struct, frozen=True, gc=False):
    """A recording, or with `cut` a clip."""

    id: str
    session_id: SessionId
    channel_id: ChannelId
    visibility: Visibility
    cut: Cut | None = None

    @property
    def scope(self) -> str:
        """Return what a token must be for (`schemas.access`)."""
        return f"{'vod' if self.cut is None else 'clip'}:{self.id}"


class Memo(msgspec.Struct):
    """A row, or that there is none, and when the database said so; doubtful once it could not be renewed."""

    item: Shelved | None
    asked_at: float
    is_doubtful: bool = False


class Shelf:
    """One per process. `now` is a monotonic clock in seconds."""

    def __init__(self, pool: Pool, troubles: Troubles, now: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._troubles = troubles
        self._now = now
        self._memos: dict[tuple[Root, str], Memo] = {}
        self._looks: dict[tuple[Root, str], asyncio.Task[Memo | Unavailable]] = {}
        self._decode = msgspec.json.Decoder(ClipMade).decode

    def recall(self, root: Root, item_id: str) -> Memo | None:
        """Return what is known well enough, without asking."""
        memo = self._memos.get((root, item_id))
        if memo is None:
            return None
        limit_s = STALE_S if memo.is_doubtful and memo.item is not None else FRESH_S
        return memo if self._now() - memo.asked_at < limit_s else None

    async def find(self, root: Root, item_id: str) -> Shelved | None:
        """Return the recording or clip, None when there is none (any more). Raises `Unavailable`."""
        memo = self.recall(root, item_id)
        if memo is not None and not memo.is_doubtful:
            return memo.item
        key = (root, item_id)
        look = self._looks.get(key)
        if look is None:
            look = self._looks[key] = asyncio.create_task(self._ask(root, item_id), name=f"shelf {root}/{item_id}")
            look.add_done_callback(lambda _: self._looks.pop(key, None))
        if memo is not None:
            return memo.item  # the look-up goes on beside: a player must not wait for each deadline anew
        # shielded: one waiter's leaving must not end the look-up of the others
        answer = await asyncio.shield(look)
        if isinstance(answer, Unavailable):
            raise answer
        return answer.item

    async def channel(self, channel: str) -> tuple[ChannelId, Visibility] | None:
        """Return the id of a channel, by id or name, and who may watch it live. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(ASK_DEADLINE_S):
                row = await self._pool.fetchrow(
                    "SELECT id, visibility FROM channels WHERE id = $1 OR name = $1", channel
                )
        except AWAY as error:
            self._troubles.note("shelf", error)
            raise Unavailable(f"shelf: {error!r}") from error
        return (ChannelId(row["id"]), row["visibility"]) if row else None

    async def _ask(self, root: Root, item_id: str) -> Memo | Unavailable:
        key = (root, item_id)
        try:
            async with asyncio.timeout(ASK_DEADLINE_S):
                item = await (self._vod(item_id) if root == "vods" else self._clip(item_id))
        except AWAY as error:
            self._troubles.note("shelf", error)
            memo = self._memos.get(key)
            if memo is None or memo.item is None or self._now() - memo.asked_at >= STALE_S:
                return Unavailable(f"shelf: {error!r}")
            memo.is_doubtful = True
            return memo
        self._memos.pop(key, None)
        memo = self._memos[key] = Memo(item, self._now())
        while len(self._memos) > MAX_REMEMBERED:
            del self._memos[next(iter(self._memos))]
        return memo

    async def _vod(self, vod: str) -> Shelved | None:
        row = await self._pool.fetchrow(
            "SELECT id, session_id, channel_id, visibility FROM vods WHERE id = $1 AND deleted_at IS NULL", vod
        )
        return Shelved(*row) if row else None

    async def _clip(self, clip: str) -> Shelved | None:
        row = await self._pool.fetchrow(
            "SELECT id, session_id, channel_id, visibility, first_msn, last_msn, made::text AS made FROM clips"
            " WHERE id = $1 AND deleted_at IS NULL",
            clip,
        )
        if row is None:
            return None
        made = None if row["made"] is None else self._decode(row["made"])
        cut = Cut(row["first_msn"], row["last_msn"], clip_prefix(row["channel_id"], row["id"]), made)
        return Shelved(row["id"], row["session_id"], row["channel_id"], row["visibility"], cut)

    async def close(self) -> None:
        """End the look-ups under way."""
        looks = list(self._looks.values())
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)
