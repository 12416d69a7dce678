"""One monotonic media time out of the clocks that publishers send.

RTMP stamps are unsigned 32-bit milliseconds that wrap after 49.7 days (RTMP 1.0, section 5.3.1.3); their first value
may be anything, and real publishers jump: a laptop sleeps, an encoder restarts its clock, a capture card hiccups.
What comes out has no wraps, begins near zero, rises on every track, and says aloud where it was broken.

Audio counts samples instead of trusting milliseconds, whose rounding would tear an AAC frame off its neighbour by
up to a millisecond each time; the stamps only correct the count when both are `AUDIO_SLACK_MS` apart.
"""

from collections.abc import Callable

from media.packets import VIDEO_TIMESCALE, CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind

JUMP_MS = 1_000
"""A step forward beyond the newest stamp of any track, or backward on its own, that breaks the timeline."""
BACKWARD_MS = 500
"""A step back on one track up to this is repaired in place: some encoders repeat or swap decode times."""
SETTLE_S = 2.0
"""After a break, packets that still carry the old clock are dropped for this long instead of breaking again."""
AUDIO_SLACK_MS = 40
"""How far the audio sample count may drift from the stamps before it is set to them."""

_VIDEO, _AUDIO = TrackKind.VIDEO, TrackKind.AUDIO  # looking up a member costs 0.2 us in Python 3.11
_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_WRAP = 1 << 32
_HALF = 1 << 31

SamplesOf = Callable[[CodecConfig, bytes], int]
"""How many samples an audio packet plays for, at the track's sample rate; 0 when it cannot be told."""


class Timeline:
    """Stamps in, media time out: `push` changes the packet in place and gives out the events in their order.

    `now` is a monotonic clock in seconds: where the publisher's clock breaks, media time goes on by what passed on
    ours, so that programme date-times stay true.
    """

    def __init__(self, samples_of: SamplesOf) -> None:
        self._samples_of = samples_of
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._fresh: dict[TrackKind, CodecConfig] = {}  # configured, but no packet seen since
        self._unwrapped = 0  # last stamp of any track, ms without wraps
        self._is_started = False
        self._offset_ms = 0  # media = unwrapped - offset
        self._newest_ms = 0  # greatest media time of any track
        self._last_video_dts = -(1 << 62)
        self._next_sample = -(1 << 62)  # where audio has been played to, in samples of `_audio_rate`
        self._audio_rate = 0
        self._has_audio_clock = False
        self._arrival = 0.0
        self._settles_until = 0.0
        self._has_keyframe = False
        self.dropped_packets = 0
        """Packets that had no place: before the first keyframe, before their config, of a clock left behind."""
        self.repaired_stamps = 0
        """Decode times that did not rise and were nudged."""
        self.discontinuities = 0

    def configure(self, config: CodecConfig) -> None:
        """Take a track's configuration; it comes out before the next packet of the track if it is a new one."""
        if self._configs.get(config.kind) != config:
            self._fresh[config.kind] = config

    def push(self, packet: Packet, now: float) -> list[MediaEvent]:
        """Give the packet its media time; return it with what must be known before it, or nothing if it is dropped."""
        kind = packet.kind
        config = self._fresh.get(kind) or self._configs.get(kind)
        if config is None:
            self.dropped_packets += 1
            return []
        media_ms, broke = self._media_ms(packet, now)
        if media_ms is None:
            self.dropped_packets += 1
            return []
        if broke:
            self._has_keyframe = False  # what was coded before the break is no reference for what follows
            self._has_audio_clock = False
        if kind is _VIDEO and (kind in self._fresh or not self._has_keyframe) and not packet.is_keyframe:
            # A new configuration holds from its keyframe on: until then the decoder has nothing to begin with.
            self.dropped_packets += 1
            return [Discontinuity(broke)] if broke else []
        events: list[MediaEvent] = [Discontinuity(broke)] if broke else []
        if kind in self._fresh:
            self._configs[kind] = self._fresh.pop(kind)
            if kind is _AUDIO:
                self._has_audio_clock = False
            events.append(config)
        if kind is _VIDEO:
            self._has_keyframe = True
            self._stamp_video(packet, media_ms)
        elif not self._stamp_audio(packet, config, media_ms):
            self.dropped_packets += 1
            return events
        events.append(packet)
        return events

    def _media_ms(self, packet: Packet, now: float) -> tuple[int | None, str]:
        """Return the packet's media time in ms (None: of a clock left behind) and, on a break, its reason."""
        if not self._is_started:
            self._is_started = True
            self._unwrapped = self._offset_ms = packet.dts % _WRAP
            self._arrival = now
            return 0, ""
        # The signed 32-bit difference to the last stamp seen undoes any wrap.
        step = (packet.dts - self._unwrapped + _HALF) % _WRAP - _HALF
        unwrapped = self._unwrapped + step
        media_ms = unwrapped - self._offset_ms
        ahead = media_ms - self._newest_ms
        if -self._allowed_lag_ms(packet.kind) <= ahead <= JUMP_MS:
            self._unwrapped = unwrapped
            self._newest_ms = max(self._newest_ms, media_ms)
            self._arrival = now
            return media_ms, ""
        if now < self._settles_until:
            return None, ""
        passed_ms = max(1, round((now - self._arrival) * 1000))
        reason = f"time stamps jumped by {ahead} ms"
        self._newest_ms += passed_ms
        self._unwrapped = unwrapped
        self._offset_ms = unwrapped - self._newest_ms
        self._arrival = now
        self._settles_until = now + SETTLE_S
        self.discontinuities += 1
        return self._newest_ms, reason

    def _allowed_lag_ms(self, kind: TrackKind) -> int:
        """How far behind the newest packet of any track this one may be: tracks are interleaved, loosely."""
        if kind is _VIDEO and self._has_keyframe:
            return max(self._newest_ms - self._last_video_dts // _TICKS_PER_MS, 0) + BACKWARD_MS
        if kind is _AUDIO and self._has_audio_clock:
            return max(self._newest_ms - self._next_sample * 1000 // self._audio_rate, 0) + BACKWARD_MS
        return JUMP_MS

    def _stamp_video(self, packet: Packet, media_ms: int) -> None:
        composition_ms = packet.pts - packet.dts
        dts = media_ms * _TICKS_PER_MS
        if dts <= self._last_video_dts:
            self.repaired_stamps += 1
            dts = self._last_video_dts + 1
        self._last_video_dts = dts
        packet.dts = dts
        packet.pts = dts + composition_ms * _TICKS_PER_MS

    def _stamp_audio(self, packet: Packet, config: CodecConfig, media_ms: int) -> bool:
        rate = config.sample_rate
        if rate != self._audio_rate:
            if self._audio_rate:
                self._next_sample = -(-self._next_sample * rate // self._audio_rate)  # rounded up: never back
            self._audio_rate = rate
        stamped = media_ms * rate // 1000
        ahead = stamped - self._next_sample
        slack = AUDIO_SLACK_MS * rate // 1000
        if not self._has_audio_clock or ahead > slack:
            self._next_sample = max(stamped, self._next_sample)
            self._has_audio_clock = True
        elif ahead < -slack:
            return False  # it would play over what already plays: the count waits for the stamps
        samples = self._samples_of(config, packet.data)
        if samples <= 0:
            return False
        packet.dts = packet.pts = self._next_sample
        self._next_sample += samples
        return True
