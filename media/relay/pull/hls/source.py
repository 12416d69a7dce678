"""Fetches what the follower names and gives it to a demuxing child; sound that is apart has a child of its own.

One segment is fetched ahead while the one before is played, so that a slow server costs nothing as long as it is fast
enough on average.
"""

import asyncio

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from media.relay.job import Setback
from media.relay.pull.demuxing import Demuxing
from media.relay.pull.fetching import Body, Fetcher
from media.relay.pull.hls.follower import Follower, Next
from media.relay.pull.hls.playlists import (
    MAX_PLAYLIST_BYTES,
    BadPlaylist,
    Key,
    MediaPlaylist,
    Part,
    choose_variant,
    is_multivariant,
    read_media,
)
from media.relay.pull.intake import STALL_S, Intake
from media.relay.pull.messages import Open
from media.relay.pull.pacing import Pacer
from media.relay.pull.played import Played
from media.relay.pull.streaming import demux
from media.relay.racing import together

MAX_SEGMENT_BYTES = 64 << 20
"""10 s of 50 Mb/s."""
MAX_KEY_BYTES = 1024
PLAYLIST_S = 10.0
SEGMENT_S = 30.0
"""At least; a segment may take three times as long as it plays."""
AHEAD = 1
"""Segments that are fetched while one is played; memory holds three of each playlist at the most."""
MOST_MISSING = 3
"""Segments one behind another that are not to be had."""
PAUSE_S = 0.5
"""Before the second try of a file."""
LEAST_PAUSE_S = 0.3
"""Between two looks at a playlist."""
KEY_BYTES = 16
ENDED = "The source has ended."


class HlsSource:
    """A playlist that was fetched, and all it leads to."""

    def __init__(self, fetcher: Fetcher, playlist: Body, played: Played) -> None:
        self._fetcher = fetcher
        self._playlist = playlist
        self._played = played

    async def run(self, intake: Intake) -> None:
        """Follow it to its end."""
        legs = await self._legs(intake)
        if legs[0].mark and self._played.is_known(legs[0].mark):
            raise Setback(ENDED, is_lasting=True)
        intake.pacer = Pacer(0.0)
        intake.stall_s = STALL_S + max(leg.playlist.target_s for leg in legs) * 2
        await together(*(leg.run() for leg in legs))
        self._played.remember(legs[0].mark)

    async def _legs(self, intake: Intake) -> "list[_Leg]":
        text = _text(self._playlist)
        if not is_multivariant(text):
            return [_Leg(self._fetcher, intake, self._playlist.url, await _read(self._playlist))]
        try:
            variant = await asyncio.to_thread(choose_variant, text, self._playlist.url)
        except BadPlaylist as error:
            raise Setback(str(error)) from error
        legs = []
        for url in (variant.url, variant.sound_url):
            if url:
                body = await self._fetcher.read(url, most=MAX_PLAYLIST_BYTES, within_s=PLAYLIST_S)
                intake.count(len(body.data))
                legs.append(_Leg(self._fetcher, intake, body.url, await _read(body)))
        return legs


class _Fetched(msgspec.Struct, frozen=True):
    """A segment as it is demuxed. `init` is given where a container begins."""

    data: bytes
    begins: bool
    init: bytes


class _Leg:
    """One media playlist: fetched by one task, demuxed by another."""

    def __init__(self, fetcher: Fetcher, intake: Intake, url: str, playlist: MediaPlaylist) -> None:
        self.playlist = playlist
        self._fetcher = fetcher
        self._intake = intake
        self._url = url
        self._follower = Follower()
        self._ready: asyncio.Queue[_Fetched | None] = asyncio.Queue(AHEAD)  # full: the fetching task waits
        self._init: tuple[Part | None, bytes] = (None, b"")
        self._key: tuple[str, bytes] = ("", b"")
        self._missing = 0
        self._trouble: Setback | None = None
        self._has_any = False

    @property
    def mark(self) -> str:
        """Return what tells this ended playlist from another; "" while it goes on."""
        segments = self.playlist.segments
        if not self.playlist.is_ended or not segments:
            return ""
        return f"{segments[-1].part.url.partition('?')[0]} {segments[-1].msn} {segments[-1].part.span}"

    async def run(self) -> None:
        """Work to the playlist's end."""
        await demux(self._intake, self._feed)

    async def _feed(self, demuxing: Demuxing) -> None:
        await together(self._fetch(), self._write(demuxing))

    async def _write(self, demuxing: Demuxing) -> None:
        is_open = False
        while (fetched := await self._ready.get()) is not None:
            # Segments without a map are whole by themselves (RFC 8216, section 3.2); packet counters may begin again.
            if fetched.begins or not is_open or not fetched.init:
                if is_open:
                    await demuxing.end()
                await demuxing.open(Open())
                await demuxing.write(fetched.init)
                is_open = True
            await demuxing.write(fetched.data)

    async def _fetch(self) -> None:
        loop, starts_anew = asyncio.get_running_loop(), True
        while True:
            loaded_at = loop.time()
            new = self._follower.take(self.playlist)
            for each in new:
                fetched = await self._segment(each, starts_anew=starts_anew or each.starts_anew)
                starts_anew = fetched is None
                if fetched is not None:
                    await self._ready.put(fetched)
            if self._follower.is_ended:
                if self._trouble is not None and not self._has_any:
                    raise self._trouble
                await self._ready.put(None)
                return
            wait_s = self._follower.reload_s(self.playlist, is_new=bool(new))
            await asyncio.sleep(max(LEAST_PAUSE_S, loaded_at + wait_s - loop.time()))
            self.playlist = await _read(await self._again(self._url, MAX_PLAYLIST_BYTES, PLAYLIST_S))

    async def _segment(self, each: Next, *, starts_anew: bool) -> _Fetched | None:
        """Return a segment; None when it is not to be had. Raises `Setback` after `MOST_MISSING` of these."""
        segment = each.segment
        within_s = max(SEGMENT_S, 3 * segment.duration_s)
        try:
            body = await self._again(segment.part.url, MAX_SEGMENT_BYTES, within_s, segment.part)
            key = await self._key_of(segment.key)
            init = await self._init_of(segment.init, segment.key, key)
        except Setback as trouble:
            self._missing += 1
            if self._missing >= MOST_MISSING:
                raise
            self._trouble = trouble
            return None
        self._missing, self._has_any = 0, True
        iv = segment.key.iv if segment.key is not None else None
        data = _opened(body.data, key, iv or segment.msn.to_bytes(16, "big")) if key else body.data
        return _Fetched(data, starts_anew, init)

    async def _init_of(self, part: Part | None, key: Key | None, opening: bytes) -> bytes:
        if part is None:
            return b""
        if self._init[0] != part:
            data = (await self._again(part.url, MAX_SEGMENT_BYTES, SEGMENT_S, part)).data
            if opening and key is not None and key.iv is not None:  # section 4.3.2.5: encrypted only with an IV
                data = _opened(data, opening, key.iv)
            self._init = (part, data)
        return self._init[1]

    async def _key_of(self, key: Key | None) -> bytes:
        if key is None:
            return b""
        if self._key[0] != key.url:
            data = (await self._again(key.url, MAX_KEY_BYTES, PLAYLIST_S)).data
            if len(data) != KEY_BYTES:
                raise Setback("The stream is encrypted and its key cannot be had.")
            self._key = (key.url, data)
        return self._key[1]

    async def _again(self, url: str, most: int, within_s: float, part: Part | None = None) -> Body:
        """Fetch, and once more if it fails."""
        span = part.span if part is not None else None
        try:
            body = await self._fetcher.read(url, most=most, within_s=within_s, span=span)
        except Setback:
            await asyncio.sleep(PAUSE_S)
            body = await self._fetcher.read(url, most=most, within_s=within_s, span=span)
        self._intake.count(len(body.data))
        return body


async def _read(body: Body) -> MediaPlaylist:
    """Read a media playlist beside the loop: a long one takes a second."""
    try:
        return await asyncio.to_thread(read_media, _text(body), body.url)
    except BadPlaylist as error:
        raise Setback(str(error)) from error


def _text(body: Body) -> str:
    return body.data.decode("utf-8-sig", "replace")


def _opened(data: bytes, key: bytes, iv: bytes) -> bytes:
    """Return a file without its encryption. Raises `Setback`."""
    decryptor, unpadder = Cipher(AES(key), CBC(iv)).decryptor(), PKCS7(128).unpadder()
    try:
        padded = decryptor.update(data) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise Setback("The stream is encrypted with another key.") from error
