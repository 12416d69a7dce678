"""A source that is played over RTSP (RFC 2326) or RTSPS, interleaved in its one connection.

FFmpeg speaks the protocol, in the child; it is led to a port of this machine, from which the relay leads on to the
server that was checked. So the child connects nowhere else, TLS is checked against the real name, and an answer that
would send FFmpeg to another server never reaches it (`rtsp_replies`).
"""

import asyncio
from urllib.parse import quote, urlsplit

from config.addresses import Reach
from media.relay.dialling import dial
from media.relay.job import Setback
from media.relay.pull.address import SourceAddress
from media.relay.pull.demuxing import Demuxing
from media.relay.pull.intake import STALLED, Intake
from media.relay.pull.messages import Open
from media.relay.pull.rtsp_replies import BadReply, Redirected, Replies
from media.relay.pull.streaming import demux
from media.relay.racing import race

READ_BYTES = 64 * 1024
CHILD_S = 15.0
"""For the child to start and to connect."""
LOCALHOST = "127.0.0.1"


class RtspSource:
    """One stream of a server."""

    def __init__(self, address: SourceAddress, reach: Reach) -> None:
        self._address = address
        self._reach = reach

    async def run(self, intake: Intake) -> None:
        """Play it until the server ends it. Raises `Setback`, `Forbidden`."""
        is_secure = self._address.kind == "rtsps"
        reader, writer = await dial(self._reach, self._address.host, self._address.port, is_secure=is_secure)
        try:

            async def feed(demuxing: Demuxing) -> None:
                async with _Door() as door:
                    await demuxing.open(Open(url=_local_url(self._address, door.port)))
                    await _lead(await door.opened(), (reader, writer), intake)

            await demux(intake, feed)
        finally:
            writer.transport.abort()
        raise Setback(STALLED)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Door:
    """A port of this machine that lets one connection in."""

    async def __aenter__(self) -> "_Door":
        self._first: asyncio.Future[Streams] = asyncio.get_running_loop().create_future()
        self._server = await asyncio.start_server(self._enter, LOCALHOST, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        if self._first.done() and not self._first.cancelled():
            self._first.result()[1].transport.abort()

    async def opened(self) -> Streams:
        """Wait for the child. Raises `Setback`."""
        try:
            async with asyncio.timeout(CHILD_S):
                streams = await self._first
        except TimeoutError as error:
            raise Setback("The server is too busy.") from error
        self._server.close()
        return streams

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._first.done():
            writer.transport.abort()
        else:
            self._first.set_result((reader, writer))


async def _lead(child: Streams, server: Streams, intake: Intake) -> None:
    """Carry both ways until one side ends."""
    try:
        await race(_up(child[0], server[1]), _down(server[0], child[1], intake))
    except Redirected as error:
        raise Setback("The server sends us to another address: use that one.", is_lasting=True) from error
    except BadReply as error:
        raise Setback("The server does not speak RTSP as it should.") from error
    except OSError as error:
        raise Setback(STALLED) from error
    finally:
        child[1].close()


async def _up(child: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
    while data := await child.read(READ_BYTES):
        server.write(data)
        await server.drain()


async def _down(server: asyncio.StreamReader, child: asyncio.StreamWriter, intake: Intake) -> None:
    replies = Replies()
    while data := await server.read(READ_BYTES):
        intake.count(len(data))
        child.write(replies.receive(data))
        await child.drain()


def _local_url(address: SourceAddress, port: int) -> str:
    parts = urlsplit(address.url)
    login = f"{quote(address.user, safe='')}:{quote(address.password, safe='')}@" if address.user else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"rtsp://{login}{LOCALHOST}:{port}{parts.path or '/'}{query}"
