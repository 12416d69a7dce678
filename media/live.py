"""One live stream: packets in, and on the other side everything the origin answers."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
import structlog

from media.codecs import rfc6381
from media.hls.answers import BRIEF, Answer, media_answer, playlist_answer, refusal
from media.hls.directives import BadDirective, read_position, wants_delta
from media.hls.planner import Plan, Planner
from media.hls.segmenter import AUDIO, VIDEO, Output, Packager
from media.hls.variants import write_variants
from media.hls.window import LiveSegment, Window
from media.meter import TrackMeter
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind
from media.spool import Spool
from schemas.ids import SessionId
from schemas.ingest import TrackHealth

log = structlog.get_logger()

MAX_WAITERS = 10_000
"""Requests of one stream that may wait for what comes next. Web joins equal ones, so a handful is usual."""
MISSED_PER_SEGMENT = 3
"""Older segments that are offered to the spool again beside each new one."""

_FILE = re.compile(
    r"(?P<rendition>video|audio)"
    r"(?:(?P<playlist>\.m3u8)|-init-(?P<init>[0-9]{1,9})\.mp4|-(?P<msn>[0-9]{1,9})(?:-(?P<part>[0-9]{1,6}))?\.m4s)"
)


class StreamStats(msgspec.Struct, frozen=True):
    """What a heartbeat tells of a stream."""

    video: TrackHealth | None
    audio: TrackHealth | None
    dropped_packets: int
    discontinuities: int
    media_bytes: int


class LiveStream:
    """A running or ended stream. `feed` and the rest are for the loop's thread; nothing but `get` waits."""

    def __init__(
        self,
        session_id: SessionId,
        *,
        part_s: float,
        segment_s: float,
        spool: Spool,
        on_playable: Callable[[], None] = lambda: None,
    ) -> None:
        self.session_id = session_id
        self.is_playable = False
        """Whether every rendition has its first part; stays true. `on_playable` is called when it turns so."""
        self.is_ended = False
        self.spool = spool
        self._on_playable = on_playable
        self._planner = Planner(part_s=part_s, segment_s=segment_s)
        self._plan: Plan | None = None
        self._packager: Packager | None = None
        self.windows: dict[str, Window] = {}
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._meters: dict[TrackKind, TrackMeter] = {}
        self._discontinuities = 0
        self._late_tracks = 0
        self._is_closed = False
        self._change: asyncio.Future[None] | None = None
        self.waiters = 0
        """Requests that wait right now; at most `MAX_WAITERS`."""
        self._texts: dict[tuple[str, bool], bytes] = {}
        self._log = log.bind(session=session_id)

    # --- packets in ------------------------------------------------------------------------------------------

    def feed(self, event: MediaEvent, now: float) -> None:
        """Take the next event of the timeline; `now` is wall clock time in seconds.

        Raises `UnsupportedCodec` for a configuration that HLS cannot carry.
        """
        if self.is_ended:
            return
        if isinstance(event, Packet):
            meter = self._meters.get(event.kind)
            if meter is not None:
                meter.count(event, now)
        elif isinstance(event, Discontinuity):
            self._discontinuities += 1
        packager = self._packager
        if packager is not None:
            outputs = packager.feed(event)
            if outputs:
                self._publish(outputs)
            if len(packager.late_tracks) > self._late_tracks:
                self._late_tracks = len(packager.late_tracks)
                self._log.warning("track came too late, dropped", tracks=sorted(k.value for k in packager.late_tracks))
        else:
            plan = self._planner.feed(event, now)
            if plan is not None:
                self._begin(plan)
        if isinstance(event, CodecConfig):
            self._configure(event)

    def _configure(self, config: CodecConfig) -> None:
        self._configs[config.kind] = config
        meter = self._meters.get(config.kind)
        if meter is None:
            self._meters[config.kind] = TrackMeter(config)
        else:
            meter.configure(config)

    def _begin(self, plan: Plan) -> None:
        self._plan = plan
        self._packager = packager = Packager(plan)
        tracks = {VIDEO: plan.video, AUDIO: plan.audio}
        self.windows = {
            name: Window(
                name,
                target_duration_s=plan.target_duration_s,
                part_target_s=track.part_target_s,
                part_hold_back_s=plan.part_hold_back_s,
                clock_offset_s=plan.clock_offset_s,
            )
            for name, track in tracks.items()
            if track is not None
        }
        self._log.info(
            "stream planned",
            target_duration_s=plan.target_duration_s,
            video=plan.video and rfc6381(plan.video.config),
            audio=plan.audio and rfc6381(plan.audio.config),
        )
        outputs: list[Output] = []
        for packet in self._planner.buffered:
            outputs += packager.feed(packet)
        self._planner.buffered = []
        self._publish(outputs)

    def _publish(self, outputs: list[Output]) -> None:
        """Make all of it visible at once, and wake whoever waits for it."""
        for output in outputs:
            closed = self.windows[output.rendition].apply(output)
            if closed is not None:
                self._store(self.windows[output.rendition], closed)
        self._texts.clear()
        if not self.is_playable and all(window.segments for window in self.windows.values()):
            self.is_playable = True
            self._on_playable()
        self._wake()

    def end(self) -> None:
        """Write what is held, end the playlists and let go of whoever waits. What exists can still be fetched."""
        if self.is_ended:
            return
        if self._packager is not None:
            self._publish(self._packager.finish())
        self.is_ended = True
        for window in self.windows.values():
            window.end()
        self._texts.clear()
        self._wake()

    def close(self) -> None:
        """Drop everything, on disk too. The stream is ended if it still ran."""
        self.end()
        self._is_closed = True
        self.windows = {}
        self.spool.remove(self.session_id)

    # --- disk ------------------------------------------------------------------------------------------------

    def _store(self, window: Window, closed: LiveSegment) -> None:
        """Offer the new segment to the spool, and a few that it could not take before."""
        missed = [
            segment
            for segment in window.segments
            if segment.duration_s is not None and not (segment.is_stored or segment.is_being_stored or segment.is_gap)
        ]
        for segment in [closed, *missed[:MISSED_PER_SEGMENT]]:
            if not segment.is_being_stored:
                self._offer(window, segment)
        expired, window.expired = window.expired, []
        for segment in expired:
            self.spool.forget(self.session_id, window.uri(segment.msn))

    def _offer(self, window: Window, segment: LiveSegment) -> None:
        def done(is_stored: bool) -> None:
            segment.is_being_stored = False
            segment.is_stored = is_stored
            window.forget_stored()

        name = window.uri(segment.msn)
        segment.is_being_stored = self.spool.store(self.session_id, name, segment.chunks(), done)

    async def _bytes(self, window: Window, segment: LiveSegment, part: int | None) -> bytes:
        parts = segment.parts if part is None else segment.parts[part : part + 1]
        chunks = [entry.data for entry in parts if entry.data is not None]
        if len(chunks) == len(parts):
            return b"".join(chunks)
        size = sum(entry.size for entry in parts)
        return await self.spool.read(self.session_id, window.uri(segment.msn), parts[0].offset, size)

    # --- answers ---------------------------------------------------------------------------------------------

    async def get(self, file: str, query: Mapping[str, str]) -> Answer:
        """Answer a request for a file of this stream. Waits up to three target durations for what is to come."""
        match = _FILE.fullmatch(file)
        window = self.windows.get(match["rendition"]) if match else None
        if match is None or window is None or not self.is_playable:
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
            cache = f"public, max-age={6 * self._target_duration_s}"
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

    async def _until(self, is_met: Callable[[], bool]) -> None:
        """Wait until it is met or the stream has ended. Raises `TimeoutError` after three target durations."""
        if is_met() or self.is_ended:
            return
        if self.waiters >= MAX_WAITERS:
            raise TimeoutError
        self.waiters += 1
        try:
            async with asyncio.timeout(3 * self._target_duration_s):
                while not (is_met() or self.is_ended):
                    if self._change is None:
                        self._change = asyncio.get_running_loop().create_future()
                    await asyncio.shield(self._change)
        finally:
            self.waiters -= 1

    def _wake(self) -> None:
        change, self._change = self._change, None
        if change is not None:
            change.set_result(None)

    @property
    def _target_duration_s(self) -> int:
        assert self._plan is not None, "nothing is asked of a stream before its plan"
        return self._plan.target_duration_s

    # --- what the stream is ----------------------------------------------------------------------------------

    def multivariant(self) -> Answer:
        """Answer a request for the multivariant playlist; its URIs begin with the session's id."""
        if self._plan is None or not self.is_playable or self._is_closed:
            return refusal(HTTPStatus.NOT_FOUND)
        return playlist_answer(write_variants(self.session_id, self._plan, self.windows, self._configs).encode())

    @property
    def stats(self) -> StreamStats:
        """How the stream is now."""
        return self.measure(time.time())

    def measure(self, now: float) -> StreamStats:
        """Return how the stream was in the seconds before `now`."""
        video, audio = self._meters.get(TrackKind.VIDEO), self._meters.get(TrackKind.AUDIO)
        packager = self._packager
        return StreamStats(
            video=video.stats(now) if video else None,
            audio=audio.stats(now) if audio else None,
            dropped_packets=self._planner.dropped_packets + (packager.dropped_packets if packager else 0),
            discontinuities=self._discontinuities,
            media_bytes=sum(meter.total_bytes for meter in self._meters.values()),
        )
