"""A rendition whose segments end where the leading one's do: the sound, or a rung of the ladder.

Boundaries queue up here until the rendition has come as far, so it may be behind; but not for ever.
"""

from collections import deque

from media.hls.fragmenter import Fragmenter
from media.packets import Packet


class Follower:
    """Takes boundaries and access units, each in their order. All times are ticks of its own track."""

    def __init__(self, track: Fragmenter, *, patience_s: float, is_rung: bool) -> None:
        self.track = track
        self.is_rung = is_rung
        """A rung comes out of an encoder of ours: without B-frames, and a keyframe at each boundary."""
        self.pending: deque[Packet] = deque()
        """What cannot be written yet, because a boundary may come before it; at most `patience_s` of media."""
        self.boundaries: deque[int] = deque()
        """Presentation times at which it has yet to end segments; given up when they are `patience_s` old."""
        self.dropped_packets = 0
        """Of a segment that was ended without them, or before a keyframe that must come first."""
        self.is_lost = False
        """Whether nothing comes from now on, so that waiting is useless; until something comes."""
        self.needs_keyframe = is_rung
        self.needs_break = False
        """Whether its packets are of a configuration that can begin only where all renditions break."""
        self.patience_s = patience_s
        self.measure()

    def measure(self) -> None:
        """Take over the time base of the track's configuration."""
        self.patience = int(self.patience_s * self.track.timescale)

    def push(self, packet: Packet) -> None:
        """Queue a rung's packet."""
        self.is_lost = False
        pending = self.pending
        is_unusable = self.needs_break or self.track.config is None
        if is_unusable or (pending and packet.dts - pending[0].dts > self.patience):
            self.dropped_packets += 1
            self.needs_keyframe = True
            return
        pending.append(packet)

    def advance(self, known: int) -> None:
        """Write what is decoded up to a time before which no boundary is unknown."""
        pending = self.pending
        while pending and pending[0].dts <= known:
            self.write(pending.popleft())

    def write(self, packet: Packet) -> bool:
        """Write the next access unit, behind the boundaries before it; return False if it had no place."""
        track = self.track
        held = track.held
        # A segment that was given up is over, whatever comes of it later.
        if packet.dts < track.clock or (held is not None and packet.dts <= held.dts):
            self.dropped_packets += 1
            return False
        if self.needs_keyframe and not packet.is_keyframe:
            self.dropped_packets += 1
            return False
        if held is not None:
            track.held = None
            track.add(held, self._duration(held, packet))
        if self.boundaries and packet.pts >= self.boundaries[0]:
            self._end_behind(packet)
            if self.is_rung and self.needs_keyframe and not packet.is_keyframe:
                self.dropped_packets += 1
                return False
        self.needs_keyframe = False
        track.held = packet
        return True

    def _duration(self, held: Packet, packet: Packet) -> int:
        """How long the held access unit lasts: until the next one, but a picture not far into the next segment."""
        if self.is_rung and self.boundaries and packet.pts - self.boundaries[0] > self.track.frame_ticks * 3 // 2:
            return max(self.boundaries[0] - held.dts, 1)
        return packet.dts - held.dts

    def _end_behind(self, packet: Packet) -> None:
        """End the segments before this access unit; those that were skipped altogether are gaps."""
        track, boundaries = self.track, self.boundaries
        while True:
            track.end_segment(boundaries.popleft())
            if not boundaries or packet.pts < boundaries[0]:
                return
            # A boundary that sound has overtaken (it went on alone before) takes the next access unit with it.
            if not self.is_rung and track.clock + track.frame_ticks > boundaries[0]:
                return
            self.needs_keyframe = self.is_rung

    def give_up(self, now: int) -> None:
        """End the segments whose boundary is long past at `now`, though no access unit came to prove it."""
        if self.pending:
            return  # it waits for the leading rendition, not the other way round
        while self.boundaries and (self.is_lost or now - self.boundaries[0] > self.patience):
            self._abandon()

    def _abandon(self) -> None:
        self.track.complete()
        self.track.end_segment(self.boundaries.popleft())
        self.needs_keyframe = self.is_rung

    def lose(self) -> None:
        """Publish what is there; from now on segments are gaps as soon as they end."""
        self.drop_pending()
        self.is_lost = True
        self.needs_keyframe = True
        self.track.flush()
        while self.boundaries:
            self._abandon()

    def drop_pending(self) -> None:
        """Leave out what waits: it joins nothing."""
        self.dropped_packets += len(self.pending)
        self.pending.clear()

    def skip_pending_before(self, pts: int) -> None:
        """Leave out what is presented before the beginning of all renditions."""
        pending = self.pending
        while pending and pending[0].pts < pts:
            pending.popleft()
            self.dropped_packets += 1

    def end_all(self) -> None:
        """Write everything and end every segment that has a boundary; the one in progress stays open."""
        self.track.complete()
        while self.boundaries:
            self.track.end_segment(self.boundaries.popleft())
        self.needs_keyframe = self.is_rung
