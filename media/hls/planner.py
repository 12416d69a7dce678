"""What a stream is, learned from its beginning: tracks, GOP, frame duration, and from them what playlists promise.

TARGETDURATION and the part targets can never change (RFC 8216bis, 6.2.1), so nothing is published before they are
known: the first GOP is buffered, then packaged at once.
"""

import math
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import msgspec

from media.hls.boxes import UnsupportedCodec, init_section, timescale
from media.packets import VIDEO_TIMESCALE, CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind

MAX_GOP_WAIT_S = 10.0
"""Media waited for the second keyframe; a GOP longer than this is cut wherever segments must end."""
TRACK_WAIT_S = 1.0
"""Media of one track after which the other, unseen, is taken not to exist."""
MAX_BUFFER_BYTES = 64 << 20
"""The plan is made with what is there when this much is buffered."""
PART_TOLERANCE = 0.01
"""A part may be this much longer than asked for: ten frames of 29.97 Hz are 0.3337 s."""
MAX_JITTER = 0.1
"""The part target covers irregular frame stamps of up to this fraction of a part."""
ROUNDING_S = 0.1
"""A GOP this much above a whole second is a whole second with jitter; EXTINF is rounded before it is compared."""
LONGEST_PART_S = 2.0
RATE_TOLERANCE = 0.05
"""A source this much faster than a rung's highest frame rate, as a fraction of it, is not halved: 31 is 30."""
FRAME_GUESS_S = 1 / 30
"""Frame duration where only one frame is known."""


class TrackPlan(msgspec.Struct, frozen=True):
    """What one rendition promises. Durations are in seconds."""

    config: CodecConfig
    frame_s: float
    part_target_s: float


class RungPlan(msgspec.Struct, frozen=True):
    """What a rung of the ladder promises, before its encoder has told its configuration."""

    frame_s: float
    part_target_s: float


class Plan(msgspec.Struct, frozen=True):
    """What the playlists of a stream promise, for as long as it runs."""

    target_duration_s: int
    segment_s: float
    video: TrackPlan | None
    audio: TrackPlan | None
    rungs: dict[str, RungPlan] = {}

    @property
    def part_hold_back_s(self) -> float:
        """Three times the largest part target of all renditions (RFC 8216bis, 4.4.3.8)."""
        targets = [track.part_target_s for track in (self.video, self.audio) if track]
        return 3 * max(targets + [rung.part_target_s for rung in self.rungs.values()])


class Planner:
    """Takes the first events of a stream until it knows enough. Afterwards `buffered` holds what is to be packaged."""

    def __init__(self, *, part_s: float, segment_s: float) -> None:
        self.buffered: list[Packet] = []
        self.dropped_packets = 0
        self.track_wait_s = TRACK_WAIT_S
        """May be raised where a track is known to come, but later."""
        self._part_s, self._segment_s = part_s, segment_s
        self._rungs: dict[str, float] = {}
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._buffered_bytes = 0
        self._video: list[int] = []  # dts of the buffered packets
        self._audio: list[int] = []
        self._keyframes: list[int] = []  # pts

    def expect(self, rungs: Mapping[str, float]) -> None:
        """Plan these rungs too: their names and the highest frame rate of each."""
        self._rungs = dict(rungs)

    def feed(self, event: MediaEvent) -> Plan | None:
        """Take the next event. Raises `UnsupportedCodec`."""
        if isinstance(event, Packet):
            return self._take(event)
        if isinstance(event, CodecConfig):
            if timescale(event) <= 0:
                raise UnsupportedCodec(event.fourcc)
            init_section(event)  # raises for what cannot be packaged
            before = self._configs.get(event.kind)
            self._configs[event.kind] = event
            if before is not None and before != event:
                if event.kind is TrackKind.AUDIO and self._video:
                    self._hear_again()
                else:
                    self._start_again()
        elif isinstance(event, Discontinuity):
            self._start_again()
        return None

    def _start_again(self) -> None:
        """Nothing is published yet, so what does not join what follows is left out."""
        self.dropped_packets += len(self.buffered)
        self.buffered.clear()
        self._video.clear()
        self._audio.clear()
        self._keyframes.clear()
        self._buffered_bytes = 0

    def _hear_again(self) -> None:
        """The sound before does not join what follows; the pictures do."""
        pictures = [packet for packet in self.buffered if packet.kind is TrackKind.VIDEO]
        self.dropped_packets += len(self.buffered) - len(pictures)
        self.buffered = pictures
        self._audio.clear()
        self._buffered_bytes = sum(len(packet.data) for packet in pictures)

    def _take(self, packet: Packet) -> Plan | None:
        config = self._configs.get(packet.kind)
        if config is None:
            self.dropped_packets += 1
            return None
        if packet.kind is TrackKind.VIDEO:
            if not self._keyframes and not packet.is_keyframe:
                self.dropped_packets += 1
                return None
            self._video.append(packet.dts)
            if packet.is_keyframe:
                self._keyframes.append(packet.pts)
        else:
            self._audio.append(packet.dts)
        self.buffered.append(packet)
        self._buffered_bytes += len(packet.data)
        return self._plan() if self._is_enough() else None

    def _is_enough(self) -> bool:
        audio_s = _length_s(self._audio, self._configs.get(TrackKind.AUDIO))
        if self._buffered_bytes > MAX_BUFFER_BYTES:
            return True
        if not self._keyframes:  # a video configuration promises video, but not for ever
            return audio_s >= (MAX_GOP_WAIT_S if TrackKind.VIDEO in self._configs else self.track_wait_s)
        video_s = _length_s(self._video, self._configs[TrackKind.VIDEO])
        if len(self._video) < 2 or (not self._audio and max(video_s, audio_s) < self.track_wait_s):
            return False
        return len(self._keyframes) > 1 or max(video_s, audio_s) >= MAX_GOP_WAIT_S

    def _plan(self) -> Plan:
        video = audio = None
        gop_s = 0.0
        if self._keyframes:
            video = self._plan_video(self._configs[TrackKind.VIDEO])
            if len(self._keyframes) > 1:
                gop_s = (self._keyframes[1] - self._keyframes[0]) / VIDEO_TIMESCALE
            self._drop_audio_before_video()
        if self._audio:
            audio = self._plan_audio(self._configs[TrackKind.AUDIO])
        return Plan(
            target_duration_s=target_duration(self._segment_s, gop_s, video.frame_s if video else 0.0),
            segment_s=self._segment_s,
            video=video,
            audio=audio,
            rungs=self._plan_rungs() if video else {},
        )

    def with_rungs(self, plan: Plan) -> Plan:
        """Return the plan that was just made, with rungs that have been expected since."""
        return msgspec.structs.replace(plan, rungs=self._plan_rungs())

    def _plan_rungs(self) -> dict[str, RungPlan]:
        return {name: self._plan_rung(most) for name, most in self._rungs.items()}

    def _drop_audio_before_video(self) -> None:
        """Let the first segments of both renditions begin together. Nothing is lost by it, so nothing is counted."""
        audio = self._configs.get(TrackKind.AUDIO)
        if audio is None:
            return
        first = next(packet.pts for packet in self.buffered if packet.kind is TrackKind.VIDEO)
        self.buffered = [
            packet
            for packet in self.buffered
            if packet.kind is TrackKind.VIDEO or packet.pts * VIDEO_TIMESCALE >= first * audio.sample_rate
        ]

    def _plan_video(self, config: CodecConfig) -> TrackPlan:
        frame_s, part_s = self._pictures(1, self._video)
        return TrackPlan(config, frame_s, part_s)

    def _plan_rung(self, most: float) -> RungPlan:
        """A rung shows every frame of the source, or every second or third, so that it stays as smooth."""
        source = 1 / self._frame_s()
        every = max(1, math.ceil(source / most - RATE_TOLERANCE)) if most > 0 else 1
        # It has no B-frames: it is decoded as the source is presented. Of an open GOP, the pictures before its
        # keyframe are not here yet.
        shown = sorted(packet.pts for packet in self.buffered if packet.kind is TrackKind.VIDEO)[:-1]
        return RungPlan(*self._pictures(every, shown))

    def _pictures(self, every: int, stamps: list[int]) -> tuple[float, float]:
        """Return how long a picture and a part last in seconds, where each `every`-th picture is shown."""
        frame = self._frame_s() * VIDEO_TIMESCALE * every
        count = _frames_in(self._part_s, frame / VIDEO_TIMESCALE)
        spans = zip(stamps, stamps[count * every :], strict=False)
        longest = max((last - first for first, last in spans), default=0)
        part = max(count * frame, min(longest, count * frame * (1 + MAX_JITTER))) / VIDEO_TIMESCALE
        return frame / VIDEO_TIMESCALE, _up_to_ms(min(part, LONGEST_PART_S))

    def _frame_s(self) -> float:
        """Return how long a picture of the source lasts."""
        ticks = (self._video[-1] - self._video[0]) / max(len(self._video) - 1, 1)
        return ticks / VIDEO_TIMESCALE or FRAME_GUESS_S

    def _plan_audio(self, config: CodecConfig) -> TrackPlan:
        steps = Counter(after - before for before, after in pairwise(self._audio))
        frame = steps.most_common(1)[0][0] if steps else 1024
        frame_s = frame / config.sample_rate
        part_s = _frames_in(self._part_s, frame_s) * frame_s
        return TrackPlan(config, frame_s, _up_to_ms(min(part_s, LONGEST_PART_S)))


def target_duration(segment_s: float, gop_s: float, frame_s: float) -> int:
    """Return TARGETDURATION for segments of whole GOPs that are at least `segment_s` long (0: length unknown)."""
    longest = segment_s
    if gop_s > 0:
        longest = max(segment_s, math.ceil((segment_s - frame_s / 2) / gop_s) * gop_s)
    return max(1, math.ceil(longest - ROUNDING_S))


def _frames_in(part_s: float, frame_s: float) -> int:
    return max(1, int(part_s * (1 + PART_TOLERANCE) / frame_s)) if frame_s > 0 else 1


def _up_to_ms(seconds: float) -> float:
    return math.ceil(seconds * 1000 - 1e-6) / 1000


def _length_s(stamps: list[int], config: CodecConfig | None) -> float:
    return (stamps[-1] - stamps[0]) / timescale(config) if config and stamps else 0.0
