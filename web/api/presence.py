"""Who is signed in to a channel's chat."""

from typing import Final

from chat.rooms import presence
from chat.store import chatters
from schemas.chat_api import Chatter, Chatters
from schemas.errors import ApiError, ErrorCode
from web.calls import Call, find_channel
from web.events import now_ms
from web.identity import may_read

NAMES_MAX: Final = 200
"""Accounts in one answer; the others only count."""


async def list_chatters(call: Call[None]) -> Chatters:
    """Count everybody and name some, those with a role first."""
    services = call.services
    channel = await find_channel(services, call.request.match_info["channel"])
    assert call.visitor is not None
    if not await may_read(services, call.visitor.identity, channel.id, None):
        raise ApiError(ErrorCode.FORBIDDEN, "You may not watch this channel, nor see who is in its chat.")
    now = now_ms()
    count = (await presence.counts(services.redis, [channel.id], now))[channel.id]
    users = await presence.chatters(services.redis, channel.id, now)
    rows = await chatters.named(services.pool, channel.id, users, NAMES_MAX)
    named = [Chatter(row.user_id, row.username, row.display_name, row.role) for row in rows]
    return Chatters(max(count.users, len(named)), named)
