"""What people are to channels: read in batches, believed for a while, forgotten when the log says it changed."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from chat.entry import Entry, event
from chat.people import Person, Standing
from chat.speech.colors import color_of
from chat.store import Database, people
from chat.store.people import StandingRow
from schemas.chat import Badge, You
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId
from schemas.socket import NewSubscriber, RoleChanged

BELIEVED_S: Final = 30.0
"""Follows and subscriptions are made elsewhere; this late they are seen, unless a refusal asks earlier."""
DOUBTED_S: Final = 1.0
"""How old an answer must be for a refusal to doubt it."""
KEPT_MAX: Final = 20_000
"""Standings in memory, some 400 bytes each; beyond it the one that was used the longest ago goes."""
WAITING_MAX: Final = 10_000
"""Beyond it people are asked to come back."""
BATCH_MAX: Final = 500
"""Of one query: all who come while the last one runs, as in a storm of reconnections."""
ANSWER_S: Final = 5.0
RETRY_AFTER_MS: Final = 2_000
NOBODY: Final = You(None, None, "viewer", [], "", False, None, 0, None, False)
"""What anonymous visitors are."""

Pair = tuple[ChannelId, UserId]


class Kept(msgspec.Struct, frozen=True):
    """A standing, and when (monotonic, s) it was read."""

    standing: Standing
    read_at: float


class Standings:
    """One per process. `now` is a monotonic clock in seconds."""

    def __init__(self, db: Database, now: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._now = now
        self._kept: OrderedDict[Pair, Kept] = OrderedDict()
        self._waiting: dict[Pair, asyncio.Future[Standing]] = {}
        self._asked: set[Pair] = set()
        self._reader: asyncio.Task[None] | None = None

    async def of(self, person: Person, channel: ChannelId) -> Standing:
        """Return what somebody is to a channel. Raises NOT_FOUND without such a channel (or account any more),
        UNAVAILABLE when too many ask, TimeoutError and what databases raise.
        """
        pair = (channel, person.id)
        kept = self._kept.get(pair)
        if kept is not None and self._now() - kept.read_at < BELIEVED_S:
            self._kept.move_to_end(pair)
            return kept.standing
        return await self._read(pair)

    async def again(self, person: Person, channel: ChannelId) -> Standing | None:
        """Return the standing as it is now, when what is believed is old enough to be doubted; else None."""
        pair = (channel, person.id)
        kept = self._kept.get(pair)
        if kept is not None and self._now() - kept.read_at < DOUBTED_S:
            return None
        self._kept.pop(pair, None)
        return await self._read(pair)

    async def you(self, person: Person | None, channel: ChannelId, banned_until: int | None) -> You:
        """Return what the one who joins is told; `banned_until` in ms, 0 is for ever. Raises as `of`."""
        if person is None:
            return NOBODY
        standing = await self.of(person, channel)
        followed_at = standing.followed_at_ms
        return You(
            user_id=person.id,
            username=person.username,
            role=standing.role,
            badges=standing.badges,
            color=color_of(person),
            is_following=followed_at is not None,
            followed_at=followed_at,
            subscription_tier=standing.subscription_tier,
            banned_until=banned_until,
            may_chat=banned_until is None,
        )

    def chatted(self, person: Person, channel: ChannelId) -> None:
        """Remember that somebody has said something, before the database can tell."""
        kept = self._kept.get((channel, person.id))
        if kept is not None and not kept.standing.has_chatted:
            standing = msgspec.structs.replace(kept.standing, has_chatted=True)
            self._kept[channel, person.id] = Kept(standing, kept.read_at)

    def forget(self, channel: ChannelId, user: UserId) -> None:
        """Read it again the next time."""
        self._kept.pop((channel, user), None)
        self._asked.discard((channel, user))

    async def close(self) -> None:
        """End what is under way."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def observe(self, channel: ChannelId, entry: Entry) -> None:
        """Forget what an entry of the channel's log changes: for `Hub.watch`."""
        if entry.kind not in ("role_changed", "new_subscriber"):
            return
        told = event(entry)
        if isinstance(told, RoleChanged | NewSubscriber):
            self.forget(channel, told.user_id)

    async def _read(self, pair: Pair) -> Standing:
        waiting = self._waiting.get(pair)
        if waiting is None:
            if len(self._waiting) >= WAITING_MAX:
                message = "Too many people came at once. Try again."
                raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
            waiting = self._waiting[pair] = asyncio.get_running_loop().create_future()
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_all(), name="standings")
        async with asyncio.timeout(ANSWER_S):
            return await asyncio.shield(waiting)

    async def _read_all(self) -> None:
        """Read all that wait, a batch at a time: those who come meanwhile are the next batch."""
        while self._waiting:
            batch = dict(list(self._waiting.items())[:BATCH_MAX])
            self._asked = set(batch)
            try:
                rows = await people.standings(self._db, list(batch))
            except Exception as error:  # whatever it is, it is the answer to all who wait
                self._fail(batch, error)
                continue
            finally:
                for pair in batch:
                    self._waiting.pop(pair, None)
            self._answer(batch, {(row.channel_id, row.user_id): row for row in rows})

    def _answer(self, batch: dict[Pair, asyncio.Future[Standing]], rows: dict[Pair, StandingRow]) -> None:
        for pair, waiting in batch.items():
            row = rows.get(pair)
            if row is None:
                _settle(waiting, ApiError(ErrorCode.NOT_FOUND, "There is no such channel."))
                continue
            standing = standing_of(row)
            if pair in self._asked:  # else somebody changed it while it was read
                self._keep(pair, standing)
            _settle(waiting, standing)

    def _fail(self, batch: dict[Pair, asyncio.Future[Standing]], error: Exception) -> None:
        for waiting in batch.values():
            _settle(waiting, error)

    def _keep(self, pair: Pair, standing: Standing) -> None:
        self._kept[pair] = Kept(standing, self._now())
        self._kept.move_to_end(pair)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


def _settle(waiting: asyncio.Future[Standing], outcome: Standing | Exception) -> None:
    if waiting.done():
        return
    if isinstance(outcome, Exception):
        waiting.set_exception(outcome)
        waiting.exception()  # seen, also when all who waited have left
    else:
        waiting.set_result(outcome)


def standing_of(row: StandingRow) -> Standing:
    """Return the standing with the badges that show it, the weightiest first."""
    badges: list[Badge] = []
    if row.is_admin:
        badges.append(Badge("staff"))
    if row.role != "viewer":
        badges.append(Badge(row.role))
    if row.subscription_tier:
        badges.append(Badge("subscriber", row.subscribed_months))
    if row.is_bot:
        badges.append(Badge("bot"))
    return Standing(
        row.role,
        badges,
        row.followed_at_ms,
        row.subscription_tier,
        row.subscribed_months,
        row.has_chatted,
        row.is_admin,
    )
