"""A source over HTTP: a playlist is followed (`hls`), any other container is read as it comes or as it plays."""

from functools import partial

import aiohttp

from config.addresses import Reach
from media.relay.job import Setback
from media.relay.pull.address import SourceAddress
from media.relay.pull.demuxing import Demuxing
from media.relay.pull.fetching import Body, Fetcher, read_up_to
from media.relay.pull.hls.playlists import MAX_PLAYLIST_BYTES
from media.relay.pull.hls.source import HlsSource
from media.relay.pull.intake import STALLED, Intake
from media.relay.pull.messages import Open
from media.relay.pull.pacing import Pacer
from media.relay.pull.played import Played
from media.relay.pull.streaming import demux

BURST_S = 3.0
"""Live servers send what they have of the running GOP at once; whoever sends further ahead sends a recording."""
HEAD_BYTES = 7
_PLAYLIST = b"#EXTM3U"
_UTF8_MARK = b"\xef\xbb\xbf"
ALREADY_PLAYED = "The source has ended."


class HttpSource:
    """One http or https address."""

    def __init__(self, address: SourceAddress, reach: Reach, played: Played) -> None:
        self._address = address
        self._reach = reach
        self._played = played

    async def run(self, intake: Intake) -> None:
        """Read it to its end."""
        async with Fetcher(self._reach) as fetcher:
            playlist: Body | None = None
            async with fetcher.open(self._address.url) as response:
                head = await _head(response)
                if head.removeprefix(_UTF8_MARK).startswith(_PLAYLIST):
                    playlist = Body(str(response.url), await read_up_to(response, MAX_PLAYLIST_BYTES, head))
                else:
                    await self._stream(response, head, intake)
            if playlist is not None:
                intake.count(len(playlist.data))
                await HlsSource(fetcher, playlist, self._played).run(intake)

    async def _stream(self, response: aiohttp.ClientResponse, head: bytes, intake: Intake) -> None:
        mark = _mark(response)
        if mark and self._played.is_known(mark):
            raise Setback(ALREADY_PLAYED, is_lasting=True)
        intake.pacer = Pacer(0.0 if mark else BURST_S)
        await demux(intake, partial(_feed, response, head, intake))
        if not mark:
            raise Setback(STALLED)
        self._played.remember(mark)


async def _head(response: aiohttp.ClientResponse) -> bytes:
    """Return enough of the beginning to see what it is."""
    head = b""
    while len(head) < len(_UTF8_MARK) + HEAD_BYTES and (piece := await response.content.readany()):
        head += piece
    return head


async def _feed(response: aiohttp.ClientResponse, head: bytes, intake: Intake, demuxing: Demuxing) -> None:
    await demuxing.open(Open())
    intake.count(len(head))
    await demuxing.write(head)
    async for piece in response.content.iter_any():
        intake.count(len(piece))
        await demuxing.write(piece)


def _mark(response: aiohttp.ClientResponse) -> str:
    """Return what tells one state of a file from another; "" for what has no end."""
    length = response.headers.get("Content-Length", "")
    validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    return f"{response.url} {length} {validator}" if length else ""
