"""Whom I follow: for lists of mine, and for what channels show to their followers."""

from datetime import datetime

import msgspec

from schemas import api
from schemas.ids import ChannelId
from web import cursors
from web.calls import Call, Listing, find_channel
from web.store import follows
from web.store.follows import FollowRow


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The place of the last row of a page."""

    followed_at: datetime
    channel_id: ChannelId


def present(row: FollowRow) -> api.Follow:
    """Return a follow as its own account sees it."""
    return api.Follow(row.user_id, row.channel_id, row.channel_name, row.display_name, row.followed_at)


async def list_follows(call: Call[api.ListFollows]) -> Listing:
    """List the channels that I follow, newest first."""
    asked = call.input
    place = cursors.read(asked.cursor, Place)
    after = (place.followed_at, place.channel_id) if place else None
    rows = await follows.page(call.services.pool, call.account.id, after=after, limit=asked.limit + 1)
    shown = rows[: asked.limit]
    more = cursors.write(Place(shown[-1].followed_at, shown[-1].channel_id)) if len(rows) > len(shown) else None
    return Listing([present(row) for row in shown], more)


async def follow(call: Call[None]) -> api.Follow:
    """Follow a channel."""
    channel = await find_channel(call.services, call.request.match_info["channel"])
    return present(await follows.add(call.services.pool, call.account.id, channel.id))


async def unfollow(call: Call[None]) -> api.Nothing:
    """Follow a channel no more."""
    channel = await find_channel(call.services, call.request.match_info["channel"])
    await follows.remove(call.services.pool, call.account.id, channel.id)
    return api.Nothing()
