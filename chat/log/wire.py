"""One connection to Redis that is never made again behind our back, and which server it leads to.

redis-py repeats commands on a new connection by itself, which may lead to another server (a replica that was promoted,
a server that was started again without its last second). Who numbers entries must know: so connections are used bare.
"""

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import hiredis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError
from redis.typing import EncodableT

from config.redis import CONNECT_S

IDENTITY_CHARACTERS: Final = 16
"""Of each of the two random names that make an identity."""
SEND_S: Final = 2.5
"""For what is sent to leave: a server that stands still reads no more, and buffers fill."""
Command = Sequence[EncodableT]


def pack(command: Command) -> bytes:
    """Return a command as it is sent: `*N`, a line end, and its N parts. redis-py does this in Python, 20 times slower.

    Raises UnicodeError for text that is none.
    """
    return bytes(hiredis.pack_command(tuple(command)))  # type: ignore[arg-type] # its stub says a tuple of one


class Wire:
    """Commands out, answers in. Close it with `close()`; raises `RedisError`, `OSError` or `TimeoutError`."""

    def __init__(self, url: str) -> None:
        pool = ConnectionPool.from_url(
            url,
            protocol=2,
            decode_responses=False,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=None,
            health_check_interval=0,
            retry=Retry(NoBackoff(), 0),
        )
        self._connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call] # redis-py

    async def open(self) -> None:
        """Connect, sign in, choose the database."""
        async with asyncio.timeout(CONNECT_S):  # the library's own deadline ends where signing in begins
            await self._connection.connect()  # type: ignore[no-untyped-call] # redis-py

    async def close(self) -> None:
        """Let the connection go."""
        await self._connection.disconnect(nowait=True)

    async def send(self, commands: Iterable[Command]) -> None:
        """Send commands as one piece; each has one answer, except (UN)SUBSCRIBE."""
        await self.send_packed([pack(command) for command in commands])

    async def send_packed(self, commands: Iterable[bytes]) -> None:
        """Send what `pack` made, as one piece."""
        if not self._connection.is_connected:
            raise RedisConnectionError("the connection is gone")  # the library would make a new one
        async with asyncio.timeout(SEND_S):
            await self._connection.send_packed_command(b"".join(commands), check_health=False)

    async def answer(self) -> Any:
        """Return the next answer; an error of the command is raised as `ResponseError`. Waits for ever."""
        return await self._connection.read_response(timeout=math.inf)

    async def answers(self, number: int, within_s: float) -> list[Any]:
        """Return the next answers; an error of a command is in its place. Raises `TimeoutError`."""
        found: list[Any] = []
        async with asyncio.timeout(within_s):
            for _ in range(number):
                try:
                    found.append(await self.answer())
                except ResponseError as error:
                    found.append(error)
        return found

    async def identity(self, within_s: float) -> bytes:
        """Return the name of the server as the source of numbers: another one after each start and each promotion.

        `run_id` is new with each start. `master_replid` is new too when a replica is promoted, also when a server
        becomes master for the second time. Raises `ReadOnlyError` at a replica.
        """
        await self.send([("INFO", "server"), ("INFO", "replication")])
        said: dict[bytes, bytes] = {}
        for section in await self.answers(2, within_s):
            if isinstance(section, ResponseError):
                raise section
            pairs = (line.partition(b":") for line in section.splitlines())
            said.update((name, value) for name, _, value in pairs)
        if said.get(b"role") == b"slave":
            raise ReadOnlyError("this server is a replica")
        names = (said.get(b"run_id", b""), said.get(b"master_replid", b""))
        return b".".join(name[:IDENTITY_CHARACTERS] for name in names)
