"""What was said: in channels, and beside recordings and clips."""

from schemas import chat_api
from schemas.openapi import Access
from web.api import history, replay
from web.calls import Endpoint

# fmt: off
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(name="listChatMessages", method="GET", path="/channels/{channel}/chat/messages", access=Access.PUBLIC,
             summary="What was said, oldest first; `page.cursor` is the `before` of what is older", scope="chat:read",
             query=chat_api.ListMessages, data=chat_api.HistoryMessage, is_list=True, handler=history.list_messages),
    Endpoint(name="listVodChat", method="GET", path="/vods/{vod}/chat", access=Access.PUBLIC,
             summary="The chat beside a recording, in its order", scope="chat:read",
             query=chat_api.ListReplay, data=chat_api.ReplayMessage, is_list=True, handler=replay.list_vod_chat),
    Endpoint(name="listClipChat", method="GET", path="/clips/{clip}/chat", access=Access.PUBLIC,
             summary="The chat beside a clip, in its order", scope="chat:read",
             query=chat_api.ListReplay, data=chat_api.ReplayMessage, is_list=True, handler=replay.list_clip_chat),
)
# fmt: on
