"""Bans, timeouts and their end. Bans also hold in the channels that have accepted this channel's list."""

from typing import Final

from chat.log.acts import ActEvent
from chat.moderation import telling
from chat.moderation.actor import Actor, Done
from chat.moderation.desk import Case, Desk
from chat.moderation.ranks import Rank, rank_of
from chat.store import bans, held, parties, pins, roles, shares
from schemas.chat import TIMEOUT_MAX_S
from schemas.chat_api import Ban
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


class Bans:
    """Who may not chat."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ban(self, actor: Actor, channel: ChannelId, user: UserId, reason: str) -> Done:
        """Ban for good; what the banned said is taken away, roles too. Once banned: nothing. Raises `ApiError`."""
        receivers = await shares.receivers(self._desk.pool, channel)

        async def work(case: Case) -> Done:
            found = await bans.find(case.connection, channel, user)
            name = case.target.username
            if found is not None and found.until is None and found.source_channel_id is None:
                return Done(f"{name} is banned already.")
            await bans.put(case.connection, channel, user, case.actor.id, duration_s=None, reason=reason)
            events = [telling.banned(channel, case.target, case.actor.username), *await _stripped(case)]
            done = await case.record("ban", f"{name} is banned.", events, details={"reason": reason})
            for receiver in await _still(case, receivers):
                await _ban_there(case, receiver, reason)
            return done

        return await self._desk.do("ban", actor, channel, work, target=user, also=receivers)

    async def time_out(self, actor: Actor, channel: ChannelId, user: UserId, duration_s: int, reason: str) -> Done:
        """Silence for a time, counted from now. Raises `ApiError`; CONFLICT for who is banned for good."""
        assert 1 <= duration_s <= TIMEOUT_MAX_S

        async def work(case: Case) -> Done:
            found = await bans.find(case.connection, channel, user)
            name = case.target.username
            if found is not None and found.until is None:
                raise ApiError(ErrorCode.CONFLICT, f"{name} is banned for good. Lift the ban first.")
            await bans.sweep(case.connection, channel)
            row = await bans.put(case.connection, channel, user, case.actor.id, duration_s=duration_s, reason=reason)
            moderator = case.actor.username
            events = [
                telling.timed_out(channel, case.target, moderator, duration_s=duration_s, until_ms=row.until_ms),
                *await _silenced(case),
            ]
            notice = f"{name} may not chat for {in_words(duration_s)}."
            return await case.record(
                "timeout", notice, events, details={"durationS": str(duration_s), "reason": reason}
            )

        return await self._desk.do("timeout", actor, channel, work, target=user)

    async def unban(self, actor: Actor, channel: ChannelId, user: UserId) -> Done:
        """Lift a ban or a timeout, also where the ban went with this channel's list. Raises `ApiError`."""
        receivers = await shares.receivers(self._desk.pool, channel)

        async def work(case: Case) -> Done:
            found = await bans.find(case.connection, channel, user)
            name = case.target.username
            if found is None:
                return Done(f"{name} is not banned.")
            await bans.remove(case.connection, channel, user)
            lifted = await bans.lift_shared(case.connection, channel, await _still(case, receivers), user)
            moderator = case.actor.username
            done = await case.record(
                "unban", f"{name} may chat again.", [telling.unbanned(channel, case.target, moderator)]
            )
            for there, _ in lifted:
                events = [telling.unbanned(there, case.target, moderator)]
                await case.record("unban", "", events, channel=there, details={"list": channel})
            return done

        return await self._desk.do("unban", actor, channel, work, target=user, also=receivers)

    async def end_timeout(self, actor: Actor, channel: ChannelId, user: UserId) -> Done:
        """End a timeout. Raises `ApiError`; CONFLICT for who is banned for good."""

        async def work(case: Case) -> Done:
            found = await bans.find(case.connection, channel, user)
            name = case.target.username
            if found is None:
                return Done(f"{name} is not timed out.")
            if found.until is None:
                raise ApiError(ErrorCode.CONFLICT, f"{name} is banned, not timed out: /unban lifts that.")
            await bans.remove(case.connection, channel, user)
            events = [telling.unbanned(channel, case.target, case.actor.username)]
            return await case.record("untimeout", f"{name} may chat again.", events)

        return await self._desk.do("untimeout", actor, channel, work, target=user)

    async def shown(self, channel: ChannelId, user: UserId) -> Ban:
        """Return the ban that holds. Raises `ApiError` NOT_FOUND."""
        found = await bans.shown(self._desk.pool, channel, user)
        if found is None:
            raise ApiError(ErrorCode.NOT_FOUND, "This account is not banned here.")
        return found

    async def page(self, channel: ChannelId, *, after: bans.Cursor | None, limit: int) -> list[Ban]:
        """Return up to `limit` bans and timeouts behind that place, newest first."""
        return await bans.page(self._desk.pool, channel, after=after, limit=limit)


async def _still(case: Case, receivers: list[ChannelId]) -> list[ChannelId]:
    """Return which channels have this one's list, now that it is locked. Raises UNAVAILABLE for one that is not."""
    now = await shares.receivers(case.connection, case.channel)
    if not set(now) <= set(receivers):
        raise ApiError(ErrorCode.UNAVAILABLE, "Somebody has just accepted your list. Try again.", retry_after_ms=0)
    return now


async def _silenced(case: Case) -> list[ActEvent]:
    """Take away what somebody has waiting or at the top; return what is to be told of it."""
    await held.deny_all_of(case.connection, case.channel, case.target.id, case.actor.id)
    if await pins.take_down(case.connection, case.channel, author=case.target.id):
        return [telling.pinned(case.channel, None)]
    return []


async def _stripped(case: Case) -> list[ActEvent]:
    """Take away what somebody who is banned has: also a role."""
    events = await _silenced(case)
    if case.target.role in ("moderator", "vip"):
        await roles.revoke(case.connection, case.channel, case.target.id, case.target.role)
        events.append(telling.role_changed(case.channel, case.target, "viewer"))
    return events


async def _ban_there(case: Case, there: ChannelId, reason: str) -> None:
    """Ban in a channel that has this one's list, unless it trusts them or has banned them itself."""
    target = (await parties.find(case.connection, there, [case.target.id]))[case.target.id]
    if rank_of(target) is not Rank.VIEWER or target.role == "vip":
        return
    found = await bans.find(case.connection, there, target.id)
    if found is not None and found.until is None:
        return
    await bans.put(
        case.connection, there, target.id, case.actor.id, duration_s=None, reason=reason, source=case.channel
    )
    events = [telling.banned(there, target, case.actor.username)]
    await held.deny_all_of(case.connection, there, target.id, case.actor.id)
    if await pins.take_down(case.connection, there, author=target.id):
        events.append(telling.pinned(there, None))
    await case.record("ban", "", events, channel=there, details={"reason": reason, "list": case.channel})


def in_words(duration_s: int) -> str:
    """Return a duration for people, in its two largest units: 1 hour 30 minutes."""
    parts = []
    for size, name in _UNITS:
        count, duration_s = divmod(duration_s, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2])
