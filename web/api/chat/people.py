"""Who somebody is in a channel."""

from schemas.chat_api import UserCard
from web.api.chat.asking import moderates, moderation_of, person_in
from web.calls import Call, find_channel


async def get_card(call: Call[None]) -> UserCard:
    """Look at somebody, as a moderator with the history."""
    channel = await find_channel(call.services, call.request.match_info["channel"])
    person = await person_in(call, call.request.match_info["user"])
    sees_all = await moderates(call, channel)
    return await moderation_of(call).cards.of(channel.id, person, for_moderators=sees_all)
