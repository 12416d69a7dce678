"""One live stream: packets of all renditions in, and on the other side everything the origin answers."""

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from media.codecs import rfc6381
from media.codecs.cc import carries_captions, has_long_lengths
from media.hls.answers import Answer
from media.hls.boxes import timescale
from media.hls.events import event_box
from media.hls.planner import Plan, Planner
from media.hls.segmenter import AUDIO, RUNG_WAIT_S, VIDEO, Gap, Output, Packager, Part
from media.hls.window import Window
from media.journal.writer import Journal
from media.meter import TrackMeter
from media.packets import VIDEO_TIMESCALE, CodecConfig, Cue, CueKind, Discontinuity, MediaEvent, Packet, TrackKind
from media.pictures.stream import StreamPictures
from media.publication import Description
from media.recorder import Recorder
from media.resume import Past
from media.serving import Serving
from media.shape import Shape
from media.silence import Silence
from media.spool import Spool
from media.transcode.rungs import Rung, Source
from media.wallclock import WallClock
from schemas.ids import SessionId
from schemas.ingest import TrackHealth
from schemas.journal import CaptionsSeen, Ended, Interrupted, Resumed

log = structlog.get_logger()

MAX_EARLY_CUES = 32
"""Timed metadata that may wait for the stream's plan; more is dropped."""
MAX_EARLY_PACKETS = 1_000
"""Packets of one rung that may wait for the plan, 16 s at 60 frames per second; more are dropped."""

_VIDEO = TrackKind.VIDEO  # looking up a member costs 0.2 us in Python 3.11


def _no_rungs(_source: Source) -> Sequence[Rung]:
    return ()


class StreamStats(msgspec.Struct, frozen=True):
    """What a heartbeat tells of a stream."""

    video: TrackHealth | None
    audio: TrackHealth | None
    dropped_packets: int


class LiveStream:
    """A running or ended stream. `feed` and the rest are for the loop's thread; nothing but `get` waits."""

    def __init__(
        self,
        session_id: SessionId,
        *,
        part_s: float,
        segment_s: float,
        spool: Spool,
        journal: Journal | None = None,
        on_playable: Callable[[], None] = lambda: None,
        choose_rungs: Callable[[Source], Sequence[Rung]] = _no_rungs,
        pictures: StreamPictures | None = None,
    ) -> None:
        """`choose_rungs` is called once, as soon as the source is known well enough; what it returns is expected.

        Without a journal everything is in memory, and nothing is recorded.
        """
        self.session_id = session_id
        self.spool = spool
        self.serving = Serving(session_id, spool)
        self.pictures = self.serving.pictures = pictures
        self.windows = self.serving.windows
        self._recorder = Recorder(journal)
        if pictures is not None and journal is not None:
            pictures.on_stored = self._recorder.picture
        self._on_playable = on_playable
        self._choose_rungs = choose_rungs
        self._shape: Shape | None = Shape()  # until the rungs are chosen
        self._planner = Planner(part_s=part_s, segment_s=segment_s)
        self._packager: Packager | None = None
        self._silence = Silence()
        self._clock = WallClock()
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._meters: dict[TrackKind, TrackMeter] = {}
        self._rungs: dict[str, Rung] = {}
        self._rung_configs: dict[str, CodecConfig] = {}
        self._lost_for_ever: set[str] = set()
        self._early: dict[str, list[CodecConfig | Packet]] = {}  # what rungs sent before the plan
        self._is_suspended = False
        self._is_spliced = False  # whether something else than the source is shown
        self._ready_s: float | None = None  # where the source was when it could be played
        self._late_tracks = 0
        self._early_cues: list[Cue] = []
        self._events = 0
        self._uncaptioned = ""  # FourCC of the source's video while no captions have been seen inside of it
        self._log = log.bind(session=session_id)

    def resume(self, past: Past) -> None:
        """Go on where another process stopped; once, before anything is fed. What comes next is a `Discontinuity`."""
        self._shape = None
        self._rungs = {rung.name: rung for rung in past.rungs}
        self._rung_configs = {name: config for name, config in past.own.items() if name in self._rungs}
        self._silence.resume(past.own.get(AUDIO))
        self._clock.resume(past.clock_offset_s)
        self._events = past.events
        for record in past.settle():
            self._recorder.add(record)
        self._packager = Packager(past.plan())
        self._packager.resume(past.standings(), past.end_s, past.own)
        self.serving.resume(past)
        if self.pictures is not None:
            self.pictures.resume(past.pictures)
        self._record()

    @property
    def is_playable(self) -> bool:
        """Whether every rendition has its first part, or has been waited for; `on_playable` is called when it turns so.

        It stays true.
        """
        return self.serving.is_open

    @property
    def is_ended(self) -> bool:
        """Whether nothing is taken any more."""
        return self.serving.is_ended or self._is_suspended

    # --- the source ------------------------------------------------------------------------------------------

    def feed(self, event: MediaEvent, now: float) -> bool:
        """Take the next event of the timeline; `now` is wall clock time in seconds.

        Returns whether a segment began with this packet of the leading rendition, or since the one before: rungs want
        a keyframe there. Raises `UnsupportedCodec` for a configuration that HLS cannot carry.
        """
        if self.is_ended:
            return False
        packager = self._packager
        if isinstance(event, Packet):
            kind = event.kind
            if self._is_spliced:
                self._rejoin()
            meter = self._meters.get(kind)
            if meter is not None:
                meter.count(event, now)
            if kind is _VIDEO:
                if self._uncaptioned and carries_captions(self._uncaptioned, event.data):
                    self._see_captions(VIDEO)
                    self._uncaptioned = ""
                if event.is_keyframe and self.pictures is not None:
                    self.pictures.offer(self._configs[kind], event, event.pts / VIDEO_TIMESCALE)
                self._clock.arrive(event.dts / VIDEO_TIMESCALE, now)
                if self._shape is not None:
                    self._choose(self._shape.count(event))
            elif packager is None or VIDEO not in self.windows:
                self._clock.arrive(event.dts / self._audio_rate, now)
            for each in self._silence.feed(event):
                self._package(each)
            if packager is None:
                return kind is _VIDEO and event.is_keyframe
            if kind is _VIDEO:
                begins, packager.is_boundary = packager.is_boundary, False
                return begins
            return False
        if isinstance(event, Discontinuity):
            self._clock.reanchor()
            if self._shape is not None:
                self._shape.begin_again()
        for each in self._silence.feed(event):
            self._package(each)
        if isinstance(event, CodecConfig):
            self._configure(event)
        elif self._is_spliced:
            self._rejoin()
        return False

    def observe(self, event: CodecConfig | Packet, now: float) -> None:
        """Measure the source's sound, of which only what the child makes of it is packaged (`feed_rung`)."""
        if isinstance(event, Packet):
            meter = self._meters.get(event.kind)
            if meter is not None:
                meter.count(event, now)
            return
        self._measure(event)
        self._silence.wait_s = RUNG_WAIT_S
        self._planner.track_wait_s = 2 * RUNG_WAIT_S  # there will be silence before that
        if self._packager is not None:
            self._packager.wait_for_sound(RUNG_WAIT_S)

    def describe(self, description: Description) -> None:
        """Take what the publisher says of its stream."""
        if self._shape is not None:
            self._choose(self._shape.describe(description))

    def _configure(self, config: CodecConfig) -> None:
        self._configs[config.kind] = config
        self._measure(config)
        if config.kind is _VIDEO and VIDEO not in self.serving.captioned:
            self._uncaptioned = config.fourcc if has_long_lengths(config) else ""
        if config.kind is _VIDEO and self._shape is not None:
            self._choose(self._shape.configure(config))

    def _measure(self, config: CodecConfig) -> None:
        meter = self._meters.get(config.kind)
        if meter is None:
            self._meters[config.kind] = TrackMeter(config)
        else:
            meter.configure(config)

    @property
    def _audio_rate(self) -> int:
        return timescale(self._configs[TrackKind.AUDIO])

    # --- the ladder ------------------------------------------------------------------------------------------

    def _choose(self, source: Source | None) -> None:
        if source is None:
            return
        self._shape = None
        self.expect(self._choose_rungs(source))

    def expect(self, rungs: Sequence[Rung]) -> None:
        """List these renditions too. Once, before the plan."""
        assert self._packager is None, "what playlists promise can not change"
        self._rungs = {rung.name: rung for rung in rungs}
        self._early = {rung.name: [] for rung in rungs}
        self._planner.expect({rung.name: rung.frame_rate for rung in rungs})

    def feed_rung(self, name: str, event: CodecConfig | Packet) -> None:
        """Take what the child made: of an expected rung, or the sound as "audio". Raises `UnsupportedCodec`."""
        if self.is_ended or (self._is_spliced and isinstance(event, Packet)):
            return  # it is of what was shown before
        if name == AUDIO:
            if isinstance(event, CodecConfig):
                self._configs[event.kind] = event
            for each in self._silence.feed(event):
                self._package(each)
            return
        captioned = self.serving.captioned
        if isinstance(event, CodecConfig):
            self._rung_configs[name] = event
        elif VIDEO in captioned and name not in captioned and name in self._rung_configs:
            self._look_for_captions(name, event)
        if self._packager is None:
            early = self._early[name]
            if len(early) < MAX_EARLY_PACKETS:
                early.append(event)
        elif not self._is_spliced:
            self._publish(self._packager.feed_rung(name, event))

    def _look_for_captions(self, name: str, packet: Packet) -> None:
        """The source has captions inside of its pictures; encoders pass them on, or do not."""
        if carries_captions(self._rung_configs[name].fourcc, packet.data):
            self._see_captions(name)

    def _see_captions(self, name: str) -> None:
        self.serving.captioned.add(name)
        if self._packager is not None:
            self._recorder.add(CaptionsSeen(name))

    def lose(self, name: str, *, for_ever: bool) -> None:
        """A rung is away: its segments are gaps until packets come again; for ever: nobody is told of it any more."""
        if self.is_ended or name not in self._rungs:  # where the sound is, silence comes by itself
            return
        if for_ever:
            self._lost_for_ever.add(name)
            if name in self.windows:
                self.windows[name].is_lost = True
        if self._packager is not None:
            self._publish(self._packager.lose(name))

    # --- instead of the source -------------------------------------------------------------------------------

    def splice(self, configs: Mapping[str, CodecConfig], reason: str) -> None:
        """What follows does not join on any rendition, and has these configurations; others keep theirs.

        From here on `feed_track` says what is shown, beside which there is silence, until the source's next event
        that breaks. What the child has yet to say of the source's past is left out.
        """
        if self.is_ended or self._packager is None:
            return
        self._log.info("stream spliced", reason=reason)
        self._is_spliced = True
        self._silence.leave()
        self._publish(self._packager.splice(configs))

    def feed_track(self, name: str, packet: Packet) -> None:
        """Take a packet of what is shown instead of the source, for any rendition."""
        packager = self._packager
        if self.is_ended or packager is None:
            return
        if name in self._rungs:
            self._publish(packager.feed_rung(name, packet))
            return
        for each in self._silence.feed(packet):
            self._package(each)

    def leave_gap(self, until_s: float) -> None:
        """Media time has come here and there is no media: let every rendition have gaps."""
        if not self.is_ended and self._packager is not None:
            self._publish(self._packager.leave_gap(until_s))

    def _rejoin(self) -> None:
        """The source is back: what the child makes of it has its own configurations again."""
        self._is_spliced = False
        assert self._packager is not None, "a splice needs a plan"
        self._publish(self._packager.splice(self._rung_configs))

    # --- packaging -------------------------------------------------------------------------------------------

    def _package(self, event: MediaEvent) -> None:
        packager = self._packager
        if packager is None:
            plan = self._planner.feed(event)
            if plan is not None:
                self._begin(plan)
            return
        outputs = packager.feed(event)
        if outputs:
            self._publish(outputs)
        if len(packager.late_tracks) > self._late_tracks:
            self._late_tracks = len(packager.late_tracks)
            self._log.warning("track came too late, dropped", tracks=sorted(k.value for k in packager.late_tracks))

    def _begin(self, plan: Plan) -> None:
        if plan.video is not None and self._shape is not None:
            plan = self._choose_late(plan)
        self._shape = None
        self._packager = packager = Packager(plan)
        packager.wait_for_sound(self._silence.wait_s)
        self._silence.is_published = True
        self._open_windows(plan)
        self._recorder.plan(plan, self._rungs)
        for name in sorted(self.serving.captioned):
            self._recorder.add(CaptionsSeen(name))
        self._log.info(
            "stream planned",
            target_duration_s=plan.target_duration_s,
            video=plan.video and rfc6381(plan.video.config),
            audio=plan.audio and rfc6381(plan.audio.config),
            rungs=list(plan.rungs),
        )
        early_cues, self._early_cues = self._early_cues, []
        for cue in early_cues:
            self.add_cue(cue)
        outputs: list[Output] = []
        for packet in self._planner.buffered:
            outputs += packager.feed(packet)
        self._planner.buffered = []
        for name, events in self._early.items():
            for event in events:
                outputs += packager.feed_rung(name, event)
        self._early.clear()
        packager.is_boundary = False  # of what is buffered, each keyframe was told to be one
        self._publish(outputs)

    def _choose_late(self, plan: Plan) -> Plan:
        """The plan came before the rungs could be chosen: choose them by what is known."""
        assert self._shape is not None, "they are chosen once"
        self._choose(self._shape.measured())
        return self._planner.with_rungs(plan)

    def _open_windows(self, plan: Plan) -> None:
        self.serving.target_duration_s = plan.target_duration_s
        renditions = {VIDEO: plan.video, AUDIO: plan.audio, **plan.rungs}
        for name, promised in renditions.items():
            if promised is None:
                continue
            rung = self._rungs.get(name)
            self.windows[name] = window = Window(
                name,
                target_duration_s=plan.target_duration_s,
                part_target_s=promised.part_target_s,
                part_hold_back_s=plan.part_hold_back_s,
                clock_offset_s=self._clock.offset_s(0, 0.0),
                frame_rate=0.0 if name == AUDIO else 1 / promised.frame_s,
                configured_bps=rung.bitrate_bps if rung else 0,
            )
            window.is_lost = name in self._lost_for_ever

    def _publish(self, outputs: Sequence[Output]) -> None:
        """Write all of it, make it visible at once, and wake whoever waits for it."""
        if not outputs:
            return
        for output in outputs:
            window = self.windows[output.rendition]
            if isinstance(output, Gap) or (isinstance(output, Part) and not output.index):
                window.clock_offset_s = self._clock.offset_s(output.msn, output.start_s)
            window.apply(output)
            self._recorder.note(window, output)
        self._record()
        if not self.is_playable and self._is_ready():
            self.serving.is_open = True
            self._on_playable()
        self.serving.changed()

    def _record(self) -> None:
        """Write what has been noted; until then nobody but us has seen the windows since they changed."""
        captions = self.serving.captions
        if captions is not None:
            self._recorder.captions(captions.settle(), captions.language)
        self._recorder.commit()
        self._recorder.settle(self.windows)

    def _is_ready(self) -> bool:
        """Whether there is something to show in the source, and in the rungs unless they take too long."""
        source = [window for name, window in self.windows.items() if name not in self._rungs]
        if not all(window.segments for window in source):
            return False
        if all(window.total_bytes or window.is_lost for name, window in self.windows.items() if name in self._rungs):
            return True
        end_s = source[0].end_s
        if self._ready_s is None:
            self._ready_s = end_s
        return end_s - self._ready_s >= RUNG_WAIT_S

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
            self._recorder.cue(cue, next(iter(self.windows.values())).clock_offset_s, self._events)
            self._recorder.commit()

    def note_interruption(self, media_s: float) -> None:
        """The publisher is gone from this media time on."""
        self._note(Interrupted(media_s))

    def note_return(self, media_s: float) -> None:
        """A publisher's media comes again from this media time on."""
        self._note(Resumed(media_s))

    def _note(self, record: Interrupted | Resumed) -> None:
        if not self.is_ended and self._packager is not None:
            self._recorder.add(record)
            self._recorder.commit()

    def suspend(self) -> None:
        """Take nothing more: the next process goes on. What exists can still be fetched."""
        if not self.is_ended:
            self._is_suspended = True
            self._recorder.close()

    def end(self, reason: str = "") -> None:
        """Write what is held, end the playlists and let go of whoever waits. What exists can still be fetched.

        The journal takes nothing more after the reason of the end.
        """
        if self.is_ended:
            return
        if self._packager is not None:
            self._publish(self._packager.finish())
        self._recorder.add(Ended(reason, time.time_ns() // 1_000_000))
        self._recorder.close()
        if self.pictures is not None:
            self.pictures.end()
        self.serving.end()

    def close(self) -> None:
        """Answer nothing any more. The stream is ended if it still ran; what is on disk is for storage to remove."""
        self.end()
        self.serving.close()

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
        dropped = self._planner.dropped_packets + self._silence.dropped_packets
        return StreamStats(
            video=video.stats(now) if video else None,
            audio=audio.stats(now) if audio else None,
            dropped_packets=dropped + (self._packager.dropped_packets if self._packager else 0),
        )
