"""Which exceptions mean that something we depend on does not answer: the request was fine, the client may retry."""

import asyncpg
from redis.exceptions import RedisError

from config.postgres import DatabaseUnavailable

REDIS_AWAY: tuple[type[Exception], ...] = (RedisError,)
POSTGRES_AWAY: tuple[type[Exception], ...] = (
    DatabaseUnavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.TransactionRollbackError,  # a deadlock was broken: nothing was done, the same again will pass
    asyncpg.InternalClientError,
)
AWAY: tuple[type[Exception], ...] = (*REDIS_AWAY, *POSTGRES_AWAY, OSError, TimeoutError)


def subject_of(error: Exception) -> str:
    """Return what does not answer, as a label."""
    if isinstance(error, REDIS_AWAY):
        return "redis"
    if isinstance(error, POSTGRES_AWAY):
        return "postgres"
    return "network"
