"""One rendition: access units in, parts and segment ends out. When a segment ends is decided by `segmenter`."""

import msgspec

from media.hls.boxes import Sample, fragment, init_section, timescale
from media.hls.planner import RungPlan, TrackPlan
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind

AUDIO_HOLE_S = 0.05
"""An audio access unit does not last longer than usual by more than this: the rest is a hole, which is left empty."""

MAX_BOXES = 32
"""Events before one fragment, at most; players wait for all of it."""


class Init(msgspec.Struct, frozen=True):
    """The initialization section of the segments that follow in this rendition."""

    rendition: str
    number: int
    config: CodecConfig
    data: bytes


class Part(msgspec.Struct, frozen=True):
    """A finished part. `start_s` is the media time at which it is presented, `duration_s` its true length."""

    rendition: str
    msn: int
    index: int
    start_s: float
    duration_s: float
    is_independent: bool
    data: bytes
    still_bytes: int = 0
    """How much of `data`, from its beginning, shows the keyframe that the part starts with; 0 without one."""


class SegmentEnd(msgspec.Struct, frozen=True):
    """The segment is complete: its bytes are those of its parts, joined."""

    rendition: str
    msn: int
    duration_s: float


class Gap(msgspec.Struct, frozen=True):
    """A segment in which this rendition has no media, while another has some."""

    rendition: str
    msn: int
    start_s: float
    duration_s: float


class DiscontinuityMark(msgspec.Struct, frozen=True):
    """The next segment of this rendition does not join the one before."""

    rendition: str


Output = Init | Part | SegmentEnd | Gap | DiscontinuityMark


class Standing(msgspec.Struct, frozen=True):
    """Where a rendition stands that another process has begun: all of its segments are ended."""

    msn: int
    """Of the next segment."""
    init_number: int
    """Of the newest initialization section, 0 before the first."""
    config: CodecConfig | None
    """What that section is made of."""
    fragments: int
    """How many have been written."""


class Fragmenter:
    """Holds one access unit, whose duration the next one tells, and closes parts before they get too long."""

    def __init__(self, name: str, plan: TrackPlan | RungPlan, outputs: list[Output]) -> None:
        self.name = name
        self.msn = 0
        self.held: Packet | None = None
        self.segment_ticks = 0
        """Duration of the segment so far, without the held access unit."""
        self.delay_ticks = 0
        """Presentation minus decode time at the last random access point."""
        self._plan = plan
        self._outputs = outputs
        self._init_number = 0
        self._sequence = 0
        self._part_index = 0
        self._samples: list[Sample] = []
        self._part_dts = 0
        self._part_ticks = 0
        self._is_independent = False
        self._boxes: list[bytes] = []  # that go before the next fragment
        self.clock = 0
        """Decode time up to which this rendition is written, or was given up."""
        self.segment_start = 0
        """Decode time at which the segment was begun for all renditions."""
        self.longest_gap = 1 << 62
        """What a gap may last at most; of a longer hole the rest is in no segment."""
        self.config: CodecConfig | None = None
        """A rung has none before its encoder told it; until then it has no media either."""
        self.timescale = VIDEO_TIMESCALE
        self._kind = TrackKind.VIDEO
        self._is_audio = False
        if isinstance(plan, TrackPlan):
            self.timescale = timescale(plan.config)
            self.configure(plan.config)
        else:
            self._measure()

    def configure(self, config: CodecConfig) -> None:
        """Begin a new initialization section; the segment before has been ended."""
        self._adopt(config)
        self._init_number += 1
        self._outputs.append(Init(self.name, self._init_number, config, init_section(config)))

    def resume(self, standing: Standing, end_s: float) -> None:
        """Go on where another process stopped; `end_s` is the media time at which all renditions ended."""
        if standing.config is not None:
            self._adopt(standing.config)
        self.msn, self._init_number, self._sequence = standing.msn, standing.init_number, standing.fragments
        self.restart(round(end_s * self.timescale))

    def _adopt(self, config: CodecConfig) -> None:
        self.config = config
        self._kind = config.kind
        self._is_audio = config.kind is TrackKind.AUDIO
        self.clock = self.clock * timescale(config) // self.timescale
        self.segment_start = self.segment_start * timescale(config) // self.timescale
        self.timescale = timescale(config)
        self._measure()

    def _measure(self) -> None:
        self.frame_ticks = max(1, round(self._plan.frame_s * self.timescale))
        self._longest_frame = self.frame_ticks + round(AUDIO_HOLE_S * self.timescale)
        self._part_target = round(self._plan.part_target_s * self.timescale)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the current segment is known."""
        return self.held is None and not self.has_media

    @property
    def has_media(self) -> bool:
        """Whether something of the current segment is written."""
        return bool(self._samples or self._part_index)

    def add(self, packet: Packet, duration: int) -> None:
        """Write an access unit that lasts until the next one."""
        is_hole = self._is_audio and duration > self._longest_frame
        if is_hole:
            duration = self.frame_ticks
        if self._samples and self._part_ticks + duration > self._part_target:
            self._close_part()
        if not self._samples:
            self._part_dts = packet.dts
        composition = packet.pts - packet.dts
        is_sync = packet.is_keyframe or self._is_audio
        if is_sync:
            self._is_independent = True
            self.delay_ticks = composition
        self._samples.append(Sample(duration, composition, is_sync, packet.data))
        self._part_ticks += duration
        self.segment_ticks += duration
        self.clock = packet.dts + duration
        if is_hole or self._part_ticks + self.frame_ticks // 2 > self._part_target:
            self._close_part()  # another usual frame will not fit: publish now, not when it is here

    def annotate(self, box: bytes) -> None:
        """Put a box, such as an event, before the next fragment; beyond `MAX_BOXES` it is left out."""
        if len(self._boxes) < MAX_BOXES:
            self._boxes.append(box)

    def complete(self) -> None:
        """Write the held access unit with the usual duration: what follows does not tell."""
        if self.held is not None:
            held, self.held = self.held, None
            self.add(held, self.frame_ticks)

    def flush(self) -> None:
        """Write and publish what is there: nothing comes for a while."""
        self.complete()
        if self._samples:
            self._close_part()

    def end_segment(self, until_ticks: int) -> None:
        """End the segment before the held access unit. Without media it is a gap up to the decode time given."""
        if self._samples:
            self._close_part()
        if self._part_index:
            self._outputs.append(SegmentEnd(self.name, self.msn, self.segment_ticks / self.timescale))
        else:
            self._boxes.clear()  # they would be late
            length = max(min(until_ticks - self.clock, self.longest_gap), self.frame_ticks)
            self._outputs.append(Gap(self.name, self.msn, self._presented_s(self.clock), length / self.timescale))
        self.clock = max(self.clock, until_ticks)
        self.segment_start = until_ticks
        self.msn += 1
        self._part_index = 0
        self.segment_ticks = 0

    def restart(self, at_ticks: int) -> None:
        """Begin the segment at this decode time: what was before does not join it."""
        self.clock = self.segment_start = at_ticks

    def _close_part(self) -> None:
        self._sequence += 1
        samples = self._samples
        data = fragment(self._kind, self._sequence, self._part_dts, self.timescale, samples)
        if self._boxes:
            data = b"".join((*self._boxes, data))
            self._boxes.clear()
        still = 0
        if samples[0].is_sync and not self._is_audio:
            still = len(data) - sum([len(sample.data) for sample in samples[1:]])
        self._outputs.append(
            Part(
                self.name,
                self.msn,
                self._part_index,
                self._presented_s(self._part_dts),
                self._part_ticks / self.timescale,
                self._is_independent,
                data,
                still,
            )
        )
        self._part_index += 1
        self._part_ticks = 0
        self._is_independent = False
        self._samples.clear()

    def _presented_s(self, dts: int) -> float:
        return (dts + self.delay_ticks) / self.timescale
