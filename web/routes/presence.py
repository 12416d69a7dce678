"""Who is in the chats right now."""

from schemas import chat_api
from schemas.openapi import Access
from web.api import presence
from web.calls import Endpoint

# fmt: off
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(name="listChatters", method="GET", path="/channels/{channel}/chat/chatters", access=Access.USER,
             summary="Who is signed in to the chat", scope="chat:read",
             data=chat_api.Chatters, handler=presence.list_chatters),
)
# fmt: on
