"""Saying something in a chat over HTTP, for programs that keep no socket open."""

from chat.speaking import Said
from schemas import chat_api
from schemas.errors import ApiError, ErrorCode
from schemas.socket import Held
from web.calls import Call, find_channel
from web.identity import may_read


async def post_message(call: Call[chat_api.PostMessage]) -> chat_api.Sent:
    """Say something, or have a command obeyed: as over the socket."""
    assert call.visitor is not None
    identity, wanted = call.visitor.identity, call.input
    channel = await find_channel(call.services, call.request.match_info["channel"])
    if not await may_read(call.services, identity, channel.id, None):
        raise ApiError(ErrorCode.FORBIDDEN, "You may not be in this chat.")
    said = Said(channel.id, wanted.content, wanted.idempotency_key, wanted.reply_to)
    answer = await call.services.chat.speaking.say(identity, said)
    if isinstance(answer, Held):
        return chat_api.Sent(None, None, None, answer.held_id, None)
    return chat_api.Sent(
        answer.message_id or None, answer.seq or None, answer.epoch or None, None, answer.notice or None
    )
