"""Bans and timeouts."""

from chat.store.bans import Cursor
from schemas import api, chat_api
from web import cursors
from web.api.chat.asking import actor_of, moderation_of, person_in
from web.calls import Call, Listing


async def list_bans(call: Call[chat_api.ListPage]) -> Listing:
    """List who may not chat, the newest first."""
    asked = call.input
    after = cursors.read(asked.cursor, Cursor)
    rows = await moderation_of(call).bans.page(call.channel.id, after=after, limit=asked.limit + 1)
    shown = rows[: asked.limit]
    more = cursors.write(Cursor.of(shown[-1])) if len(rows) > len(shown) else None
    return Listing(shown, more)


async def ban(call: Call[chat_api.CreateBan]) -> chat_api.Ban:
    """Ban somebody for good."""
    moderation, user = moderation_of(call), await person_in(call, call.input.user_id)
    await moderation.bans.ban(actor_of(call), call.channel.id, user.id, call.input.reason)
    return await moderation.bans.shown(call.channel.id, user.id)


async def unban(call: Call[None]) -> api.Nothing:
    """Lift a ban or a timeout."""
    user = await person_in(call, call.request.match_info["user"])
    await moderation_of(call).bans.unban(actor_of(call), call.channel.id, user.id)
    return api.Nothing()


async def time_out(call: Call[chat_api.CreateTimeout]) -> chat_api.Ban:
    """Silence somebody for a time."""
    asked, moderation = call.input, moderation_of(call)
    user = await person_in(call, asked.user_id)
    await moderation.bans.time_out(actor_of(call), call.channel.id, user.id, asked.duration_s, asked.reason)
    return await moderation.bans.shown(call.channel.id, user.id)


async def end_timeout(call: Call[None]) -> api.Nothing:
    """End a timeout."""
    user = await person_in(call, call.request.match_info["user"])
    await moderation_of(call).bans.end_timeout(actor_of(call), call.channel.id, user.id)
    return api.Nothing()
