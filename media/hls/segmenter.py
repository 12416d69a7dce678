"""Access units in, aligned segments of every rendition out: pure, in media time, no clock and no I/O.

The leading track (video, else audio) decides where segments end; the other ends its segment with the same number at
its first access unit at or after that time. So equal media sequence numbers mean equal content, and a switch or a
seek finds both.
"""

from collections import deque

from media.hls.boxes import UnsupportedCodec, init_section, timescale
from media.hls.fragmenter import DiscontinuityMark, Fragmenter, Gap, Init, Output, Part, SegmentEnd
from media.hls.planner import Plan
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind

__all__ = ["AUDIO", "VIDEO", "DiscontinuityMark", "Gap", "Init", "Output", "Packager", "Part", "SegmentEnd"]

VIDEO, AUDIO = "video", "audio"
"""Rendition names, as they stand in URIs."""
FOLLOWER_WAIT_S = 1.0
"""How long one track waits for the other, in media time, before it goes on alone."""
OVERRUN_S = 0.3
"""A segment may be this much longer than TARGETDURATION: EXTINF is rounded to whole seconds before it is compared
(RFC 8216bis, 4.4.3.1). Beyond that it is cut where no keyframe is. An audio segment may have one access unit more, so
this leaves room for the longest of Opus, 120 ms, and for `AUDIO_HOLE_S`."""


class Packager:
    """Takes what `Timeline` gives out, beginning with the planner's buffered packets."""

    def __init__(self, plan: Plan) -> None:
        self.dropped_packets = 0
        """Packets without a place: of a track that came too late, or before a keyframe."""
        self.late_tracks: set[TrackKind] = set()
        """Tracks that came after the plan was made; they need another publish."""
        self._outputs: list[Output] = []
        lead_plan = plan.video or plan.audio
        assert lead_plan is not None, "a plan has a track"
        self._lead = Fragmenter(VIDEO if plan.video else AUDIO, lead_plan, self._outputs)
        self._follower = Fragmenter(AUDIO, plan.audio, self._outputs) if plan.video and plan.audio else None
        self._configs = {track.config.kind: track.config for track in (plan.video, plan.audio) if track}
        self._leading_kind = lead_plan.config.kind
        self._longest_s = plan.target_duration_s + OVERRUN_S
        self._segment_s = plan.segment_s
        self._target_duration_s = plan.target_duration_s
        self._needs_keyframe = True
        self._head = 0  # decode time of the newest access unit of the leading track
        self._has_begun = False  # whether a track has sent something since the beginning or the last break
        self._pending: deque[Packet] = deque()  # the follower's; at most as long as it waits
        self._boundaries: deque[int] = deque()  # presentation times at which the follower has yet to end segments
        self._measure()

    def _measure(self) -> None:
        lead = self._lead
        self._longest = int(self._longest_s * lead.timescale)
        """Ticks of the leading track after which its segment is cut."""
        self._shortest = int(self._segment_s * lead.timescale) - lead.frame_ticks // 2
        self._wait = int(FOLLOWER_WAIT_S * lead.timescale)
        if self._follower is not None:
            self._follower_longest = int(self._longest_s * self._follower.timescale)

    def feed(self, event: MediaEvent) -> list[Output]:
        """Take the next event and return what it completed. Raises `UnsupportedCodec`."""
        if isinstance(event, Packet):
            if event.kind is self._leading_kind:
                self._lead_with(event)
            elif self._follower is not None:
                self._pending.append(event)
                self._drain()
            else:
                self._drop_late(event.kind)
        elif isinstance(event, CodecConfig):
            self._configure(event)
        elif isinstance(event, Discontinuity):
            self._break()
        return self._take()

    def annotate(self, box: bytes) -> None:
        """Put a box before the next fragment of the pictures, or of the sound where there are none."""
        self._lead.annotate(box)

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

    # --- the leading track -----------------------------------------------------------------------------------

    def _lead_with(self, packet: Packet) -> None:
        lead = self._lead
        starts = packet.is_keyframe or self._leading_kind is TrackKind.AUDIO
        if self._needs_keyframe:
            if not starts:
                self.dropped_packets += 1
                return
            self._needs_keyframe = False
            self._begin(packet, lead)
            self._skip_pending_before(packet.pts)
        if lead.held is not None:
            duration = max(packet.dts - lead.held.dts, 1)
            if duration > self._longest:  # no segment could hold it
                self._break()
                self._lead_with(packet)
                return
            if lead.segment_ticks and lead.segment_ticks + duration > self._longest:
                self._cut(lead.held.dts, lead.delay_ticks)  # it lasts longer than expected when it came
            lead.add(lead.held, duration)
            lead.held = None
        at_keyframe = starts and lead.segment_ticks >= self._shortest
        if at_keyframe or (lead.segment_ticks and lead.segment_ticks + lead.frame_ticks > self._longest):
            self._cut(packet.dts, packet.pts - packet.dts if starts else lead.delay_ticks)
        lead.held = packet
        self._head = packet.dts
        if self._follower is not None:
            self._drain()
            self._give_up_waiting()

    def _cut(self, dts: int, delay: int) -> None:
        self._lead.end_segment(dts)
        if self._follower is not None:
            self._boundaries.append(dts + delay)

    # --- the track that follows ------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Write what cannot lie behind a boundary that is not known yet."""
        follower, lead, pending = self._follower, self._lead, self._pending
        assert follower is not None
        rate = follower.timescale
        # The next boundary comes after `head`, and not before the segment is long enough.
        known = max(self._head, lead.segment_start + self._shortest) * rate // lead.timescale
        while pending:
            packet = pending[0]
            is_overdue = packet.dts > known or self._needs_keyframe
            if is_overdue and pending[-1].dts - packet.dts <= self._patience_s() * rate:
                return
            pending.popleft()
            self._begin(packet, follower)
            if follower.held is not None:
                follower.add(follower.held, max(packet.dts - follower.held.dts, 1))
                follower.held = None
            if self._boundaries and packet.pts * lead.timescale >= self._boundaries[0] * rate:
                self._end_behind(packet)
            while packet.dts - follower.segment_start > self._follower_longest:
                self._force_boundary(is_overdue=is_overdue)
            follower.held = packet

    def _end_behind(self, packet: Packet) -> None:
        """End the follower's segments before this access unit; those that it skipped altogether are gaps."""
        follower, lead = self._follower, self._lead
        assert follower is not None
        while True:
            follower.end_segment(self._boundaries.popleft() * follower.timescale // lead.timescale)
            next_end = self._boundaries[0] * follower.timescale // lead.timescale if self._boundaries else packet.pts
            # A boundary that the follower has overtaken (it went on alone before) takes the next access unit with it.
            if packet.pts <= next_end or follower.clock + follower.frame_ticks > next_end:
                return

    def _patience_s(self) -> float:
        return self._target_duration_s if self._needs_keyframe else FOLLOWER_WAIT_S

    def _force_boundary(self, *, is_overdue: bool) -> None:
        """The follower's segment may not get longer: end it in all renditions, even where the leading one stalls."""
        follower, lead = self._follower, self._lead
        assert follower is not None
        at = max(follower.segment_start + self._target_duration_s * follower.timescale, follower.clock)
        if self._boundaries:
            self._boundaries.popleft()
        else:
            if is_overdue:
                lead.complete()
            lead.end_segment(at * lead.timescale // follower.timescale)
        follower.end_segment(at)

    def _give_up_waiting(self) -> None:
        """End the follower's segments whose boundary is long past, though no access unit came to prove it."""
        follower = self._follower
        assert follower is not None
        while self._boundaries and self._head - self._boundaries[0] > self._wait and not self._pending:
            boundary = self._boundaries.popleft()
            follower.complete()
            follower.end_segment(boundary * follower.timescale // self._lead.timescale)

    def _begin(self, packet: Packet, track: Fragmenter) -> None:
        """After a break, say when the segments of all renditions begin."""
        if self._has_begun:
            return
        self._has_begun = True
        self._lead.restart(packet.dts * self._lead.timescale // track.timescale)
        if self._follower is not None:
            self._follower.restart(packet.dts * self._follower.timescale // track.timescale)

    def _skip_pending_before(self, pts: int) -> None:
        """Let both tracks begin together after a break."""
        if self._follower is None:
            return
        pending, rate = self._pending, self._follower.timescale
        while pending and pending[0].pts * self._lead.timescale < pts * rate:
            pending.popleft()
            self.dropped_packets += 1

    # --- breaks ----------------------------------------------------------------------------------------------

    def _configure(self, config: CodecConfig) -> None:
        before = self._configs.get(config.kind)
        if before == config:
            return
        if timescale(config) <= 0:
            raise UnsupportedCodec(config.fourcc)
        init_section(config)  # raises before anything has changed
        if before is None:
            return  # a late track: its packets are counted
        self._configs[config.kind] = config
        self._break()
        track = self._lead if config.kind is self._leading_kind else self._follower
        assert track is not None
        track.configure(config)
        self._measure()

    def _break(self) -> None:
        """End every rendition's segment; the next ones do not join them (RFC 8216bis, 4.4.4.3)."""
        self._end_all()
        self._outputs.append(DiscontinuityMark(self._lead.name))
        if self._follower is not None:
            self._outputs.append(DiscontinuityMark(self._follower.name))
        self._needs_keyframe = True
        self._has_begun = False

    def _end_all(self) -> None:
        lead, follower = self._lead, self._follower
        head = lead.held.dts + lead.frame_ticks if lead.held else self._head
        lead.complete()
        if follower is None:
            if not lead.is_empty:
                lead.end_segment(head)
            return
        self._needs_keyframe = False
        while self._pending:
            self._head = max(self._head, self._pending[-1].dts * lead.timescale // follower.timescale + 1)
            self._drain()
        follower.complete()
        while self._boundaries:
            follower.end_segment(self._boundaries.popleft() * follower.timescale // lead.timescale)
        if lead.is_empty and follower.is_empty:
            return
        end = max(head, follower.clock * lead.timescale // follower.timescale)
        lead.end_segment(end)
        follower.end_segment(end * follower.timescale // lead.timescale)

    def _drop_late(self, kind: TrackKind) -> None:
        self.late_tracks.add(kind)
        self.dropped_packets += 1
