"""Tokens for programs and the bots they may speak for; tickets, which open one chat socket.

A token is shown once, by the answer that makes it; only its hash is kept.
"""

from datetime import timedelta
from typing import Any

import structlog

from chat.people import SCOPES
from schemas import api, chat_api
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from web import throttle, tickets
from web.calls import NAME, Call, Listing, bad_field
from web.identity import bearer_of
from web.names import refuse_reserved
from web.store import access_tokens, bots
from web.store.access_tokens import TokenRow
from web.store.users import Account
from web.throttle import Limit
from web.tokens import digest, make_access_token

TICKETS_BY_USER = Limit("chat-ticket", 120, 60)
BOTS_BY_USER = Limit("bot", 20, 3600)
"""Else somebody who makes and deletes bots could try which names are free without end."""
log = structlog.get_logger()


async def make_ticket(call: Call[None]) -> chat_api.ChatTicket:
    """Hand out a ticket for who can't send the cookie: another host's page, a native client."""
    assert call.visitor is not None
    redis = call.services.redis
    await throttle.spend(redis, TICKETS_BY_USER, call.account.id)
    return chat_api.ChatTicket(*await tickets.issue(redis, bearer_of(call.visitor)))


async def list_tokens(call: Call[None]) -> Listing:
    """List mine and those of my bots, the newest first; there are few."""
    return Listing([_present(row) for row in await access_tokens.of_owner(call.services.pool, call.account.id)], None)


async def create_token(call: Call[chat_api.CreateToken]) -> chat_api.Token:
    """Make a token for me or a bot of mine."""
    wanted, owner, pool = call.input, call.account.id, call.services.pool
    token = make_access_token()
    async with pool.acquire() as connection, connection.transaction():
        user = owner
        if wanted.bot_id is not None:
            user = UserId(wanted.bot_id)
            if user not in {bot.id for bot in await bots.of_owner(connection, owner)}:
                raise _no_bot()
        row = await access_tokens.create(
            connection,
            owner,
            user,
            token_hash=digest(token),
            name=_named(wanted.name),
            scopes=[scope for scope in SCOPES if scope in wanted.scopes],
            expires_in=timedelta(days=wanted.expires_in_days) if wanted.expires_in_days else None,
        )
    log.info("access token made", token=row.id, user=user, by=owner, scopes=",".join(row.scopes))
    return _present(row, token)


async def delete_token(call: Call[None]) -> api.Nothing:
    """End a token; what it had opened is closed within a minute."""
    token = _named_in_path(call, "token")
    if token is None or not await access_tokens.remove(call.services.pool, call.account.id, token):
        raise ApiError(ErrorCode.NOT_FOUND, "You have no such token.")
    log.info("access token ended", token=token, by=call.account.id)
    return api.Nothing()


async def list_bots(call: Call[None]) -> Listing:
    """List my bots, the oldest first."""
    return Listing([_bot(account) for account in await bots.of_owner(call.services.pool, call.account.id)], None)


async def create_bot(call: Call[chat_api.CreateBot]) -> chat_api.Bot:
    """Make an account that tokens of mine may speak for."""
    wanted, services = call.input, call.services
    refuse_reserved(wanted.username, field="username")
    await throttle.spend(services.redis, BOTS_BY_USER, call.account.id)
    async with services.pool.acquire() as connection, connection.transaction():
        account = await bots.create(connection, call.account.id, wanted.username, wanted.display_name)
    log.info("bot made", bot=account.id, by=call.account.id)
    return _bot(account)


async def delete_bot(call: Call[None]) -> api.Nothing:
    """Delete a bot and end its tokens. What it said stays."""
    bot = _named_in_path(call, "bot")
    if bot is None or not await bots.remove(call.services.pool, call.account.id, UserId(bot)):
        raise _no_bot()
    log.info("bot deleted", bot=bot, by=call.account.id)
    return api.Nothing()


def _named(name: str) -> str:
    if not name.strip():
        raise bad_field("name", "must not be blank")
    return name.strip()


def _named_in_path(call: Call[Any], what: str) -> str | None:
    name = call.request.match_info[what]
    return name if NAME.fullmatch(name) else None


def _no_bot() -> ApiError:
    return ApiError(ErrorCode.NOT_FOUND, "You have no such bot.")


def _present(row: TokenRow, token: str | None = None) -> chat_api.Token:
    return chat_api.Token(
        id=row.id,
        name=row.name,
        scopes=[scope for scope in SCOPES if scope in row.scopes],
        user_id=row.user_id,
        username=row.username,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        token=token,
    )


def _bot(account: Account) -> chat_api.Bot:
    return chat_api.Bot(account.id, account.username, account.display_name, account.created_at)
