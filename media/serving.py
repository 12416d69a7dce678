"""What the origin answers of one live stream: playlists that wait, parts, segments, initialization sections.

`LiveStream` changes the windows and says so by `changed`; nothing here changes media.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

import structlog

from media.hls.answers import BRIEF, Answer, media_answer, playlist_answer, refusal
from media.hls.directives import BadDirective, read_position, wants_delta
from media.hls.segmenter import AUDIO
from media.hls.variants import write_variants
from media.hls.window import LiveSegment, Window
from media.spool import Spool
from schemas.ids import SessionId

log = structlog.get_logger()

MAX_WAITERS = 10_000
"""Requests of one stream that may wait for what comes next. Web joins equal ones, so a handful is usual."""

_FILE = re.compile(
    r"(?P<rendition>[a-z0-9]{1,16})"
    r"(?:(?P<playlist>\.m3u8)|-init-(?P<init>[0-9]{1,9})\.mp4|-(?P<msn>[0-9]{1,9})(?:-(?P<part>[0-9]{1,6}))?\.m4s)"
)


class Serving:
    """The answering half of a stream. All methods are for the loop's thread; nothing but `get` waits."""

    def __init__(self, session_id: SessionId, spool: Spool) -> None:
        self.windows: dict[str, Window] = {}
        """All renditions by name, "video" or "audio" first; the stream adds to it."""
        self.target_duration_s = 0
        """Set with the plan, before `is_open`."""
        self.is_open = False
        """Whether every rendition that is waited for has its first part."""
        self.is_ended = False
        self.waiters = 0
        """Requests that wait right now; at most `MAX_WAITERS`."""
        self._session_id = session_id
        self._spool = spool
        self._is_closed = False
        self._change: asyncio.Future[None] | None = None
        self._texts: dict[tuple[str, bool], bytes] = {}
        self._log = log.bind(session=session_id)

    # --- what the stream says --------------------------------------------------------------------------------

    def changed(self) -> None:
        """Make what was added to the windows visible, all at once, and wake whoever waits for it."""
        self._texts.clear()
        change, self._change = self._change, None
        if change is not None:
            change.set_result(None)

    def end(self) -> None:
        """End the playlists and let go of whoever waits. What exists can still be fetched."""
        self.is_ended = True
        for window in self.windows.values():
            window.end()
        self.changed()

    def close(self) -> None:
        """Answer nothing any more."""
        self._is_closed = True
        self.windows.clear()

    # --- answers ---------------------------------------------------------------------------------------------

    def multivariant(self) -> Answer:
        """Answer a request for the multivariant playlist; its URIs begin with the session's id."""
        if not self.is_open or self._is_closed:
            return refusal(HTTPStatus.NOT_FOUND)
        return playlist_answer(write_variants(self._session_id, self.windows).encode())

    async def get(self, file: str, query: Mapping[str, str]) -> Answer:
        """Answer a request for a file of this stream. Waits up to three target durations for what is to come."""
        match = _FILE.fullmatch(file)
        window = self.windows.get(match["rendition"]) if match else None
        if match is None or window is None or not self.is_open:
            return refusal(HTTPStatus.NOT_FOUND)
        try:
            if match["playlist"]:
                return await self._media_playlist(window, query)
            if match["init"]:
                init = window.inits.get(int(match["init"]))
                if init is None:
                    return refusal(HTTPStatus.NOT_FOUND)
                return media_answer(init.data, is_audio=window.name == AUDIO)
            return await self._media(window, int(match["msn"]), None if match["part"] is None else int(match["part"]))
        except BadDirective:
            return refusal(HTTPStatus.BAD_REQUEST)
        except TimeoutError:
            # Blocked for longer than three target durations: RFC 8216bis, 6.2.5.2.
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE)

    async def _media_playlist(self, window: Window, query: Mapping[str, str]) -> Answer:
        """RFC 8216bis, 6.2.5."""
        cache = BRIEF
        if not self.is_ended and (position := read_position(query)) is not None:
            position.check_reach(window)
            # The answer to a position does not depend on when it is asked for; plain ones change at any time.
            cache = f"public, max-age={6 * self.target_duration_s}"
            await self._until(lambda: window.has(position.msn, position.part))
        if self._is_closed:
            return refusal(HTTPStatus.NOT_FOUND)
        return playlist_answer(self._text(window, is_delta=wants_delta(query)), cache)

    def _text(self, window: Window, *, is_delta: bool) -> bytes:
        key = (window.name, is_delta)
        written = self._texts.get(key)
        if written is None:
            reports = [other.report() for other in self.windows.values() if other is not window]
            written = self._texts[key] = window.write(reports, is_delta=is_delta).encode()
        return written

    async def _media(self, window: Window, msn: int, part: int | None) -> Answer:
        if not self.is_ended and part is not None and (msn, part) == window.next_part:
            # The hinted part: wait until it is there, or another came in its place (6.2.6).
            await self._until(lambda: window.next_part != (msn, part))
        segment = window.find(msn)
        if segment is None or segment.is_gap or self._is_closed:
            return refusal(HTTPStatus.NOT_FOUND)
        if segment.duration_s is None if part is None else part >= len(segment.parts):
            return refusal(HTTPStatus.NOT_FOUND)
        try:
            body = await self._bytes(window, segment, part)
        except OSError as error:
            self._log.error("segment unreadable", file=window.uri(msn), reason=error.strerror or str(error))
            return refusal(HTTPStatus.NOT_FOUND)
        return media_answer(body, is_audio=window.name == AUDIO)

    async def _bytes(self, window: Window, segment: LiveSegment, part: int | None) -> bytes:
        parts = segment.parts if part is None else segment.parts[part : part + 1]
        chunks = [entry.data for entry in parts if entry.data is not None]
        if len(chunks) == len(parts):
            return b"".join(chunks)
        size = sum(entry.size for entry in parts)
        return await self._spool.read(self._session_id, window.uri(segment.msn), parts[0].offset, size)

    async def _until(self, is_met: Callable[[], bool]) -> None:
        """Wait until it is met or the stream has ended. Raises `TimeoutError` after three target durations."""
        if is_met() or self.is_ended:
            return
        if self.waiters >= MAX_WAITERS:
            raise TimeoutError
        self.waiters += 1
        try:
            async with asyncio.timeout(3 * self.target_duration_s):
                while not (is_met() or self.is_ended):
                    if self._change is None:
                        self._change = asyncio.get_running_loop().create_future()
                    await asyncio.shield(self._change)
        finally:
            self.waiters -= 1
