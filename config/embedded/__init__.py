"""PostgreSQL and Valkey for people who have none: found, started and stopped by our own code.

Both listen only on unix sockets in a private directory. Read `server.py` first, then `postgres.py`; `runtime.py` has
the places and the lock of a data directory, `running.py` tells other terminals where the servers are.
"""

from config.embedded.postgres import EmbeddedPostgres
from config.embedded.running import running_urls
from config.embedded.runtime import CannotStart
from config.embedded.valkey import EmbeddedValkey

__all__ = ["CannotStart", "EmbeddedPostgres", "EmbeddedValkey", "running_urls"]
