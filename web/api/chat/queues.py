"""What waits for moderators: held messages and reports; and the audit log of what they did."""

import msgspec

from chat.store.reports import Cursor
from schemas import api, chat_api
from schemas.api import Id
from schemas.errors import ApiError, ErrorCode
from web import cursors, watching
from web.api.chat.asking import actor_of, moderation_of, named_in, person_in
from web.calls import Call, Listing, find_channel, given


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The place of the last row of a page."""

    id: Id


async def list_held(call: Call[chat_api.ListPage]) -> Listing:
    """List the messages that wait, the oldest first."""
    asked = call.input
    place = cursors.read(asked.cursor, Place)
    after = place.id if place else None
    rows = await moderation_of(call).held.page(call.channel.id, after=after, limit=asked.limit + 1)
    shown = rows[: asked.limit]
    return Listing(shown, cursors.write(Place(shown[-1].id)) if len(rows) > len(shown) else None)


async def approve(call: Call[None]) -> api.Nothing:
    """Have a message said."""
    await moderation_of(call).held.approve(actor_of(call), call.channel.id, named_in(call, "held", "message"))
    return api.Nothing()


async def deny(call: Call[None]) -> api.Nothing:
    """Have a message never said."""
    await moderation_of(call).held.deny(actor_of(call), call.channel.id, named_in(call, "held", "message"))
    return api.Nothing()


async def file_report(call: Call[chat_api.CreateReport]) -> chat_api.Report:
    """Report somebody."""
    asked, services = call.input, call.services
    channel = await find_channel(services, call.request.match_info["channel"])
    if await watching.why_not(services, call.account, channel, channel.visibility):
        raise ApiError(ErrorCode.FORBIDDEN, "You may not watch this channel.")
    user = await person_in(call, asked.user_id)
    return await moderation_of(call).reports.file(actor_of(call), channel.id, user.id, asked.reason, asked.message_id)


async def list_reports(call: Call[chat_api.ListPage]) -> Listing:
    """List reports, open ones first."""
    asked = call.input
    after = cursors.read(asked.cursor, Cursor)
    rows = await moderation_of(call).reports.page(call.channel.id, after=after, limit=asked.limit + 1)
    shown = rows[: asked.limit]
    more = cursors.write(Cursor(shown[-1].outcome is not None, shown[-1].id)) if len(rows) > len(shown) else None
    return Listing(shown, more)


async def decide_report(call: Call[chat_api.DecideReport]) -> chat_api.Report:
    """Say what came of a report."""
    report = named_in(call, "report", "report")
    return await moderation_of(call).reports.decide(actor_of(call), call.channel.id, report, call.input.outcome)


async def list_acts(call: Call[chat_api.ListActs]) -> Listing:
    """List what moderators did, the newest first."""
    asked = call.input
    target = await person_in(call, user) if (user := given(asked.user_id)) else None
    place = cursors.read(asked.cursor, Place)
    after = place.id if place else None
    rows = await moderation_of(call).acts(
        call.channel.id, target=target.id if target else None, after=after, limit=asked.limit + 1
    )
    shown = rows[: asked.limit]
    return Listing(shown, cursors.write(Place(shown[-1].id)) if len(rows) > len(shown) else None)
