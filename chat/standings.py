"""What people are to channels: read in batches, believed for a while, forgotten when the log says it changed."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from chat.believed import Believed, Trouble
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
"""Standings in memory, some 400 bytes each."""
NOBODY: Final = You(None, None, "viewer", [], "", False, None, 0, None, False)
"""What anonymous visitors are."""
_ID: Final = re.compile(r"[A-Za-z0-9_]{1,64}")

Pair = tuple[ChannelId, UserId]


class Standings:
    """One per process. `now` is a monotonic clock in seconds."""

    def __init__(self, db: Database, trouble: Trouble, now: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._believed: Believed[Pair, Standing] = Believed(
            "standings", self._read, trouble, believed_s=BELIEVED_S, kept_max=KEPT_MAX, keeps_absent=False, now=now
        )

    async def of(self, person: Person, channel: ChannelId) -> Standing:
        """Return what somebody is to a channel.

        Raises NOT_FOUND without such a channel (or account any more), UNAVAILABLE when too many ask, TimeoutError and
        what databases raise.
        """
        # an id that can be none is not worth a query, and a NUL in it would spoil that of all others
        standing = await self._believed.of((channel, person.id)) if _ID.fullmatch(channel) else None
        if standing is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such channel.")
        return standing

    async def again(self, person: Person, channel: ChannelId) -> Standing | None:
        """Return the standing as it is now, when what is believed is old enough to be doubted; else None."""
        age_s = self._believed.age_s((channel, person.id))
        if age_s is not None and age_s < DOUBTED_S:
            return None
        self._believed.forget((channel, person.id))
        return await self.of(person, channel)

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
        self._believed.amend((channel, person.id), _has_chatted)

    def forget(self, channel: ChannelId, user: UserId) -> None:
        """Read it again the next time."""
        self._believed.forget((channel, user))

    def observe(self, channel: ChannelId, entry: Entry) -> None:
        """Forget what an entry of the channel's log changes: for `Hub.watch`."""
        if entry.kind not in ("role_changed", "new_subscriber"):
            return
        told = event(entry)
        if isinstance(told, RoleChanged | NewSubscriber):
            self.forget(channel, told.user_id)

    async def close(self) -> None:
        """End what is under way."""
        await self._believed.close()

    async def _read(self, pairs: list[Pair]) -> Mapping[Pair, Standing]:
        rows = await people.standings(self._db, pairs)
        return {(row.channel_id, row.user_id): standing_of(row) for row in rows}


def _has_chatted(standing: Standing) -> Standing:
    return standing if standing.has_chatted else msgspec.structs.replace(standing, has_chatted=True)


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
