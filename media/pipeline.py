"""From one media time to all renditions: what passes through, what the ladder makes, what is shown meanwhile.

`Session` feeds it what its publisher sends and ticks it while there is none. Sound that is AAC-LC passes through;
any other is made into it by a child of its own, so that pictures that are too much for the machine cost no sound.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from config.rungs import ConfiguredRung
from media.codecs import is_aac_lc
from media.feeds import Feeds
from media.interlude import Interlude
from media.journal.writer import Journal
from media.links.messages import SOUND, VIDEO
from media.live import LiveStream
from media.packets import VIDEO_TIMESCALE, CodecConfig, Cue, Discontinuity, MediaEvent, Packet, TrackKind
from media.pictures.link import Pictures
from media.pictures.slates import SlateClip, SlateProfile
from media.publication import Description
from media.resume import Past
from media.spool import Spool
from media.transcode.admission import Admission, Lease
from media.transcode.ladder import choose
from media.transcode.messages import AUDIO, AudioJob, Begin
from media.transcode.rung_state import refused
from media.transcode.rungs import Rung, Source
from media.transcode.transcoder import Transcoder
from schemas.ingest import PublishGrant, RungHealth, TranscoderHealth

log = structlog.get_logger()

MADE_SOUND = AudioJob(sample_rate=48_000, channels=2, bitrate_bps=128_000)
"""What sound becomes that is not AAC-LC already."""
SLATE_AFTER_S = 5.0
"""Slates are asked for this long after the ladder is chosen: a stream's first seconds need the CPU more."""
MAX_HELD = 600
"""Events that are kept for the ladder until it is chosen: half a second of pictures is 120 at most."""
AWAY = "the publisher is away"

_VIDEO_KIND = TrackKind.VIDEO


class Workshop(msgspec.Struct, frozen=True):
    """What a node has for all of its pipelines."""

    part_s: float
    segment_s: float
    spool: Spool
    rungs: Mapping[str, ConfiguredRung]
    admission: Admission
    encoder: str
    preset: str
    pictures: Pictures


class Pipeline:
    """The renditions of one session. All methods but `run` are for the loop's thread and never wait."""

    def __init__(
        self,
        workshop: Workshop,
        grant: PublishGrant,
        journal: Journal | None = None,
        on_playable: Callable[[], None] = lambda: None,
    ) -> None:
        self._channel = grant.channel_name
        self._workshop = workshop
        self._wish = grant.ladder
        self.live = LiveStream(
            grant.session_id,
            part_s=workshop.part_s,
            segment_s=workshop.segment_s,
            spool=workshop.spool,
            journal=journal,
            on_playable=on_playable,
            choose_rungs=self._choose,
            pictures=workshop.pictures.open(grant.session_id),
        )
        self.feeds = Feeds(grant.session_id, grant.channel_id, grant.channel_name, grant.visibility)
        """The same packets for whoever wants them live; rungs by their names."""
        self._source: Source | None = None
        self._rungs: list[Rung] = []
        self._lease: Lease | None = None
        self._video: CodecConfig | None = None  # of the source
        self._picture_maker: Transcoder | None = None
        self._sound_maker: Transcoder | None = None
        self._is_sound_made = False
        self._made: dict[str, CodecConfig] = {}  # what the children said last
        self._held: list[CodecConfig | Packet] | None = []  # pictures until the ladder is chosen
        self._slates: dict[str, SlateClip] = {}
        self._interlude: Interlude | None = None
        self._has_gap = False  # while the publisher is away: there was no slate of the picture when it left
        self._work: asyncio.Queue[Transcoder | None] = asyncio.Queue()  # the two makers, and the end
        self._is_chosen = asyncio.Event()
        self._log = log.bind(channel=grant.channel_name, session=grant.session_id)

    def resume(self, past: Past) -> None:
        """Go on where another process stopped, with the rungs that playlists promise; before anything is fed.

        The publisher is away: there are gaps until it is back, for no slate is ready yet.
        """
        self.live.resume(past)
        if not past.is_interrupted:
            self.live.note_interruption(past.end_s)
        self._has_gap = True
        source, workshop = past.source, self._workshop
        if source is not None:
            self._take(source, workshop.admission.readmit(source, past.rungs, workshop.encoder, workshop.preset))

    async def run(self) -> None:
        """Keep the children running, and have slates ready, until cancelled or ended."""
        try:
            async with asyncio.TaskGroup() as group:
                slates = group.create_task(self._prepare_slates(), name="slates")
                while (maker := await self._work.get()) is not None:
                    group.create_task(maker.run(), name="transcoder")
                slates.cancel()
        finally:
            if self._lease is not None:
                self._lease.release()

    # --- what the publisher sends ----------------------------------------------------------------------------

    def feed(self, event: MediaEvent, now: float) -> None:
        """Take the next event of the timeline; `now` is wall clock time in seconds. Raises `UnsupportedCodec`."""
        if isinstance(event, Packet):
            if event.kind is _VIDEO_KIND:
                is_boundary = self.live.feed(event, now)
                self.feeds.push(VIDEO, event)
                if self._held is not None:
                    if len(self._held) < MAX_HELD:
                        self._held.append(event)
                elif self._picture_maker is not None:
                    self._picture_maker.feed(event, is_boundary=is_boundary)
            elif self._is_sound_made:
                self.live.observe(event, now)
                self.feeds.push(SOUND, event)
                if self._sound_maker is not None:
                    self._sound_maker.feed(event)
            else:
                self.live.feed(event, now)
                self.feeds.push(SOUND, event)
                self.feeds.push(AUDIO, event)
        elif isinstance(event, Discontinuity):
            self._break(event.reason)
            self.live.feed(event, now)
        elif event.kind is _VIDEO_KIND:
            self._configure_video(event)
            self.live.feed(event, now)
            self.feeds.configure(VIDEO, event)
        else:
            self._configure_audio(event, now)

    def _configure_video(self, config: CodecConfig) -> None:
        self._video = config
        if self._held is not None:
            self._held.append(config)
        elif self._picture_maker is not None:
            self._picture_maker.feed_config(config)

    def _configure_audio(self, config: CodecConfig, now: float) -> None:
        self._is_sound_made = not is_aac_lc(config)
        self.feeds.configure(SOUND, config)
        if not self._is_sound_made:
            self.live.feed(config, now)
            self.feeds.configure(AUDIO, config)
            return
        self.live.observe(config, now)
        if self._sound_maker is None:
            begin = Begin([], MADE_SOUND, self._workshop.encoder, self._workshop.preset)
            self._sound_maker = self._hire(Transcoder(begin, self, channel=self._channel))
        self._sound_maker.feed_config(config)

    def _break(self, reason: str) -> None:
        for maker in (self._picture_maker, self._sound_maker):
            if maker is not None:
                maker.break_()
        if self._held is not None:
            self._held.clear()
            if self._video is not None:
                self._held.append(self._video)
        self.feeds.break_(reason)
        if self._interlude is not None:
            self._interlude = None
            for name in self._slates.keys() & self._made.keys():
                self.feeds.configure(name, self._made[name])

    def describe(self, description: Description) -> None:
        """Take what the publisher says of its stream."""
        self.live.describe(description)

    def annotate(self, cue: Cue) -> None:
        """Show this to players."""
        self.live.add_cue(cue)

    # --- the ladder ------------------------------------------------------------------------------------------

    def _choose(self, source: Source) -> Sequence[Rung]:
        """Decide which rungs this stream gets; called once by the live stream, before its plan."""
        workshop = self._workshop
        wanted = choose(source, self._wish, workshop.rungs)
        return self._take(source, workshop.admission.admit(source, wanted, workshop.encoder, workshop.preset))

    def _take(self, source: Source, lease: Lease) -> Sequence[Rung]:
        workshop = self._workshop
        self._source, self._lease, self._rungs = source, lease, lease.rungs
        self.feeds.expect_rate(VIDEO, source.frame_rate)
        for rung in lease.rungs:
            self.feeds.expect_rate(rung.name, rung.frame_rate)
        held, self._held = self._held, None
        if self._rungs:
            begin = Begin(self._rungs, None, workshop.encoder, workshop.preset)
            self._picture_maker = self._hire(Transcoder(begin, self, channel=self._channel, lease=lease))
            for event in held or []:
                if isinstance(event, Packet):
                    self._picture_maker.feed(event)
                else:
                    self._picture_maker.feed_config(event)
        self._log.info(
            "ladder chosen",
            source=f"{source.width}x{source.height}@{source.frame_rate:g}",
            rungs=[rung.name for rung in self._rungs],
            refused={refusal.rung.name: refusal.reason for refusal in lease.refused},
        )
        self._is_chosen.set()
        return self._rungs

    def _hire(self, maker: Transcoder) -> Transcoder:
        self._work.put_nowait(maker)
        return maker

    # A transcoder calls these, in the loop

    def rung_config(self, name: str, config: CodecConfig) -> None:
        """What the child makes of this rendition from here on needs this configuration."""
        if name != AUDIO or self._is_sound_made:
            self.live.feed_rung(name, config)
            self._made[name] = config
            if self._interlude is None or name not in self._slates:
                self.feeds.configure(name, config)

    def rung_packets(self, name: str, packets: list[Packet]) -> None:
        """The child made these; what it still had of a publisher that is gone is left out by the live stream."""
        if name != AUDIO or self._is_sound_made:
            for packet in packets:
                self.live.feed_rung(name, packet)
                if self._interlude is None:
                    self.feeds.push(name, packet)

    def rung_lost(self, name: str, reason: str, *, for_ever: bool) -> None:
        """The child is gone, or gave this rendition up."""
        self._log.warning("rendition lost", rendition=name, reason=reason, for_ever=for_ever)
        self.live.lose(name, for_ever=for_ever)
        if for_ever:
            self._made.pop(name, None)
            self.feeds.lose(name)

    # --- while the publisher is away -------------------------------------------------------------------------

    async def _prepare_slates(self) -> None:
        """Have a slate coded for each rendition that can have one, before it is needed."""
        await self._is_chosen.wait()
        await asyncio.sleep(SLATE_AFTER_S)
        source = self._source
        assert source is not None
        shapes = {rung.name: SlateProfile(rung.width, rung.height, rung.frame_rate) for rung in self._rungs}
        if source.fourcc == "avc1":
            shapes = {VIDEO: SlateProfile(source.width, source.height, source.frame_rate), **shapes}
        for name, profile in shapes.items():
            clip = await self._workshop.pictures.slate(profile)
            if clip is not None:
                self._slates[name] = clip

    @property
    def has_slates(self) -> bool:
        """Whether the leading rendition has something to show."""
        return VIDEO in self._slates

    def interrupt(self, media_s: float) -> None:
        """The publisher is gone: from this media time on there is a slate, or a gap, as `tick` lets it grow."""
        self.live.note_interruption(media_s)
        self._has_gap = not self.has_slates
        self.feeds.break_(AWAY)
        if self._slates:
            self._interlude = Interlude(self._slates, round(media_s * VIDEO_TIMESCALE))
            self.live.splice({name: clip.config for name, clip in self._slates.items()}, AWAY)
            for name, clip in self._slates.items():
                self.feeds.configure(name, clip.config)

    def tick(self, media_s: float) -> None:
        """While the publisher is gone: let the renditions reach this media time."""
        if self._interlude is not None:
            for name, packet in self._interlude.until(round(media_s * VIDEO_TIMESCALE)):
                self.live.feed_track(name, packet)
                self.feeds.push(name, packet)
        if self._has_gap:
            self.live.leave_gap(media_s)  # the leading rendition has nothing to show

    def rejoin(self, media_s: float) -> None:
        """A publisher's media comes again from this media time on; before it is fed."""
        self.live.note_return(media_s)

    # --- how it is -------------------------------------------------------------------------------------------

    def rungs(self) -> list[RungHealth]:
        """How each rung of the ladder is, refused ones too."""
        if self._picture_maker is not None:
            return self._picture_maker.health()[0]
        return (
            [refused(refusal.rung, refusal.reason) for refusal in self._lease.refused]
            if self._lease is not None
            else []
        )

    def transcoder(self) -> TranscoderHealth | None:
        """How the child that makes the rungs is, if there is one."""
        return self._picture_maker.health()[1] if self._picture_maker is not None else None

    def suspend(self) -> None:
        """The process stops, the session goes on in the next."""
        self.live.suspend()

    def end(self, reason: str) -> None:
        """The session is over."""
        for maker in (self._picture_maker, self._sound_maker):
            if maker is not None:
                maker.finish()
        self._work.put_nowait(None)
        self.feeds.end(reason)
        self.live.end(reason)
        if self.live.pictures is not None:
            self.live.pictures.end()
