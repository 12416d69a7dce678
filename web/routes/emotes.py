"""Emotes."""

from http import HTTPStatus

from schemas import api, chat_api
from schemas.openapi import Access
from web.api import emotes
from web.calls import Endpoint

PUBLIC, USER, OWNER = Access.PUBLIC, Access.USER, Access.OWNER
CREATED = HTTPStatus.CREATED

# fmt: off
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(name="listEmotes", method="GET", path="/emotes", access=PUBLIC, summary="Emotes for all channels",
             data=chat_api.Emote, is_list=True, scope="chat:read", handler=emotes.list_everywhere),
    Endpoint(name="createEmote", method="POST", path="/emotes", access=USER, summary="Add one, as an administrator",
             form=chat_api.CreateEmote, data=chat_api.Emote, status=CREATED, handler=emotes.create_everywhere),
    Endpoint(name="deleteEmote", method="DELETE", path="/emotes/{emote}", access=USER,
             summary="Take one away, as an administrator", data=api.Nothing, handler=emotes.delete_everywhere),
    Endpoint(name="listChannelEmotes", method="GET", path="/channels/{channel}/emotes", access=PUBLIC,
             summary="Emotes of a channel", data=chat_api.Emote, is_list=True, scope="chat:read",
             handler=emotes.list_of_channel),
    Endpoint(name="createChannelEmote", method="POST", path="/channels/{channel}/emotes", access=OWNER,
             summary="Add one to my channel", form=chat_api.CreateEmote, data=chat_api.Emote, status=CREATED,
             handler=emotes.create_of_channel),
    Endpoint(name="deleteChannelEmote", method="DELETE", path="/channels/{channel}/emotes/{emote}", access=OWNER,
             summary="Take one of my channel away", data=api.Nothing, handler=emotes.delete_of_channel),
    Endpoint(name="listMyEmotes", method="GET", path="/me/emotes", access=USER, summary="What I may use in a channel",
             query=chat_api.ListMyEmotes, data=chat_api.UsableEmotes, scope="chat:read", may_miss=True,
             handler=emotes.list_mine),
)
# fmt: on
