"""Valkeys that a test may kill and promote, and an address that leads to whichever it shall."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis

from config.embedded import EmbeddedValkey


class PortValkey(EmbeddedValkey):
    """Listens on a TCP port as well, where a replica can reach it."""

    def __init__(self, place: Path, port: int, *, durable: bool) -> None:
        place.mkdir()
        super().__init__(place / "data", place, durable=durable)
        self.port = port

    def argv(self) -> list[str]:
        more = {"port": str(self.port), "repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1"}
        argv = super().argv()
        for name, value in more.items():
            argv += [f"--{name}", value]
        return argv

    def do(self, *command: str) -> object:
        with Redis.from_url(self.url, protocol=2) as client:
            return client.execute_command(*command)

    def pid(self) -> int:
        with Redis.from_url(self.url, protocol=2) as client:
            return int(client.info("server")["process_id"])

    def kill(self) -> None:
        """End it as a crash would."""
        os.kill(self.pid(), signal.SIGKILL)
        self.stop()


@contextmanager
def valkeys(*ports: int, durable: bool = False) -> Iterator[list[PortValkey]]:
    """Start servers, one for each port."""
    with TemporaryDirectory(prefix="tally-t-", dir="/tmp") as place:
        servers = [PortValkey(Path(place) / str(port), port, durable=durable) for port in ports]
        try:
            for server in servers:
                server.start()
            yield servers
        finally:
            for server in servers:
                server.stop()


class Switch:
    """An address that leads to `port`; what was connected before a change is cut."""

    def __init__(self, listens: int, port: int) -> None:
        self.url = f"redis://127.0.0.1:{listens}"
        self.port = port
        self._writers: set[asyncio.StreamWriter] = set()

    def lead(self, port: int) -> None:
        self.port = port
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        both = {writer, back}
        self._writers |= both
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            self._writers -= both


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            to.write(data)
            await to.drain()
    except ConnectionError:
        return
    finally:
        to.close()


@asynccontextmanager
async def switch(listens: int, port: int) -> AsyncIterator[Switch]:
    """Open a switch."""
    found = Switch(listens, port)
    server = await asyncio.start_server(found.serve, "127.0.0.1", listens)
    try:
        yield found
    finally:
        found.lead(0)
        server.close()
        await server.wait_closed()
