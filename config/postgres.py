"""Connections to PostgreSQL. Errors: `DatabaseUnavailable` (ours: the server does not answer, or says no)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import asyncpg

from config.masking import mask

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"  # in quotes: generic in the stubs only
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

CONNECT_S = 3.0
"""For one try."""
WAIT_S = 20.0
"""For all tries: a server that is starting or recovering is waited for."""
PAUSE_S = 0.2
COMMAND_S = 10.0
"""No statement of ours may take longer; it is cancelled on the server."""
POOL_SIZE = 10
IDLE_S = 300.0

T = TypeVar("T")


class DatabaseUnavailable(Exception):
    """The database cannot be used; the text says which and why, without a password."""


FAILURES: tuple[type[Exception], ...] = (
    DatabaseUnavailable,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asyncpg's word for a connection that was ended at a bad moment
    OSError,
    TimeoutError,
)
"""All that a query may raise: for what goes on whatever the database says."""


async def open_pool(url: str, *, size: int = POOL_SIZE, wait_s: float = WAIT_S) -> Pool:
    """Return a pool with one connection made. Raises `DatabaseUnavailable` after `wait_s`."""

    async def attempt() -> Pool:
        pool = asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            timeout=CONNECT_S,
            command_timeout=COMMAND_S,
            max_inactive_connection_lifetime=IDLE_S,
            server_settings={"application_name": "tallylight", "timezone": "UTC"},
        )
        return await pool

    return await _insist(attempt, url, wait_s)


async def connect(url: str, *, wait_s: float = WAIT_S, command_s: float | None = COMMAND_S) -> Connection:
    """Return one connection. Raises `DatabaseUnavailable` after `wait_s`."""

    async def attempt() -> Connection:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_S,
            command_timeout=command_s,
            server_settings={"application_name": "tallylight", "timezone": "UTC"},
        )

    return await _insist(attempt, url, wait_s)


async def _insist(attempt: Callable[[], Awaitable[T]], url: str, wait_s: float) -> T:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return await attempt()
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            raise DatabaseUnavailable(f"{mask(url)}: {error}") from error  # waiting would not help
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # asyncpg 0.32 raises it when the server dies during the handshake
        ) as error:
            if time.monotonic() + PAUSE_S >= deadline:
                raise DatabaseUnavailable(
                    f"{mask(url)} does not answer: {str(error) or type(error).__name__}"
                ) from error
        except ValueError as error:  # asyncpg's word for an address that it cannot read
            raise DatabaseUnavailable(f"{mask(url)} is not a usable address: {error}") from error
        await asyncio.sleep(PAUSE_S)
