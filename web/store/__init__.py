"""SQL of accounts, channels, keys and streams: plain coroutines that take a connection or the pool.

Times are compared by the database's clock only, so that the clocks of the web processes do not matter.
"""

from typing import TypeAlias

import asyncpg  # named in the aliases, which are in quotes: asyncpg is generic in its stubs only

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
"""For what must run in a transaction that the caller began."""
Database: TypeAlias = "asyncpg.Pool[asyncpg.Record] | Connection"
"""For single statements."""
