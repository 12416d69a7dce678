"""What goes from one channel to another: raids, and lists of bans."""

from typing import Any

from schemas import api, chat_api
from web.api.chat.asking import actor_of, moderation_of
from web.calls import Call, Listing, find_channel, given
from web.store.channels import ChannelRow


async def start_raid(call: Call[chat_api.StartRaid]) -> api.Nothing:
    """Send my viewers to another channel."""
    await moderation_of(call).raids.start(actor_of(call), call.channel.id, call.input.channel)
    return api.Nothing()


async def list_shares(call: Call[None]) -> Listing:
    """List what my channel offers and is offered."""
    return Listing(await moderation_of(call).shares.of(call.channel.id), None)


async def offer_share(call: Call[None]) -> chat_api.BanShare:
    """Offer my channel's list of bans to another."""
    to = await _other(call)
    await moderation_of(call).shares.offer(actor_of(call), call.channel.id, to.id)
    return await moderation_of(call).shares.find(call.channel.id, to.id)


async def accept_share(call: Call[None]) -> chat_api.BanShare:
    """Have another channel's bans hold in mine."""
    source = await _other(call)
    await moderation_of(call).shares.accept(actor_of(call), call.channel.id, source.id)
    return await moderation_of(call).shares.find(source.id, call.channel.id)


async def end_share(call: Call[chat_api.EndShare]) -> api.Nothing:
    """Share lists with another channel no more, in one direction or both."""
    shares, here, other = moderation_of(call).shares, call.channel.id, (await _other(call)).id
    direction, actor = given(call.input.direction), actor_of(call)
    if direction != "from":
        await shares.end(actor, here, here, other)
    if direction != "to":
        await shares.end(actor, here, other, here)
    return api.Nothing()


async def _other(call: Call[Any]) -> ChannelRow:
    return await find_channel(call.services, call.request.match_info["other"])
