"""A publisher's socket: `RtmpPublisher` sends a stream to any RTMP(S) server, ours or another."""

import asyncio
import socket
import ssl
from types import TracebackType
from typing import Self

from media.packets import CodecConfig, Packet, TrackKind
from media.rtmp import tags
from media.rtmp.address import RtmpUrl, parse_url
from media.rtmp.amf import AmfValue
from media.rtmp.errors import ProtocolError
from media.rtmp.publisher import Rejected, RtmpClient

CONNECT_S = 10.0
"""From the first packet to the server's yes or no."""
WRITE_S = 10.0
"""How long the server may not read before the connection counts as dead."""
CLOSE_S = 2.0
READ_BYTES = 65_536


class PublishFailed(Exception):
    """The server refused or went away. The text is for people and never holds the key."""


class RtmpPublisher:
    """One outgoing stream. `await RtmpPublisher.connect(url)`, then send; `PublishFailed` from any call is final."""

    def __init__(self, core: RtmpClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._core = core
        self._reader = reader
        self._writer = writer
        self._fourccs: dict[TrackKind, str] = {}
        self._failure: str | None = None
        self._listener: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls, url: str, *, tls: ssl.SSLContext | None = None, connection: socket.socket | None = None
    ) -> Self:
        """Connect and publish; returns when the server has accepted.

        `tls` replaces the default context of rtmps; `connection` is a connected socket to use, which is closed in the
        end, whatever happens.
        """
        target = parse_url(url)
        secure = (tls or ssl.create_default_context()) if target.is_secure else None
        core = RtmpClient(target.app, target.tc_url, target.name)
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await _opened(target, secure, connection)
                publisher = cls(core, reader, writer)
                try:
                    await publisher._negotiate()
                except BaseException:
                    writer.transport.abort()
                    raise
        except TimeoutError:
            raise PublishFailed(f"{target.host}:{target.port} did not answer within {CONNECT_S:g} s") from None
        except OSError as error:
            raise PublishFailed(f"{target.host}:{target.port}: {error}") from error
        publisher._listener = asyncio.create_task(publisher._listen(), name="rtmp publisher answers")
        return publisher

    async def send_metadata(self, values: dict[str, AmfValue]) -> None:
        """Send onMetaData."""
        self._core.send_metadata(values)
        await self._flush()

    async def annotate(self, timestamp: int, name: str, *values: AmfValue) -> None:
        """Send data at a time of the stream in milliseconds: "onTextData" with {"text": ...}, "onCuePoint", ..."""
        self._core.send_data(name, *values, timestamp=timestamp)
        await self._flush()

    async def send_config(self, config: CodecConfig, timestamp: int = 0) -> None:
        """Send a track's configuration, before its first packet and whenever it changes."""
        self._fourccs[config.kind] = config.fourcc
        self._send(config.kind, timestamp, tags.config_tag(config))
        await self._flush()

    async def send_packet(self, packet: Packet) -> None:
        """Send a coded frame, `dts` and `pts` in milliseconds. Waits while the server doesn't keep up."""
        self._send(packet.kind, packet.dts, tags.packet_tag(self._fourccs[packet.kind], packet))
        await self._flush()

    def abort(self) -> None:
        """Cut the line without a goodbye, as a lost publisher does; `close` afterwards."""
        self._failure = self._failure or "the connection was cut on our side"
        self._writer.transport.abort()

    async def close(self) -> None:
        """Say goodbye and close; fine to call after a failure."""
        if self._failure is None:
            self._core.unpublish()
            self._writer.writelines(self._core.data_to_send())
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()  # the peer went first, or doesn't read: nothing is left to save

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _send(self, kind: TrackKind, timestamp: int, payload: bytes) -> None:
        send = self._core.send_video if kind is TrackKind.VIDEO else self._core.send_audio
        if payload:
            send(timestamp, payload)

    async def _flush(self) -> None:
        if self._failure is not None:
            raise PublishFailed(self._failure)
        self._writer.writelines(self._core.data_to_send())
        try:
            async with asyncio.timeout(WRITE_S):
                await self._writer.drain()
        except TimeoutError:
            raise PublishFailed(f"the server has read nothing for {WRITE_S:g} s") from None
        except OSError as error:
            if self._listener is not None:  # it may just be reading why
                await asyncio.wait([self._listener], timeout=CLOSE_S)
            raise PublishFailed(self._reason(f"the connection broke: {error}")) from error

    def _reason(self, otherwise: str) -> str:
        return self._failure or otherwise

    async def _negotiate(self) -> None:
        while not self._core.is_publishing:
            self._writer.writelines(self._core.data_to_send())
            if not await self._receive():
                break
        if self._failure is not None:
            raise PublishFailed(self._failure)

    async def _listen(self) -> None:
        """Read what the server says while we send: pings, and the reason when it ends the stream."""
        while self._failure is None and await self._receive():
            self._writer.writelines(self._core.data_to_send())

    async def _receive(self) -> bool:
        """Take what the server sends; return whether there may be more, else `_failure` says why not."""
        try:
            data = await self._reader.read(READ_BYTES)
            events = self._core.receive_data(data)
        except (OSError, ProtocolError) as error:
            self._failure = f"the connection broke: {error}"
            return False
        for event in events:
            if isinstance(event, Rejected):
                self._failure = event.description or event.code or "the server refused the stream"
        if not data and self._failure is None:
            self._failure = "the server closed the connection"
        return self._failure is None


async def _opened(
    target: RtmpUrl, secure: ssl.SSLContext | None, connection: socket.socket | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if connection is None:
        return await asyncio.open_connection(target.host, target.port, ssl=secure)
    try:
        name = target.host if secure else None
        return await asyncio.open_connection(sock=connection, ssl=secure, server_hostname=name)
    except BaseException:
        connection.close()
        raise
