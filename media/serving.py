"""What the origin answers of one live stream: playlists that wait, parts, segments, captions, pictures.

`LiveStream` changes the windows and says so by `changed`; nothing here changes media.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

import structlog

from media.hls.answers import (
    BRIEF,
    CAPTIONS_TYPE,
    Answer,
    captions_answer,
    media_answer,
    picture_answer,
    playlist_answer,
    refusal,
)
from media.hls.captions import Captions
from media.hls.dates import DateRanges
from media.hls.directives import BadDirective, Position, read_position, read_skip
from media.hls.playlists import CAPTIONS, Skip, captions_report, write_captions, write_rendition, write_stills
from media.hls.segmenter import AUDIO
from media.hls.variants import write_variants
from media.hls.window import LiveSegment, Window
from media.packets import Cue, CueKind
from media.pictures.stream import FILES as PICTURES
from media.pictures.stream import StreamPictures
from media.resume import Past
from media.spool import Spool
from schemas.ids import SessionId

log = structlog.get_logger()

MAX_WAITERS = 10_000
"""Requests of one stream that may wait for what comes next. Web joins equal ones, so a handful is usual."""

_FILE = re.compile(
    r"(?P<rendition>[a-z0-9]{1,16})"
    r"(?:(?P<playlist>\.m3u8)|(?P<stills>-iframes\.m3u8)|-init-(?P<init>[0-9]{1,9})\.mp4"
    r"|-(?P<msn>[0-9]{1,9})(?:-(?P<part>[0-9]{1,6}))?\.m4s|-(?P<caption>[0-9]{1,9})\.vtt)"
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
        self.pictures: StreamPictures | None = None
        """Thumbnail and storyboard, where they are made."""
        self.captions: Captions | None = None
        """From the first caption on."""
        self.captioned: set[str] = set()
        """Renditions whose pictures carry CEA-608 or 708."""
        self._dates = DateRanges()
        self._session_id = session_id
        self._spool = spool
        self._is_closed = False
        self._change: asyncio.Future[None] | None = None
        self._texts: dict[tuple[str, Skip], bytes] = {}
        self._log = log.bind(session=session_id)

    def resume(self, past: Past) -> None:
        """Answer what another process answered."""
        self.windows.update(past.windows)
        self.target_duration_s = past.planned.target_duration_s
        self.captioned |= past.captioned
        self._dates = past.dates
        if past.captions_language is not None:
            self.captions = Captions(past.lead)
            self.captions.resume(past.texts, past.captions_language)
        self.is_open = True

    # --- what the stream says --------------------------------------------------------------------------------

    def changed(self) -> None:
        """Make what was added to the windows visible, all at once, and wake whoever waits for it."""
        self._texts.clear()
        lead = self._lead
        if lead is not None and lead.segments:
            self._dates.advance(lead.segments[0].start_s, lead.end_s)
        change, self._change = self._change, None
        if change is not None:
            change.set_result(None)

    def annotate(self, cue: Cue) -> bool:
        """List a cue, or show it as a caption; False where that is not possible or done already. Needs the plan."""
        lead = self._lead
        assert lead is not None, "a plan has a rendition"
        if cue.kind is CueKind.DATA:
            is_new = self._dates.add(cue, lead.clock_offset_s)
        else:
            if self.captions is None:
                self.captions = Captions(lead)
            is_new = self.captions.add(cue)
        self._texts.clear()
        return is_new

    @property
    def _lead(self) -> Window | None:
        return next(iter(self.windows.values()), None)

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
        language = None if self.captions is None else self.captions.language
        written = write_variants(self._session_id, self.windows, captions_language=language, captioned=self.captioned)
        return playlist_answer(written.encode())

    async def get(self, file: str, query: Mapping[str, str]) -> Answer:
        """Answer a request for a file of this stream. Waits up to three target durations for what is to come."""
        if file.startswith(PICTURES):
            return await self._picture(file)
        match = _FILE.fullmatch(file)
        window = self._window(match["rendition"]) if match else None
        if match is None or window is None or not self.is_open:
            return refusal(HTTPStatus.NOT_FOUND)
        try:
            if match["playlist"] or match["stills"]:
                return await self._playlist(file, window, query)
            if match["rendition"] == CAPTIONS:
                return self._caption(match["caption"])
            if match["init"]:
                init = window.inits.get(int(match["init"]))
                if init is None:
                    return refusal(HTTPStatus.NOT_FOUND)
                return media_answer(init.data, is_audio=window.name == AUDIO)
            if match["msn"] is None:
                return refusal(HTTPStatus.NOT_FOUND)
            return await self._media(window, int(match["msn"]), None if match["part"] is None else int(match["part"]))
        except BadDirective:
            return refusal(HTTPStatus.BAD_REQUEST)
        except TimeoutError:
            # Blocked for longer than three target durations: RFC 8216bis, 6.2.5.2.
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE)

    async def _picture(self, file: str) -> Answer:
        picture = await self.pictures.get(file) if self.pictures is not None else None
        if picture is None or self._is_closed:
            return refusal(HTTPStatus.NOT_FOUND)
        kind = "image/jpeg" if file.endswith(".jpg") else CAPTIONS_TYPE
        return picture_answer(picture, kind, is_final=file.startswith("storyboard-"))

    def _window(self, rendition: str) -> Window | None:
        """Return the window that a rendition's positions count in."""
        if rendition == CAPTIONS:
            return self.captions.lead if self.captions else None
        return self.windows.get(rendition)

    async def _playlist(self, file: str, window: Window, query: Mapping[str, str]) -> Answer:
        """RFC 8216bis, 6.2.5."""
        name = file.removesuffix(".m3u8")
        if name not in self.windows and not self._is_beside(name, window):
            return refusal(HTTPStatus.NOT_FOUND)
        cache = BRIEF
        if not self.is_ended and (position := read_position(query)) is not None:
            if name not in self.windows:
                position = Position(position.msn, None)  # there are no parts to wait for
            position.check_reach(window)
            # The answer to a position does not depend on when it is asked for; plain ones change at any time.
            cache = f"public, max-age={6 * self.target_duration_s}"
            await self._until(lambda: window.has(position.msn, position.part))
        if self._is_closed:
            return refusal(HTTPStatus.NOT_FOUND)
        return playlist_answer(self._text(name, window, read_skip(query)), cache)

    @staticmethod
    def _is_beside(name: str, window: Window) -> bool:
        """Whether it goes with that window: captions, or the keyframes of pictures."""
        return name == CAPTIONS or (name == f"{window.name}-iframes" and window.name != AUDIO)

    def _text(self, name: str, window: Window, skip: Skip) -> bytes:
        key = (name, skip)
        written = self._texts.get(key)
        if written is None:
            written = self._texts[key] = self._write(name, window, skip).encode()
        return written

    def _write(self, name: str, window: Window, skip: Skip) -> str:
        if name not in self.windows and name != CAPTIONS:
            return write_stills(window, self._dates, skip)
        # 6.2.5.3: each playlist tells how far the others are; those of keyframes are not played along with them.
        reports = [other.report() for other in self.windows.values() if other.name != name]
        if name == CAPTIONS:
            return write_captions(window, reports, self._dates, skip)
        if self.captions is not None:
            reports.append(captions_report(self.captions.lead))
        return write_rendition(window, reports, self._dates, skip)

    def _caption(self, msn: str | None) -> Answer:
        text = self.captions.find(int(msn)) if self.captions and msn is not None else None
        if text is None or self._is_closed:
            return refusal(HTTPStatus.NOT_FOUND)
        return captions_answer(text)

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
            # Storage removes segments that it has, once no live playlist needs them: who asks for them gets them there.
            self._log.debug("segment unreadable", file=window.uri(msn), reason=error.strerror or str(error))
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
