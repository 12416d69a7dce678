"""Access units in, aligned segments of every rendition out: pure, in media time, no clock and no I/O.

The leading rendition (the source's video, else its audio) decides where segments end; each other one ends its segment
with the same number at its first access unit at or after that time (`follower`). So equal media sequence numbers mean
equal content, and a switch or a seek finds it in all of them.
"""

from collections.abc import Mapping

from media.hls.boxes import UnsupportedCodec, init_section, timescale
from media.hls.follower import Follower
from media.hls.fragmenter import DiscontinuityMark, Fragmenter, Gap, Init, Output, Part, SegmentEnd, Standing
from media.hls.planner import Plan
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind

__all__ = [
    "AUDIO",
    "OVERRUN_S",
    "VIDEO",
    "DiscontinuityMark",
    "Gap",
    "Init",
    "Output",
    "Packager",
    "Part",
    "SegmentEnd",
    "Standing",
]

VIDEO, AUDIO = "video", "audio"
"""Names of the source's renditions, as they stand in URIs."""
FOLLOWER_WAIT_S = 1.0
"""How long one track of a publisher waits for the other, in media time, before it goes on alone."""
RUNG_WAIT_S = 3.0
"""How far behind the source may be, in media time, what the child makes: more than it holds back by itself (2 s)."""
OVERRUN_S = 0.3
"""A segment may be this much longer than TARGETDURATION: EXTINF is rounded to whole seconds before it is compared
(RFC 8216bis, 4.4.3.1). Beyond that it is cut where no keyframe is. An audio segment may have one access unit more, so
this leaves room for the longest of Opus, 120 ms, and for `AUDIO_HOLE_S`."""

_VIDEO, _AUDIO = TrackKind.VIDEO, TrackKind.AUDIO  # looking up a member costs 0.2 us in Python 3.11


class Packager:
    """Takes what `Timeline` gives out, beginning with what the planner buffered, and what the child makes of it."""

    def __init__(self, plan: Plan) -> None:
        self.late_tracks: set[TrackKind] = set()
        """Tracks that came after the plan was made; they need another publish."""
        self.is_boundary = False
        """Whether a segment of the leading rendition began with its newest packet, or since the one before."""
        self._dropped_packets = 0
        self._outputs: list[Output] = []
        lead_plan = plan.video or plan.audio
        assert lead_plan is not None, "a plan has a track"
        self._lead = Fragmenter(VIDEO if plan.video else AUDIO, lead_plan, self._outputs)
        self._sound: Follower | None = None
        self._followers: dict[str, Follower] = {}
        if plan.video and plan.audio:
            track = Fragmenter(AUDIO, plan.audio, self._outputs)
            self._sound = self._followers[AUDIO] = Follower(track, patience_s=FOLLOWER_WAIT_S, is_rung=False)
        for name, rung in plan.rungs.items():
            track = Fragmenter(name, rung, self._outputs)
            self._followers[name] = Follower(track, patience_s=RUNG_WAIT_S, is_rung=True)
        self._leading_kind = lead_plan.config.kind
        self._longest_s = plan.target_duration_s + OVERRUN_S
        self._segment_s = plan.segment_s
        self._target_duration_s = plan.target_duration_s
        self._needs_keyframe = True
        self._start_delay = 0  # presentation minus decode time where the leading segment began
        self._head = 0  # decode time of the newest access unit of the leading rendition
        self._reach = 0  # where media time is: as `_head`, or farther where others went on alone
        self._has_begun = False  # whether a source track has sent something since the beginning or the last break
        self._breaks_next = False  # at the next keyframe
        self._awaited: dict[str, CodecConfig] = {}  # rungs' configurations that hold from the next break on
        self._measure()

    def resume(self, standings: Mapping[str, Standing], end_s: float, configs: Mapping[str, CodecConfig]) -> None:
        """Go on where another process stopped, which had come to this media time; before anything is fed.

        Nothing joins what was before: the next event of the source is a `Discontinuity`, from which on rungs have these
        configurations.
        """
        for track in (self._lead, *(follower.track for follower in self._all)):
            track.resume(standings[track.name], end_s)
        self._outputs.clear()  # those initialization sections exist already
        for name, config in configs.items():
            if name in self._followers and config != self._followers[name].track.config:
                self._awaited[name] = config
        self._measure()
        self._head = self._reach = self._lead.clock

    def _measure(self) -> None:
        lead = self._lead
        self._longest = int(self._longest_s * lead.timescale)
        """Ticks of the leading rendition after which its segment is cut."""
        self._shortest = int(self._segment_s * lead.timescale) - lead.frame_ticks // 2
        self._sound_longest = int(self._longest_s * self._sound.track.timescale) if self._sound else 0
        lead.longest_gap = self._longest
        for follower in self._followers.values():
            follower.measure()
            follower.track.longest_gap = int(self._longest_s * follower.track.timescale)
        self._all = tuple(self._followers.values())

    @property
    def dropped_packets(self) -> int:
        """Packets of the source without a place: of a track that came too late, or before a keyframe."""
        return self._dropped_packets + (self._sound.dropped_packets if self._sound else 0)

    @property
    def dropped_of_rungs(self) -> dict[str, int]:
        """Packets of each rung without a place: too late, or before its keyframe."""
        return {name: follower.dropped_packets for name, follower in self._followers.items() if follower.is_rung}

    def feed(self, event: MediaEvent) -> list[Output]:
        """Take the source's next event and return what it completed. Raises `UnsupportedCodec`."""
        if isinstance(event, Packet):
            if event.kind is self._leading_kind:
                self._lead_with(event)
            elif self._sound is not None:
                self._sound.pending.append(event)
                self._drain_sound(self._sound)
            else:
                self.late_tracks.add(event.kind)
                self._dropped_packets += 1
        elif isinstance(event, CodecConfig):
            self._configure(event)
        elif isinstance(event, Discontinuity):
            self._break()
        return self._take()

    def annotate(self, box: bytes) -> None:
        """Put a box before the next fragment of every rendition with pictures, or of the sound where there are none."""
        self._lead.annotate(box)
        for follower in self._all:
            if follower.is_rung:
                follower.track.annotate(box)

    def wait_for_sound(self, wait_s: float) -> None:
        """Have this patience with the sound from now on."""
        if self._sound is not None:
            self._sound.patience_s = wait_s
            self._sound.measure()

    def feed_rung(self, name: str, event: CodecConfig | Packet) -> list[Output]:
        """Take what the child made for a rung. Another configuration than before begins where all renditions break."""
        follower = self._followers[name]
        if isinstance(event, Packet):
            follower.push(event)
            if not self._needs_keyframe:
                follower.advance(self._known(follower))
        elif follower.track.config is None:
            follower.track.configure(event)
        elif event == follower.track.config:
            follower.needs_break = False
            self._awaited.pop(name, None)
        else:
            # In a playlist alone it would make the DISCONTINUITY-SEQUENCE differ (RFC 8216bis, 6.2.4).
            init_section(event)  # raises before anything has changed
            follower.drop_pending()
            follower.needs_break = self._breaks_next = True
            self._awaited[name] = event
        return self._take()

    def lose(self, name: str) -> list[Output]:
        """A rung is away: its segments are gaps, at once, until packets come again."""
        follower = self._followers[name]
        follower.lose()
        return self._take()

    def splice(self, configs: Mapping[str, CodecConfig]) -> list[Output]:
        """What follows in all renditions is of another source, with these configurations; others keep theirs.

        Raises `UnsupportedCodec` before anything has changed.
        """
        for config in configs.values():
            init_section(config)
        for name in configs:
            self._awaited.pop(name, None)
        self._break()
        for name, config in configs.items():
            track = self._lead if name == self._lead.name else self._followers[name].track
            if track.config != config:
                track.configure(config)
        self._measure()
        return self._take()

    def leave_gap(self, until_s: float) -> list[Output]:
        """Media time has come here without media: let all renditions have gaps up to there."""
        lead = self._lead
        until = int(until_s * lead.timescale)
        lead.complete()
        if lead.has_media and until > lead.clock:
            self._cut(lead.clock, lead.delay_ticks)
        length = int(self._segment_s * lead.timescale)
        while until - lead.segment_start >= length:
            self._cut(lead.segment_start + length, lead.delay_ticks)
        self._head = self._reach = max(self._head, until)
        for follower in self._all:
            follower.advance(self._known(follower))
            self._give_up(follower)
        return self._take()

    def finish(self) -> list[Output]:
        """End what is open: the stream is over."""
        self._end_all()
        return self._take()

    def _take(self) -> list[Output]:
        if not self._outputs:
            return []
        outputs = self._outputs.copy()
        self._outputs.clear()
        return outputs

    # --- the leading rendition -------------------------------------------------------------------------------

    def _lead_with(self, packet: Packet) -> None:
        lead = self._lead
        starts = packet.is_keyframe or self._leading_kind is _AUDIO
        if self._breaks_next and starts and not self._needs_keyframe:
            self._break_before(packet)
        if self._needs_keyframe:
            if not starts:
                self._dropped_packets += 1
                return
            self._needs_keyframe = False
            self._skip_pending_before(packet.pts, with_sound=not self._has_begun)
            self._begin(packet, lead)
            self._start_delay = packet.pts - packet.dts
        held = lead.held
        if held is not None:
            duration = packet.dts - held.dts
            if duration > self._longest:  # no segment could hold it
                self._break()
                self._lead_with(packet)
                return
            duration = max(duration, 1)
            if lead.segment_ticks and lead.segment_ticks + duration > self._longest:
                self._cut(held.dts, lead.delay_ticks)  # it lasts longer than expected when it came
            lead.add(held, duration)
            lead.held = None
        # As it is presented: an encoder that reorders more from one GOP on decodes the GOP before in less time.
        presented = lead.segment_ticks + packet.pts - packet.dts - self._start_delay
        at_keyframe = starts and presented >= self._shortest
        if at_keyframe or (lead.segment_ticks and lead.segment_ticks + lead.frame_ticks > self._longest):
            self._cut(packet.dts, packet.pts - packet.dts if starts else lead.delay_ticks)
        lead.held = packet
        self._head = self._reach = packet.dts
        for follower in self._all:
            if follower.pending:
                if follower.is_rung:
                    follower.advance(self._known(follower))
                else:
                    self._drain_sound(follower)
            if follower.boundaries:
                self._give_up(follower)

    def _cut(self, dts: int, delay: int) -> None:
        self._lead.end_segment(dts)
        self._start_delay = delay
        self._announce(dts + delay, self._all)

    def _announce(self, pts: int, followers: tuple[Follower, ...]) -> None:
        """Tell of a boundary, in ticks of the leading rendition."""
        self.is_boundary = True
        rate = self._lead.timescale
        for follower in followers:
            # Rounded up: an access unit at or after it has no smaller stamp.
            follower.boundaries.append(-(-pts * follower.track.timescale // rate))

    def _known(self, follower: Follower) -> int:
        """Return up to where no boundary can be unknown: it comes after `head`, when the segment is long enough."""
        lead = self._lead
        known = max(self._head, lead.segment_start + self._shortest)
        return known * follower.track.timescale // lead.timescale

    def _give_up(self, follower: Follower) -> None:
        follower.give_up(self._reach * follower.track.timescale // self._lead.timescale)

    def _begin(self, packet: Packet, track: Fragmenter) -> None:
        """After a break, say when the segments of all renditions begin."""
        if self._has_begun:
            return
        self._has_begun = self.is_boundary = True
        self._lead.restart(packet.dts * self._lead.timescale // track.timescale)
        for follower in self._all:
            follower.track.restart(packet.pts * follower.track.timescale // track.timescale)

    def _skip_pending_before(self, pts: int, *, with_sound: bool) -> None:
        """Let all renditions begin together after a break, but for sound that has begun alone."""
        for follower in self._all:
            if follower.is_rung or with_sound:
                follower.skip_pending_before(-(-pts * follower.track.timescale // self._lead.timescale))

    # --- sound beside video ----------------------------------------------------------------------------------

    def _drain_sound(self, sound: Follower) -> None:
        """Write what cannot lie behind a boundary that is not known yet, or waits for it for too long."""
        pending, track = sound.pending, sound.track
        known = self._known(sound)
        while pending:
            packet = pending[0]
            is_overdue = packet.dts > known or self._needs_keyframe
            if is_overdue and pending[-1].dts - packet.dts <= self._sound_patience(sound):
                return
            pending.popleft()
            self._begin(packet, track)
            if not sound.write(packet):
                continue
            while packet.dts - track.segment_start > self._sound_longest:
                track.held = None
                self._force_boundary(sound, is_overdue=is_overdue)
                track.held = packet

    def _sound_patience(self, sound: Follower) -> int:
        return self._target_duration_s * sound.track.timescale if self._needs_keyframe else sound.patience

    def _force_boundary(self, sound: Follower, *, is_overdue: bool) -> None:
        """The sound's segment may not get longer: end it in all renditions, even where the leading one stalls."""
        lead, track = self._lead, sound.track
        at = max(track.segment_start + self._target_duration_s * track.timescale, track.clock)
        if sound.boundaries:
            sound.boundaries.popleft()
        else:
            if is_overdue:
                lead.complete()
            at_lead = at * lead.timescale // track.timescale
            lead.end_segment(at_lead)
            self._reach = max(self._reach, at_lead)
            others = tuple(follower for follower in self._all if follower is not sound)
            self._announce(max(at_lead, lead.clock + lead.delay_ticks), others)
            for follower in others:
                self._give_up(follower)
        track.end_segment(at)

    # --- breaks ----------------------------------------------------------------------------------------------

    def _configure(self, config: CodecConfig) -> None:
        if timescale(config) <= 0:
            raise UnsupportedCodec(config.fourcc)
        leads = config.kind is self._leading_kind
        track = self._lead if leads else self._sound.track if self._sound and config.kind is _AUDIO else None
        if track is not None and track.config == config:
            return
        init_section(config)  # raises before anything has changed
        if track is None:
            return  # a late track: its packets are counted
        self._break()
        track.configure(config)
        self._measure()

    def _break(self) -> None:
        """End every rendition's segment; the next ones do not join them (RFC 8216bis, 4.4.4.3)."""
        self._end_all()
        self._outputs.append(DiscontinuityMark(self._lead.name))
        self._outputs += [DiscontinuityMark(name) for name in self._followers]
        for name, config in self._awaited.items():
            self._followers[name].track.configure(config)
        for follower in self._all:
            follower.needs_break = False
        self._awaited.clear()
        self._breaks_next = False
        self._needs_keyframe = True
        self._has_begun = False

    def _break_before(self, packet: Packet) -> None:
        """Break where the leading rendition goes on without a hole."""
        lead, sound = self._lead, self._sound
        held = lead.held
        if held is not None and lead.segment_ticks + packet.dts - held.dts <= self._longest:
            lead.held = None
            lead.add(held, max(packet.dts - held.dts, 1))
        later: list[Packet] = []
        if sound is not None:
            begin = -(-packet.pts * sound.track.timescale // lead.timescale)
            later = [waiting for waiting in sound.pending if waiting.pts >= begin]
            while sound.pending and sound.pending[-1].pts >= begin:
                sound.pending.pop()
        self._break()
        if sound is not None:
            sound.pending.extend(later)

    def _end_all(self) -> None:
        """Write everything that waits, and end the segments of all renditions at one time."""
        lead = self._lead
        head = lead.held.dts + lead.frame_ticks if lead.held else self._head
        lead.complete()
        self._needs_keyframe = False
        for follower in self._all:  # the sound first, for it may force boundaries upon the others
            while follower.pending:
                newest = follower.pending[-1].dts * lead.timescale // follower.track.timescale + 1
                self._head = max(self._head, newest)
                if follower.is_rung:
                    follower.advance(self._known(follower))
                else:
                    self._drain_sound(follower)
        for follower in self._all:
            follower.end_all()
        if lead.is_empty and all(follower.track.is_empty for follower in self._all):
            return
        ends = [follower.track.clock * lead.timescale // follower.track.timescale for follower in self._all]
        end = max(head, *ends) if ends else head
        lead.end_segment(end)
        for follower in self._all:
            follower.track.end_segment(end * follower.track.timescale // lead.timescale)
