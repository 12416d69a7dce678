"""Queries of what chat owns in PostgreSQL: messages, roles, bans, acts, settings, emotes."""

from typing import TypeAlias

import asyncpg  # named in the aliases, which are in quotes: asyncpg is generic in its stubs only

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
"""For what must run in a transaction that the caller began."""
Database: TypeAlias = "asyncpg.Pool[asyncpg.Record] | Connection"
"""For single statements."""
