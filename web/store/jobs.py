"""Which relay process has which job: rows of `pulls` and `restreams`, leased for as long as heartbeats name them."""

from collections.abc import Sequence
from typing import Literal

from web.store import Connection

Table = Literal["pulls", "restreams"]
TABLES: tuple[Table, ...] = ("pulls", "restreams")


async def renew(connection: Connection, table: Table, node: str, jobs: Sequence[str]) -> list[str]:
    """Note that a process still has these; return those that are really its own."""
    rows = await connection.fetch(
        f"UPDATE {table} SET seen_at = now() WHERE node_id = $1 AND id = ANY($2) RETURNING id", node, list(jobs)
    )
    return [row["id"] for row in rows]


async def release(connection: Connection, table: Table, node: str) -> None:
    """Leave all that a process has to others."""
    await connection.execute(f"UPDATE {table} SET node_id = NULL, seen_at = NULL WHERE node_id = $1", node)
