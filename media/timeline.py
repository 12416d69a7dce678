"""One monotonic media time out of the clocks that publishers send.

Their first stamp may be anything, and real publishers jump: a laptop sleeps, an encoder restarts its clock, a capture
card hiccups; some never move their stamps, or give audio and video different origins. What comes out has no wraps,
begins near zero, rises on every track, and says aloud where it was broken: where a picture that decodes by itself
comes with a time that does not go on, and where one publisher takes over from another. `clocks` places single stamps.

Audio counts samples instead of trusting milliseconds, whose rounding would tear an AAC frame off its neighbour by
up to a millisecond each time; the stamps only correct the count, by whole access units, which can be filled and left
out without a seam in what is around them.
"""

import math
from collections.abc import Callable

from media.clocks import RTMP_STAMPS, Head, StampFormat, TrackClock
from media.codecs.nal import is_closed, is_whole
from media.packets import VIDEO_TIMESCALE, CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind

DRIFT_MS = 25
"""How far the audio sample count may stay from the stamps. Half of an access unit of AAC is 11 ms, of HE-AAC 22."""
SUSTAINED = 8
"""Access units that must be off by `DRIFT_MS` before one is left out or a hole is left: encoders send some in bunches
under one stamp, which are behind it by all but the first one's duration."""
HOLE_MS = 38
"""Stamps this far ahead of the count show a hole at once: two access units of AAC are 42 ms."""
ARRIVAL_SLACK_MS = 200
"""Instead of `DRIFT_MS`, of a track without usable stamps: networks are late by more than sockets that rest."""
WHOLE_UNIT_MS = 50
"""Access units up to this length are left out and missed as a whole; longer ones would take the count too far."""
MAX_REORDER_S = 10.0
"""Presentation further than this from decoding is nothing an encoder means."""
NO_VIDEO_S = 1.0
"""How long a returned publisher's audio waits for a video packet at all."""
KEYFRAME_WAIT_S = 12.0
"""How long it waits for a keyframe, once there is video: longer than the longest GOP that is served."""
BACKLOG_S = 2.0
"""How long a returned publisher's keyframes may be late without being taken, see `_is_backlog`."""
PLACE_S = 30.0
"""A stamp further than this from the newest is none of the same clock."""

_VIDEO, _AUDIO = TrackKind.VIDEO, TrackKind.AUDIO  # looking up a member costs 0.2 us in Python 3.11
_LONG_AGO = -(1 << 62)
_MAX_REORDER = round(MAX_REORDER_S * VIDEO_TIMESCALE)

SamplesOf = Callable[[CodecConfig, bytes], int]
"""How many samples an audio packet plays for, at the track's sample rate; 0 when it cannot be told."""


class Timeline:
    """Stamps in, media time out: `push` changes the packet in place and gives out the events in their order.

    `now` is a monotonic clock in seconds, the same in every call: where the publisher's clock breaks, media time goes
    on by what passed on ours, so that programme date-times stay true.
    """

    def __init__(self, samples_of: SamplesOf, stamps: StampFormat = RTMP_STAMPS) -> None:
        self._samples_of = samples_of
        self._stamps = stamps
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._fresh: dict[TrackKind, CodecConfig] = {}  # configured, but not given out yet
        self._head = Head()
        self._video = TrackClock(stamps, self._head)
        self._audio = TrackClock(stamps, self._head)
        self._video.other, self._audio.other = self._audio, self._video
        self._is_started = False
        self._last_video_dts = _LONG_AGO
        self._video_end = 0  # the latest presentation of any picture
        self._shown_from = _LONG_AGO  # pictures shown before this one need some that nobody has
        self._next_sample = _LONG_AGO  # where audio has been played to, in samples of `_audio_rate`
        self._audio_rate = 0
        self._has_audio_clock = False
        self._beyond = 0  # access units since it was right, less where the stamps are behind
        self._has_keyframe = False
        self._break_reason = ""  # to be said before the next packet
        self._broke_at = _LONG_AGO  # in ticks: audio of before is not heard behind the break
        self._is_returning = False
        self._gives_up_at: float | None = None
        self._has_seen_video = False
        self._backlog_until: float | None = None
        self._knows_clock = True  # of the publisher before
        self.dropped_packets = 0
        """Packets that had no place: before a keyframe or their config, of before a break, torn, doubly there."""
        self.torn_packets = 0
        """Video packets whose NAL units did not add up; also among the dropped ones, like all up to the keyframe."""
        self.repaired_stamps = 0
        """Decode times that did not rise and were nudged, presentation times out of the question."""
        self.discontinuities = 0

    def configure(self, config: CodecConfig) -> None:
        """Take a track's configuration; it comes out before the next packet of the track if it is a new one."""
        if self._configs.get(config.kind) == config:
            self._fresh.pop(config.kind, None)
        else:
            self._fresh[config.kind] = config

    def rejoin(self, reason: str = "the publisher came back", stamps: StampFormat | None = None) -> None:
        """Expect another publisher, or one that was away: what comes next joins nothing before.

        `stamps` is how its protocol counts time, None: as before.

        It begins with a `Discontinuity`, a keyframe and the audio that belongs to it; every configuration comes out
        again (the new publisher's, once `configure` has it). Media time goes on by the wall time that passed.
        """
        self._fresh = self._configs | self._fresh
        self._configs = {}
        if stamps is not None and stamps != self._stamps:
            self._stamps = stamps
            self._knows_clock = False  # nothing can be told by the one before
        self._video.release(self._stamps)
        self._audio.release(self._stamps)
        self._has_keyframe = self._has_audio_clock = False
        if self._is_started:
            self._break_reason = reason
            self._is_returning = True
        self._has_seen_video = False
        self._gives_up_at = self._backlog_until = None

    def resume(self, media_s: float, arrival: float) -> None:
        """Go on from this media time, at which the newest packet arrived in another process; before any packet.

        Nothing is known of the publisher's clock. `rejoin` before its first packet, as ever.
        """
        media = math.ceil(media_s * VIDEO_TIMESCALE)
        self._head.newest, self._head.arrival = media, arrival
        self._last_video_dts = self._video_end = media
        self._is_started, self._knows_clock = True, False

    def place(self, timestamp_ms: int) -> float | None:
        """Return the media time in seconds of a stamp in milliseconds of the current publisher's clock.

        None before its first packet, and when the stamp is of no clock that we know: then it belongs to now.
        """
        clock = self._video if self._video.is_anchored else self._audio
        if not clock.is_anchored or clock.is_frozen:
            return None
        media = clock.media_of(timestamp_ms * self._stamps.ticks_per_s // 1000)
        if abs(media - self._head.newest) > PLACE_S * VIDEO_TIMESCALE:
            return None
        return media / VIDEO_TIMESCALE

    def newest_s(self, now: float) -> float:
        """Return where media time is now, by our clock: the newest packet's, and what passed since it came."""
        return self._head.expected(now) / VIDEO_TIMESCALE if self._is_started else 0.0

    def push(self, packet: Packet, now: float) -> list[MediaEvent]:
        """Give the packet its media time; return it with what must be known before it, or nothing if it is dropped."""
        kind = packet.kind
        config = self._fresh.get(kind) or self._configs.get(kind)
        if config is None or not self._is_usable(packet, config, now):
            self.dropped_packets += 1
            return []
        clock = self._video if kind is _VIDEO else self._audio
        if clock.is_anchored:
            may_break = packet.is_keyframe and (kind is _VIDEO or not self._video.is_anchored)
            media, breaks = clock.place(packet.dts, now, may_break=may_break)
            if breaks:
                media = self._break(clock, packet, now)
        else:
            media = self._begin(clock, packet, now)
        if kind is _VIDEO:
            is_taken = self._stamp_video(packet, config, media)
        else:
            is_taken = self._stamp_audio(packet, config, media)
        if not is_taken:
            self.dropped_packets += 1
            return []
        if self._fresh or self._break_reason:
            return self._announced(packet)
        return [packet]

    def _is_usable(self, packet: Packet, config: CodecConfig, now: float) -> bool:
        if packet.kind is _AUDIO:
            return not (self._is_returning and self._waits_for_video(now))
        if not packet.is_keyframe and (not self._has_keyframe or _VIDEO in self._fresh):
            # A new configuration holds from its keyframe on: until then the decoder has nothing to begin with.
            self._see_video(now)
            return False
        if self._is_returning and self._is_backlog(packet, now):
            self._see_video(now)
            return False
        if not is_whole(config, packet.data):
            self.torn_packets += 1
            self._has_keyframe = False  # what follows leans on it
            return False
        return True

    def _see_video(self, now: float) -> None:
        if not self._has_seen_video:
            self._has_seen_video = True
            self._gives_up_at = now + KEYFRAME_WAIT_S

    def _is_backlog(self, packet: Packet, now: float) -> bool:
        """Whether a keyframe is of the time that the publisher was away, by the clock it had before.

        After an outage a sender delivers at once what it had queued. Taken, each outage would put the stream further
        behind what happens. A clock that stood still meanwhile stays behind: it is taken after `BACKLOG_S`.
        """
        if not self._knows_clock:
            return False
        place = self._video.media_of(packet.dts)
        if place <= self._video.media or self._head.expected(now) - place <= VIDEO_TIMESCALE:
            return False
        if self._backlog_until is None:
            self._backlog_until = now + BACKLOG_S
        return now < self._backlog_until

    def _waits_for_video(self, now: float) -> bool:
        """Whether a returned publisher's audio is held off, so that it begins with the picture."""
        if _VIDEO not in self._fresh:
            return False
        if self._gives_up_at is None:
            self._gives_up_at = now + NO_VIDEO_S
        return now < self._gives_up_at

    def _begin(self, clock: TrackClock, packet: Packet, now: float) -> int:
        """Place the first packet of a track."""
        self._knows_clock = True
        if not self._is_started:
            self._is_started = True
            self._head.arrival = now
            return clock.anchor(packet.dts, now, 0)
        if clock.other.is_anchored:
            return clock.anchor(packet.dts, now, self._head.expected(now))
        self._is_returning = False
        self._broke_at = clock.anchor(packet.dts, now, max(self._head.expected(now), self._end()))
        return self._broke_at

    def _break(self, clock: TrackClock, packet: Packet, now: float) -> int:
        self._break_reason = f"time stamps jumped to {packet.dts}"
        self._has_keyframe = self._has_audio_clock = False
        self._broke_at = clock.advance(self._end(), now)
        return self._broke_at

    def _end(self) -> int:
        """Return a time at which nothing plays yet."""
        audio_end = -(-self._next_sample * VIDEO_TIMESCALE // self._audio_rate) if self._audio_rate else 0
        return max(self._video_end + 1, self._last_video_dts + 1, audio_end)

    def _announced(self, packet: Packet) -> list[MediaEvent]:
        """Return a packet behind what must be said before it."""
        events: list[MediaEvent] = []
        if self._break_reason:
            events.append(Discontinuity(self._break_reason))
            self._break_reason = ""
            self.discontinuities += 1
        config = self._fresh.pop(packet.kind, None)
        if config is not None:
            self._configs[packet.kind] = config
            events.append(config)
        events.append(packet)
        return events

    # --- tracks ----------------------------------------------------------------------------------------------

    def _stamp_video(self, packet: Packet, config: CodecConfig, dts: int) -> bool:
        composition = 0
        if packet.pts != packet.dts:
            composition = self._video.difference(packet.pts, packet.dts)
            if not -_MAX_REORDER <= composition <= _MAX_REORDER:
                self.repaired_stamps += 1
                composition = 0
        pts = dts + composition
        if dts <= self._last_video_dts:
            self.repaired_stamps += 1
            dts = self._last_video_dts + 1
            pts = max(pts, dts)
        if not self._has_keyframe or packet.kind in self._fresh:
            self._has_keyframe = True
            self._shown_from = _LONG_AGO if is_closed(config, packet.data) else pts
        elif pts < self._shown_from:
            return False
        self._last_video_dts = dts
        self._video_end = max(self._video_end, pts)
        packet.dts = dts
        packet.pts = pts
        return True

    def _stamp_audio(self, packet: Packet, config: CodecConfig, media: int) -> bool:
        samples = self._samples_of(config, packet.data)
        if samples <= 0 or media < self._broke_at:
            return False
        rate = config.sample_rate
        if rate != self._audio_rate or _AUDIO in self._fresh:
            self._take_rate(rate)
        stamped = media * rate // VIDEO_TIMESCALE
        drift_ms = ARRIVAL_SLACK_MS if self._audio.is_frozen else DRIFT_MS
        ahead = stamped - self._next_sample
        slack = drift_ms * rate // 1000
        if not (self._has_audio_clock and -slack <= ahead <= slack):
            if not self._correct(ahead, samples, rate):
                return False
        elif self._beyond:
            self._beyond = 0
        packet.dts = packet.pts = self._next_sample
        self._next_sample += samples
        return True

    def _take_rate(self, rate: int) -> None:
        if self._audio_rate and rate != self._audio_rate:
            self._next_sample = -(-self._next_sample * rate // self._audio_rate)  # rounded up: never back
        self._audio_rate = rate
        self._has_audio_clock = False

    def _correct(self, ahead: int, samples: int, rate: int) -> bool:
        """Bring the sample count, off by `ahead`, nearer to the stamps; return whether the access unit still plays."""
        if not self._has_audio_clock:
            self._has_audio_clock = True
            self._next_sample += max(ahead, 0)
            return True
        self._beyond += 1 if ahead > 0 else -1
        is_hole = ahead * 1000 > HOLE_MS * rate
        if not is_hole and abs(self._beyond) < SUSTAINED:
            return True
        if ahead < 0:
            return False  # it would play over what already plays: the count waits for the stamps
        is_whole_units = samples * 1000 <= WHOLE_UNIT_MS * rate
        self._next_sample += max(round(ahead / samples), 1) * samples if is_whole_units else ahead
        return True
