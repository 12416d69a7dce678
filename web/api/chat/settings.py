"""A channel's modes and lists of terms."""

import msgspec

from schemas.chat import ChatSettings
from schemas.chat_api import PatchChatSettings
from web.api.chat.asking import actor_of, moderates, moderation_of
from web.calls import Call, find_channel


async def get_settings(call: Call[None]) -> ChatSettings:
    """Look at them: the terms only as a moderator."""
    channel = await find_channel(call.services, call.request.match_info["channel"])
    settings = moderation_of(call).settings
    return await (settings.of(channel.id) if await moderates(call, channel) else settings.public(channel.id))


async def patch_settings(call: Call[PatchChatSettings]) -> ChatSettings:
    """Change some."""
    moderation = moderation_of(call)
    changes = {name: value for name, value in msgspec.structs.asdict(call.input).items() if value is not msgspec.UNSET}
    await moderation.modes.patch(actor_of(call), call.channel.id, changes)
    return await moderation.modes.of(call.channel.id)
