"""Moderators and VIPs, whom the broadcaster names."""

from typing import Final, Literal

from chat.moderation import telling
from chat.moderation.actor import Actor, Done
from chat.moderation.desk import Case, Desk, Work
from chat.standings import Standings
from chat.store import roles
from chat.store.roles import RoleRow
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId

Helper = Literal["moderator", "vip"]
NAMES: Final[dict[Helper, str]] = {"moderator": "moderator", "vip": "VIP"}


class Roles:
    """Gives and takes roles."""

    def __init__(self, desk: Desk, standings: Standings) -> None:
        self._desk = desk
        self._standings = standings

    async def grant(self, actor: Actor, channel: ChannelId, user: UserId, role: Helper) -> Done:
        """Give a role, in place of the other. Raises `ApiError`; CONFLICT for who is banned."""

        async def work(case: Case) -> Done:
            name = case.target.username
            if case.target.is_silenced:
                raise ApiError(ErrorCode.CONFLICT, f"{name} may not chat here. Lift that first.")
            if not await roles.grant(case.connection, channel, user, role):
                return Done(f"{name} is a {NAMES[role]} already.")
            events = [telling.role_changed(channel, case.target, role)]
            return await case.record("grant", f"{name} is a {NAMES[role]} now.", events, details={"role": role})

        return await self._changed("grant", actor, channel, user, work)

    async def revoke(self, actor: Actor, channel: ChannelId, user: UserId, role: Helper) -> Done:
        """Take a role; nothing from who does not have it. Raises `ApiError`."""

        async def work(case: Case) -> Done:
            name = case.target.username
            if not await roles.revoke(case.connection, channel, user, role):
                return Done(f"{name} is no {NAMES[role]}.")
            events = [telling.role_changed(channel, case.target, "viewer")]
            return await case.record("revoke", f"{name} is no {NAMES[role]} any more.", events, details={"role": role})

        return await self._changed("revoke", actor, channel, user, work)

    async def holders(self, channel: ChannelId) -> list[RoleRow]:
        """Return everybody with a role, moderators first."""
        return await roles.holders(self._desk.pool, channel)

    async def _changed(
        self, action: Literal["grant", "revoke"], actor: Actor, channel: ChannelId, user: UserId, work: Work
    ) -> Done:
        done = await self._desk.do(action, actor, channel, work, target=user)
        self._standings.forget(channel, user)  # also where no room hears of it
        return done
