"""Tokens and bots, for programs; tickets for sockets."""

from http import HTTPStatus

from schemas import api, chat_api
from schemas.openapi import Access
from web.api import tokens
from web.calls import Endpoint

USER = Access.USER
CREATED = HTTPStatus.CREATED

# fmt: off
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(name="makeChatTicket", method="POST", path="/chat/ticket", access=USER, summary="Open one chat socket",
             data=chat_api.ChatTicket, scope="chat:read", handler=tokens.make_ticket),
    Endpoint(name="listTokens", method="GET", path="/tokens", access=USER, summary="My tokens for programs",
             data=chat_api.Token, is_list=True, handler=tokens.list_tokens),
    Endpoint(name="createToken", method="POST", path="/tokens", access=USER, summary="Make a token for a program",
             body=chat_api.CreateToken, data=chat_api.Token, status=CREATED, may_miss=True,
             handler=tokens.create_token),
    Endpoint(name="deleteToken", method="DELETE", path="/tokens/{token}", access=USER, summary="End a token of mine",
             data=api.Nothing, handler=tokens.delete_token),
    Endpoint(name="listBots", method="GET", path="/bots", access=USER, summary="My bots",
             data=chat_api.Bot, is_list=True, handler=tokens.list_bots),
    Endpoint(name="createBot", method="POST", path="/bots", access=USER, summary="Make an account for a program",
             body=chat_api.CreateBot, data=chat_api.Bot, status=CREATED, handler=tokens.create_bot),
    Endpoint(name="deleteBot", method="DELETE", path="/bots/{bot}", access=USER, summary="Delete a bot of mine",
             data=api.Nothing, handler=tokens.delete_bot),
)
# fmt: on
