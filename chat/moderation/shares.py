"""Lists of bans that one channel offers and another accepts: whom the one bans, the other bans too."""

from collections.abc import Iterator, Sequence
from typing import Final

from chat.log.acts import ACT_BANS_MAX
from chat.moderation import telling
from chat.moderation.actor import Actor, Done
from chat.moderation.desk import Case, Desk
from chat.store import bans, shares
from chat.store.shares import SHARES_MAX
from schemas.chat_api import BanShare
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId

AT_ONCE: Final = ACT_BANS_MAX // 2
"""Bans in one act, which hold Redis up while it is done."""


class Shares:
    """Offers, accepts and ends."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def offer(self, actor: Actor, channel: ChannelId, to: ChannelId) -> Done:
        """Offer this channel's list to another; it holds there once that has accepted. Raises `ApiError`."""
        _refuse_self(channel, to)

        async def work(case: Case) -> Done:
            offered, received = await shares.counts(case.connection, channel, to)
            if not await shares.offer(case.connection, channel, to):
                return Done("This is offered already.")
            if max(offered, received) >= SHARES_MAX:
                text = f"A channel offers {SHARES_MAX} lists and is offered {SHARES_MAX} at most."
                raise ApiError(ErrorCode.CONFLICT, text)
            return await case.record("offer", "The list is offered.", details={"channel": to})

        return await self._desk.do("offer", actor, channel, work, also=[to])

    async def accept(self, actor: Actor, channel: ChannelId, source: ChannelId) -> Done:
        """Have another channel's list hold here too: its present bans, quietly, and those to come.

        Raises `ApiError`; NOT_FOUND when it is not offered.
        """
        _refuse_self(channel, source)

        async def work(case: Case) -> Done:
            is_new = await shares.accept(case.connection, source, channel)
            if is_new is None:
                raise ApiError(ErrorCode.NOT_FOUND, "That channel does not offer its list to this one.")
            if not is_new:
                return Done("This list is accepted already.")
            users = await bans.copy(case.connection, source, channel, case.actor.id)
            notice = f"The list holds here now; {len(users)} of it were not banned yet."
            done = await case.record("accept", notice, details={"channel": source, "bans": str(len(users))})
            for some in _parts(users):
                await case.record("shared", "", [telling.quietly(dict.fromkeys(some, 0))], details={"list": source})
            return done

        return await self._desk.do("accept", actor, channel, work, also=[source])

    async def end(self, actor: Actor, channel: ChannelId, source: ChannelId, to: ChannelId) -> Done:
        """Share a list no more, as either side (`channel`); what came with it is lifted. Raises `ApiError`."""
        assert channel in (source, to)

        async def work(case: Case) -> Done:
            if not await shares.end(case.connection, source, to):
                return Done("This list is not shared.")
            lifted = [user for _, user in await bans.lift_shared(case.connection, source, [to])]
            other = source if channel == to else to
            done = await case.record("end", "The list is shared no more.", details={"channel": other})
            for some in _parts(lifted):
                details = {"list": source}
                await case.record("unshared", "", [telling.quietly({}, some)], channel=to, details=details)
            return done

        return await self._desk.do("end", actor, channel, work, also=[source, to])

    async def find(self, source: ChannelId, to: ChannelId) -> BanShare:
        """Return one list that is shared. Raises `ApiError` NOT_FOUND."""
        for share in await shares.of(self._desk.pool, source):
            if (share.from_channel_id, share.to_channel_id) == (source, to):
                return share
        raise ApiError(ErrorCode.NOT_FOUND, "This list is not shared.")

    async def of(self, channel: ChannelId) -> list[BanShare]:
        """Return what a channel offers and is offered, oldest first."""
        return await shares.of(self._desk.pool, channel)


def _refuse_self(channel: ChannelId, other: ChannelId) -> None:
    if channel == other:
        raise ApiError(ErrorCode.CONFLICT, "A channel has its own list already.")


def _parts(users: Sequence[UserId]) -> Iterator[Sequence[UserId]]:
    return (users[start : start + AT_ONCE] for start in range(0, len(users), AT_ONCE))
