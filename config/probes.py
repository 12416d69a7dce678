"""Questions whether a server is ready, asked the way its users would ask: by connecting."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Probe = Callable[[], Awaitable[None]]
"""Returns when the server is ready; raises `NotReady`, `OSError` or `TimeoutError` when it is not (yet)."""

POLL_S = 0.02
TRY_S = 2.0
"""For one try."""
MAX_STATUS_LINE = 1024


class NotReady(Exception):
    """It answered, but not as a ready server does."""


async def wait_until(probe: Probe, wait_s: float) -> None:
    """Ask until the answer is yes. Raises `NotReady` with the last reason after `wait_s`."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            async with asyncio.timeout(TRY_S):
                await probe()
        except (NotReady, OSError) as error:  # TimeoutError is an OSError
            if time.monotonic() >= deadline:
                raise NotReady(f"not ready after {wait_s:g} s: {str(error) or 'no answer'}") from error
        else:
            return
        await asyncio.sleep(POLL_S)


def accepts(host: str, port: int) -> Probe:
    """Ask whether something listens there."""

    async def probe() -> None:
        _reader, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()

    return probe


def answers_http(host: str, port: int, path: str) -> Probe:
    """Ask whether GET is answered with status 200."""

    async def probe() -> None:
        reader, writer = await asyncio.open_connection(host, port, limit=MAX_STATUS_LINE)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            try:
                status = (await reader.readline()).split(b" ", 2)
            except ValueError as error:  # longer than the limit
                raise NotReady(f"GET {path} was not answered in HTTP") from error
            if len(status) < 2 or status[1] != b"200":
                raise NotReady(f"GET {path} was answered with {b' '.join(status[1:]).decode(errors='replace')!r}")
        finally:
            writer.close()

    return probe


def answers_redis(path: str) -> Probe:
    """Ask a unix socket whether PING is answered with PONG, which a server that still loads its data does not."""

    async def probe() -> None:
        reader, writer = await asyncio.open_unix_connection(path, limit=MAX_STATUS_LINE)
        try:
            writer.write(b"PING\r\n")
            if (answer := await reader.readline()) != b"+PONG\r\n":
                raise NotReady(f"PING was answered with {answer.decode(errors='replace').strip()!r}")
        finally:
            writer.close()

    return probe


def answers_postgres(url: str) -> Probe:
    """Ask whether the database of this address can be used."""

    async def probe() -> None:
        import asyncpg

        try:
            connection = await asyncpg.connect(url, timeout=TRY_S)
            try:
                await connection.execute("SELECT 1")
            finally:
                await connection.close(timeout=TRY_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise NotReady(str(error)) from error

    return probe
