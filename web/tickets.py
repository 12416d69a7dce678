"""Tickets: each opens one socket for who asked for it, within `LIFETIME_S`. They lie in Redis, by their SHA-256."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from redis.asyncio import Redis

from web.tokens import digest, make_ticket

LIFETIME_S: Final = 30


class Bearer(msgspec.Struct, frozen=True, array_like=True):
    """By which token somebody asked for a ticket: it is what the ticket stands for."""

    proof: bytes
    is_session: bool


_decoder: Final = msgspec.msgpack.Decoder(Bearer)


async def issue(redis: Redis, bearer: Bearer) -> tuple[str, datetime]:
    """Return a new ticket and when it ends. Raises as Redis does."""
    ticket = make_ticket()
    await redis.set(_key(ticket), msgspec.msgpack.encode(bearer), ex=LIFETIME_S)
    return ticket, datetime.now(UTC) + timedelta(seconds=LIFETIME_S)


async def redeem(redis: Redis, ticket: str) -> Bearer | None:
    """Return who asked for the ticket, None when it has ended or was used. Raises as Redis does."""
    found = await redis.getdel(_key(ticket))
    return _decoder.decode(found) if isinstance(found, bytes) else None


def _key(ticket: str) -> str:
    return f"ticket:{digest(ticket).hex()[:40]}"
