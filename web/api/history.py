"""What was said in a channel: pages for who opens it, scrolls back, or follows a thread."""

import msgspec

from chat.keeping.history import Question
from chat.store.history import KeptMessage
from schemas.chat_api import ListMessages
from schemas.errors import ApiError, ErrorCode
from web import watching
from web.addresses import opened_by
from web.calls import Call, Listing, find_channel, given


async def list_messages(call: Call[ListMessages]) -> Listing:
    """List messages, oldest first; the cursor is what to give as `before` for those that are older."""
    services, asked = call.services, call.input
    channel = await find_channel(services, call.request.match_info["channel"])
    is_opened = await opened_by(services.access, "hls", channel.id, given(asked.key)) is not None
    if not is_opened and await watching.why_not(services, call.caller, channel, channel.visibility):
        raise ApiError(ErrorCode.FORBIDDEN, "You may not watch this channel, nor read its chat.")
    page = await services.chat.history.page(Question(channel.id, given(asked.before), asked.limit, given(asked.thread)))
    older = str(page.messages[0].seq) if page.is_more and page.messages else None
    return Listing([shown(message) for message in page.messages], older)


def shown(message: KeptMessage) -> msgspec.Raw:
    """Return the JSON of a `HistoryMessage`."""
    if message.announcement is None:
        return msgspec.Raw(message.json)
    return msgspec.Raw(b'%s,"announcement":"%s"}' % (message.json[:-1], message.announcement.encode("ascii")))
