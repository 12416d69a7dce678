"""One live stream: packets in, and on the other side everything the origin answers."""

import time
from collections.abc import Callable, Mapping

import msgspec
import structlog

from media.codecs import rfc6381
from media.hls.answers import Answer
from media.hls.events import event_box
from media.hls.planner import Plan, Planner
from media.hls.segmenter import AUDIO, VIDEO, Output, Packager
from media.hls.window import LiveSegment, Window
from media.meter import TrackMeter
from media.packets import CodecConfig, Cue, CueKind, Discontinuity, MediaEvent, Packet, TrackKind
from media.serving import Serving
from media.spool import Spool
from schemas.ids import SessionId
from schemas.ingest import TrackHealth

log = structlog.get_logger()

MISSED_PER_SEGMENT = 3
"""Older segments that are offered to the spool again beside each new one."""


MAX_EARLY_CUES = 32
"""Timed metadata that may wait for the stream's plan; more is dropped."""


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
        self.spool = spool
        self.serving = Serving(session_id, spool)
        self._on_playable = on_playable
        self._planner = Planner(part_s=part_s, segment_s=segment_s)
        self._plan: Plan | None = None
        self._packager: Packager | None = None
        self.windows = self.serving.windows
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._meters: dict[TrackKind, TrackMeter] = {}
        self._discontinuities = 0
        self._late_tracks = 0
        self._early_cues: list[Cue] = []
        self._events = 0
        self._log = log.bind(session=session_id)

    @property
    def is_playable(self) -> bool:
        """Whether every rendition has its first part; stays true. `on_playable` is called when it turns so."""
        return self.serving.is_open

    @property
    def is_ended(self) -> bool:
        """Whether nothing is taken any more."""
        return self.serving.is_ended

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

    def add_cue(self, cue: Cue) -> None:
        """Show players timed metadata or a caption; before there is a plan it waits, the first `MAX_EARLY_CUES`."""
        if self.is_ended:
            return
        if self._packager is None:
            if len(self._early_cues) < MAX_EARLY_CUES:
                self._early_cues.append(cue)
            return
        if self.serving.annotate(cue) and cue.kind is CueKind.DATA:
            self._events += 1
            self._packager.annotate(event_box(cue, self._events))

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
        self.serving.target_duration_s = plan.target_duration_s
        for name, track in tracks.items():
            if track is not None:
                self.windows[name] = Window(
                    name,
                    target_duration_s=plan.target_duration_s,
                    part_target_s=track.part_target_s,
                    part_hold_back_s=plan.part_hold_back_s,
                    clock_offset_s=plan.clock_offset_s,
                    frame_rate=1 / track.frame_s if name == VIDEO else 0.0,
                )
        self._log.info(
            "stream planned",
            target_duration_s=plan.target_duration_s,
            video=plan.video and rfc6381(plan.video.config),
            audio=plan.audio and rfc6381(plan.audio.config),
        )
        early, self._early_cues = self._early_cues, []
        for cue in early:
            self.add_cue(cue)
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
        if not self.is_playable and all(window.segments for window in self.windows.values()):
            self.serving.is_open = True
            self._on_playable()
        self.serving.changed()

    def end(self) -> None:
        """Write what is held, end the playlists and let go of whoever waits. What exists can still be fetched."""
        if self.is_ended:
            return
        if self._packager is not None:
            self._publish(self._packager.finish())
        self.serving.end()

    def close(self) -> None:
        """Drop everything, on disk too. The stream is ended if it still ran."""
        self.end()
        self.serving.close()
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

    # --- what the stream is ----------------------------------------------------------------------------------

    def multivariant(self) -> Answer:
        """Answer a request for the multivariant playlist; its URIs begin with the session's id."""
        return self.serving.multivariant()

    async def get(self, file: str, query: Mapping[str, str]) -> Answer:
        """Answer a request for a file of this stream. Waits up to three target durations for what is to come."""
        return await self.serving.get(file, query)

    @property
    def waiters(self) -> int:
        """Requests that wait right now."""
        return self.serving.waiters

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
