"""Reads one container after another: bytes in, packets out. MPEG-TS by our own demuxer, all others by FFmpeg's.

Runs in the child. FFmpeg opens nothing but what it is given: a playlist or a description that names other addresses is
no container here. Errors: `Unreadable` (the text is a sentence for the owner).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, Protocol

import av
from av.container import InputContainer

from media.codecs import BadConfig
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet
from media.relay.pull.tracks import AvPacket, Track, Unit, Unsupported, choose
from media.ts.demux import Demuxer, NotTransportStream
from media.ts.demux import Unsupported as UnsupportedInStream
from media.ts.tables import PACKET_BYTES, SYNC

FORMATS = "mpegts,mov,mp4,m4a,matroska,webm,flv,live_flv,ogg,aac,mp3,flac,ac3,eac3"
"""Containers that refer to nothing outside of themselves."""
LOOKED_AT = 3 * PACKET_BYTES + PACKET_BYTES
"""Bytes that show whether it is a transport stream."""
READ_BYTES = 64 * 1024
PROBE_BYTES = 4 << 20
PROBE_US = "3000000"
"""How much, and how much time of, a stream FFmpeg looks at before it gives anything out."""
READ_TIMEOUT_S = 15.0
"""Without bytes over a relayed connection; the parent's own patience ends before."""
NO_MEDIA = "What comes from there is no stream that can be read."
NOTHING = "Nothing comes from there."
BROKEN = "The stream is broken."


class Unreadable(Exception):
    """There is nothing (more) to be read."""


class Bytes(Protocol):
    """What FFmpeg reads from."""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, b"" at the end."""


Take = Callable[[Unit], None]


def read_bytes(source: Bytes, take: Take) -> None:
    """Read a container from bytes to its end. Raises `Unreadable`."""
    head = source.read(READ_BYTES)
    while head and len(head) < LOOKED_AT:
        more = source.read(READ_BYTES)
        if not more:
            break
        head += more
    if not head:
        raise Unreadable(NOTHING)
    if is_transport_stream(head):
        _read_transport_stream(head, source, take)
        return
    options = {"probesize": str(PROBE_BYTES), "analyzeduration": PROBE_US}
    with _opened(Rejoined(head, source), options) as container:
        _demux(container, choose_or_refuse(container), take, 0)


def is_transport_stream(head: bytes) -> bool:
    """Return whether bytes hold packets of a transport stream one behind another, perhaps after a torn one."""
    return any(
        len(head) > at + 2 * PACKET_BYTES and all(head[at + n * PACKET_BYTES] == SYNC for n in range(3))
        for at in range(PACKET_BYTES)
    )


class Rejoined:
    """Bytes that were looked at, and those behind them."""

    def __init__(self, head: bytes, source: Bytes) -> None:
        self._head, self._source = head, source

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, b"" at the end."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._source.read(size)


def _read_transport_stream(head: bytes, source: Bytes, take: Take) -> None:
    demuxer = Demuxer()
    data = head
    try:
        while data:
            for unit in demuxer.receive_data(data):
                take(unit)
            data = source.read(READ_BYTES)
    except NotTransportStream as error:
        raise Unreadable(NO_MEDIA) from error
    except UnsupportedInStream as error:
        raise Unreadable(f"The pictures are {error.codec}, which is not carried.") from error
    for unit in demuxer.finish():
        take(unit)


def read_url(url: str, take: Take) -> None:
    """Read an RTSP address of this machine, where the relay leads to the real one. Raises `Unreadable`."""
    options = {
        "rtsp_transport": "tcp",
        "protocol_whitelist": "tcp,rtp,rtsp",
        "allowed_media_types": "video+audio",
        "analyzeduration": PROBE_US,
        "timeout": str(round(READ_TIMEOUT_S * 1e6)),
    }
    try:
        container = av.open(url, format="rtsp", options=options, timeout=READ_TIMEOUT_S)
    except (av.FFmpegError, OSError) as error:
        raise Unreadable(rtsp_reason(error)) from error
    with container:
        _demux(container, choose_or_refuse(container), take, 0)


def read_file(path: Path, take: Take) -> NoReturn:
    """Read a file again and again, its time going on. Raises `Unreadable`."""
    offset = 0
    while True:
        with path.open("rb") as file, _opened(file, {}) as container:
            tracks = choose_or_refuse(container)
            start = container.start_time or 0
            offset -= start * VIDEO_TIMESCALE // av.time_base
            _demux(container, tracks, take, offset)
        ends = [track.end for track in tracks.values() if track.end is not None]
        if not ends:
            raise Unreadable(NO_MEDIA)
        offset += max(ends)


def choose_or_refuse(container: InputContainer) -> dict[int, Track]:
    """Return the tracks to read. Raises `Unreadable`."""
    try:
        return choose(container)
    except Unsupported as error:
        raise Unreadable(str(error)) from error


def rtsp_reason(error: Exception) -> str:
    """Return why an RTSP server gives nothing, in words."""
    if isinstance(error, av.HTTPUnauthorizedError):
        return "The server wants another user name or password."
    if isinstance(error, av.HTTPNotFoundError):
        return "The server has no such stream."
    return "The server does not give the stream over RTSP."


def _opened(source: Bytes, options: dict[str, str]) -> InputContainer:
    try:
        return av.open(
            source,
            mode="r",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "none", **options},
            io_open=_refuse,
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise Unreadable(NO_MEDIA) from error


def _refuse(url: str, flags: int, options: object) -> NoReturn:  # noqa: ARG001  # PyAV's signature
    raise PermissionError("a container names another address")


def _demux(container: InputContainer, tracks: dict[int, Track], take: Take, offset: int) -> None:
    streams = [container.streams[index] for index in tracks]
    try:
        for packet in container.demux(streams):
            for unit in _units(tracks[packet.stream_index], packet, offset):
                take(unit)
    except (av.FFmpegError, OSError) as error:
        raise Unreadable(BROKEN) from error


def _units(track: Track, packet: AvPacket, offset: int) -> Iterator[CodecConfig | Packet]:
    try:
        yield from track.read(packet, offset)
    except BadConfig:
        return  # one broken frame, or a configuration that cannot be; the next may be whole
