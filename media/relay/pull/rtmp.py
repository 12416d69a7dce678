"""A source that is played over RTMP or RTMPS, by our own client: no child, no bytes that FFmpeg has to judge."""

import asyncio
import ssl
from collections.abc import Sequence

from config.addresses import Reach
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet
from media.relay.dialling import dial
from media.relay.job import Setback
from media.relay.pull.address import SourceAddress
from media.relay.pull.intake import STALLED, Intake
from media.relay.pull.pacing import Pacer
from media.rtmp.address import parse_url
from media.rtmp.errors import ProtocolError, Unsupported
from media.rtmp.flv import FlvReader
from media.rtmp.player import Over, RtmpPlayer, Tag

READ_BYTES = 64 * 1024
BURST_S = 3.0
"""Servers send the running GOP at once; what is further ahead is a recording."""
_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
NOT_UNDERSTOOD = "The server does not speak RTMP as it should."


class RtmpSource:
    """One stream of a server."""

    def __init__(self, address: SourceAddress, reach: Reach) -> None:
        self._address = address
        self._reach = reach

    async def run(self, intake: Intake) -> None:
        """Play it until the server ends it. Raises `Setback`, `Forbidden`."""
        try:
            url = parse_url(self._address.url)
        except ValueError as error:
            raise Setback("An RTMP address ends in /APP/STREAM.", is_lasting=True) from error
        intake.pacer = Pacer(BURST_S)
        reader, writer = await dial(self._reach, url.host, url.port, is_secure=url.is_secure)
        try:
            await _play(RtmpPlayer(url.app, url.tc_url, url.name), reader, writer, intake)
        except (ssl.SSLError, OSError) as error:
            raise Setback(STALLED) from error
        except ProtocolError as error:
            raise Setback(NOT_UNDERSTOOD) from error
        finally:
            writer.transport.abort()


async def _play(core: RtmpPlayer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, intake: Intake) -> None:
    flv = FlvReader()
    while True:
        writer.writelines(core.data_to_send())
        data = await reader.read(READ_BYTES)
        if not data:
            raise Setback(STALLED if core.is_playing else "The server closed the connection.")
        intake.count(len(data))
        for event in core.receive_data(data):
            if isinstance(event, Over):
                raise Setback(STALLED if event.is_end else _refusal(event))
            for unit in _units(flv, event):
                await intake.take(unit)


def _units(flv: FlvReader, tag: Tag) -> Sequence[CodecConfig | Packet]:
    """Return what a tag holds, its stamps in 90 kHz (modulo 2^33, as 2^32 ms are a multiple of that)."""
    try:
        units = flv.video(tag.timestamp, tag.payload) if tag.is_video else flv.audio(tag.timestamp, tag.payload)
    except Unsupported as error:
        raise Setback(f"The stream has {error.codec}, which is not carried.", is_lasting=True) from error
    for unit in units:
        if isinstance(unit, Packet):
            unit.dts *= _TICKS_PER_MS
            unit.pts *= _TICKS_PER_MS
    return units


def _refusal(over: Over) -> str:
    if over.code in {"NetStream.Play.StreamNotFound", "NetStream.Play.Failed"}:
        return "The server has no such stream."
    return "The server refuses the stream."
