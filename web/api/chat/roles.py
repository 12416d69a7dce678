"""Moderators and VIPs."""

from collections.abc import Awaitable, Callable

from chat.moderation.roles import Helper
from schemas import api
from schemas.chat_api import RoleHolder
from web.api.chat.asking import actor_of, moderation_of, person_in
from web.calls import Call, Listing, find_channel


async def list_roles(call: Call[None]) -> Listing:
    """List everybody with a role, moderators first."""
    channel = await find_channel(call.services, call.request.match_info["channel"])
    rows = await moderation_of(call).roles.holders(channel.id)
    holders = [RoleHolder(row.user_id, row.username, row.display_name, row.role, row.granted_at) for row in rows]
    return Listing(holders, None)


def grant(role: Helper) -> Callable[[Call[None]], Awaitable[api.Nothing]]:
    """Return what gives a role."""

    async def give(call: Call[None]) -> api.Nothing:
        user = await person_in(call, call.request.match_info["user"])
        await moderation_of(call).roles.grant(actor_of(call), call.channel.id, user.id, role)
        return api.Nothing()

    return give


def revoke(role: Helper) -> Callable[[Call[None]], Awaitable[api.Nothing]]:
    """Return what takes a role."""

    async def take(call: Call[None]) -> api.Nothing:
        user = await person_in(call, call.request.match_info["user"])
        await moderation_of(call).roles.revoke(actor_of(call), call.channel.id, user.id, role)
        return api.Nothing()

    return take
