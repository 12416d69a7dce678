"""What moderators do to what was said, and what they announce."""

from schemas import api, chat_api
from web.api.chat.asking import actor_of, moderation_of, named_in
from web.calls import Call
from web.identity import person_of


async def delete_message(call: Call[None]) -> api.Nothing:
    """Take one message away."""
    message = named_in(call, "message", "message")
    await moderation_of(call).messages.delete(actor_of(call), call.channel.id, message)
    return api.Nothing()


async def clear(call: Call[None]) -> api.Nothing:
    """Take all away."""
    await moderation_of(call).messages.clear(actor_of(call), call.channel.id)
    return api.Nothing()


async def announce(call: Call[chat_api.Announce]) -> api.Nothing:
    """Say something that is to be seen."""
    moderation, person = moderation_of(call), person_of(call.account)
    standing = await moderation.standings.of(person, call.channel.id)
    await moderation.messages.announce(
        actor_of(call), call.channel.id, call.input.content, call.input.color, person=person, standing=standing
    )
    return api.Nothing()


async def pin(call: Call[chat_api.PinMessage]) -> api.Nothing:
    """Put a message at the top."""
    asked = call.input
    await moderation_of(call).messages.pin(actor_of(call), call.channel.id, asked.message_id, asked.duration_s)
    return api.Nothing()


async def unpin(call: Call[None]) -> api.Nothing:
    """Take the message at the top down."""
    await moderation_of(call).messages.unpin(actor_of(call), call.channel.id)
    return api.Nothing()
