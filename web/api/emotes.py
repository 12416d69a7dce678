"""Emotes: those of a channel, by its owner; those that are everywhere, by administrators."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from chat.speech.emotes import EVERYWHERE
from chat.store import emotes, people
from chat.store.emotes import EmoteRow, Picture
from schemas import api, chat_api
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, make_id
from web.calls import Call, Listing, bad_field, find_channel
from web.emotes import PAINTER, url_of

SLOTS: Final = {0: 20, 1: 5, 2: 5, 3: 10}
"""Emotes that a channel may have of each tier: subscribers of tier 1, 2 and 3 have 5, 10 and 20 more in all."""
EVERYWHERE_TITLE: Final = "Everywhere"


def present(row: EmoteRow) -> chat_api.Emote:
    """Return the emote as anyone may see it."""
    return chat_api.Emote(row.id, row.channel_id, row.name, row.tier, row.is_animated, url_of(row.id), row.created_at)


async def list_everywhere(call: Call[None]) -> Listing:
    """Show the emotes that everybody may use in all channels."""
    return Listing([present(row) for row in await emotes.everywhere(call.services.pool)], None)


async def create_everywhere(call: Call[chat_api.CreateEmote]) -> chat_api.Emote:
    """Add one that is everywhere."""
    _refuse_others(call)
    if call.input.tier != 0:
        raise bad_field("tier", "must be 0 for an emote that is everywhere")
    return await _create(call, None)


async def delete_everywhere(call: Call[None]) -> api.Nothing:
    """Take one away that is everywhere."""
    _refuse_others(call)
    return await _delete(call, None)


async def list_of_channel(call: Call[None]) -> Listing:
    """Show a channel's own emotes, of low tiers first."""
    channel = await find_channel(call.services, call.request.match_info["channel"])
    found = await emotes.of_channels(call.services.pool, [channel.id])
    return Listing([present(row) for row in found[channel.id]], None)


async def create_of_channel(call: Call[chat_api.CreateEmote]) -> chat_api.Emote:
    """Add one to my channel."""
    return await _create(call, call.channel.id)


async def delete_of_channel(call: Call[None]) -> api.Nothing:
    """Take one of my channel away."""
    return await _delete(call, call.channel.id)


async def list_mine(call: Call[chat_api.ListMyEmotes]) -> chat_api.UsableEmotes:
    """Show what I may use in a channel, and what I might if I subscribed to more."""
    pool, user = call.services.pool, call.account.id
    channel = (await find_channel(call.services, call.input.channel)).id
    rows, entitled = await asyncio.gather(people.standings(pool, [(channel, user)]), emotes.entitled(pool, [user]))
    here = max((emotes.tier_of(row.role, row.subscription_tier) for row in rows), default=0)
    tiers = {channel: here} | {other: tier for other, tier in entitled[user].items() if other != channel}
    own, everywhere, titles = await asyncio.gather(
        emotes.of_channels(pool, list(tiers)), emotes.everywhere(pool), emotes.titles(pool, list(tiers))
    )
    groups = [
        _group(other, titles.get(other, ""), own[other], tier, shows_locked=other == channel)
        for other, tier in tiers.items()
        if own[other]
    ]
    at = 1 if own[channel] else 0
    groups.insert(at, _group(None, EVERYWHERE_TITLE, everywhere, 0, shows_locked=False))
    return chat_api.UsableEmotes(groups)


def _group(
    channel: ChannelId | None, title: str, rows: Sequence[EmoteRow], tier: int, *, shows_locked: bool
) -> chat_api.EmoteGroup:
    usable = [present(row) for row in rows if row.tier <= tier]
    locked = [present(row) for row in rows if row.tier > tier] if shows_locked else []
    return chat_api.EmoteGroup(channel, title, usable, locked)


async def _create(call: Call[chat_api.CreateEmote], channel: ChannelId | None) -> chat_api.Emote:
    wanted, pool = call.input, call.services.pool
    await emotes.refuse_taken(pool, channel, wanted.name, wanted.tier, _slots(channel))
    painted = await call.request.app[PAINTER].paint(wanted.image)
    row = EmoteRow(
        id=make_id(),
        channel_id=channel,
        name=wanted.name,
        tier=wanted.tier,
        is_animated=painted.is_animated,
        created_at=datetime.now(UTC),
    )
    pictures = [Picture(each.scale, each.width, each.height, each.content) for each in painted.pictures]
    async with pool.acquire() as connection, connection.transaction():
        await emotes.create(connection, row, pictures, call.account.id, _slots(channel))
    await _announce(call, channel)
    return present(row)


async def _delete(call: Call[None], channel: ChannelId | None) -> api.Nothing:
    if not await emotes.delete(call.services.pool, channel, call.request.match_info["emote"]):
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such emote.")
    await _announce(call, channel)
    return api.Nothing()


async def _announce(call: Call[chat_api.CreateEmote] | Call[None], channel: ChannelId | None) -> None:
    """Have it known: here at once, elsewhere when they hear of it."""
    call.services.chat.emotes.forget(channel or EVERYWHERE)
    await call.services.events.emotes_changed(channel or EVERYWHERE)


def _slots(channel: ChannelId | None) -> dict[int, int]:
    return {} if channel is None else SLOTS


def _refuse_others(call: Call[chat_api.CreateEmote] | Call[None]) -> None:
    if not call.account.is_admin:
        raise ApiError(ErrorCode.FORBIDDEN, "Administrators do this.")
