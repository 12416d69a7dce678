"""The live window of one rendition: what its playlist lists, and what may still be fetched after it left the list."""

import math
from collections import deque

import msgspec

from media.hls.segmenter import DiscontinuityMark, Gap, Init, Output, Part, SegmentEnd
from media.packets import CodecConfig
from schemas import playlist as text
from schemas.journal import GapMade, PartAdded, SegmentBegun, SegmentClosed, SegmentLost

LIVE_WINDOW_S = 60.0
"""Media that a live playlist lists, or eight target durations if that is longer."""
PARTS_TARGETS = 3
"""Parts are listed for this many target durations (RFC 8216bis, 4.4.4.9) and kept in memory as long."""
SKIP_TARGETS = 6
"""CAN-SKIP-UNTIL in target durations; the least that section 4.4.3.8 allows."""

Journaled = SegmentBegun | PartAdded | SegmentClosed | GapMade | SegmentLost
"""What a journal says of a rendition's segments."""


class LivePart(msgspec.Struct, gc=False):
    """A part: its place in the segment and, as long as the segment is in memory, its bytes."""

    duration_s: float
    is_independent: bool
    offset: int
    size: int
    data: bytes | None
    still_bytes: int = 0
    """Length of its beginning up to the end of a keyframe that it starts with, 0 without one."""


class LiveSegment(msgspec.Struct):
    """A segment; without `duration_s` it is in progress."""

    msn: int
    map_number: int
    start_s: float
    is_discontinuous: bool
    clock_offset_s: float = 0.0
    """Wall clock minus media time."""
    parts: list[LivePart] = []
    size: int = 0
    duration_s: float | None = None
    is_gap: bool = False
    is_stored: bool = False
    """Whether the spool has all of it."""
    line: text.Segment | None = None
    """What the playlist says of it once its parts are not listed any more."""

    @property
    def parts_s(self) -> float:
        """Duration of the parts so far."""
        return sum(part.duration_s for part in self.parts)

    @property
    def is_in_memory(self) -> bool:
        """Whether its bytes can be served without the spool."""
        return all(part.data is not None for part in self.parts)

    @property
    def still_bytes(self) -> int:
        """Length of its beginning up to the end of the keyframe that it starts with, 0 without one."""
        return self.parts[0].still_bytes if self.parts else 0

    def chunks(self) -> list[bytes]:
        """Return the bytes of the parts, which joined are the segment. Only while it is in memory."""
        return [part.data for part in self.parts if part.data is not None]

    def forget_bytes(self) -> None:
        """Drop the bytes: the spool has them."""
        for part in self.parts:
            part.data = None


class Window:
    """Takes the packager's outputs of one rendition. Times are media time in seconds."""

    def __init__(
        self,
        name: str,
        *,
        target_duration_s: int,
        part_target_s: float,
        part_hold_back_s: float,
        clock_offset_s: float,
        frame_rate: float = 0.0,
        configured_bps: int = 0,
    ) -> None:
        """`configured_bps` is what a rung's encoder was told, believed until there is something to measure."""
        self.name = name
        self.frame_rate = frame_rate
        self.configured_bps = configured_bps
        self.is_lost = False
        """Set by the stream when the rendition will not come back: the multivariant playlist leaves it out."""
        self.inits: dict[int, Init] = {}
        self.segments: deque[LiveSegment] = deque()
        """What the playlist lists, the segment in progress included."""
        self.retired: deque[tuple[float, LiveSegment]] = deque()
        """Segments that left the playlist, each with the media time until which it can be fetched."""
        self.is_ended = False
        self.total_bytes = 0
        self.total_s = 0.0
        self.peak_bps = 0
        self.peak_still_bps = 0
        """The same of its I-frame playlist."""
        self.total_still_bytes = 0
        self.discontinuity_sequence = 0
        self.target_duration_s = target_duration_s
        self.part_target_s = part_target_s
        self.clock_offset_s = clock_offset_s
        """Wall clock minus media time of segments that begin from now on; the stream moves it."""
        self._window_s = max(LIVE_WINDOW_S, 8 * target_duration_s)
        self._closed_s = 0.0  # duration of the listed segments that are complete
        self._is_discontinuous = False
        self._map_number = 0
        self.server_control = text.ServerControl(
            hold_back_s=3 * target_duration_s,
            part_hold_back_s=part_hold_back_s,
            can_skip_until_s=SKIP_TARGETS * target_duration_s,
            can_skip_dates=True,
        )

    # --- what the packager says ------------------------------------------------------------------------------

    def apply(self, output: Output) -> LiveSegment | None:
        """Take the next output; return the segment that it completed and that has bytes to store."""
        if isinstance(output, Part):
            self._add_part(output)
        elif isinstance(output, SegmentEnd):
            segment = self.segments[-1]
            self._close(segment, output.duration_s)
            return segment
        elif isinstance(output, Init):
            self.inits[output.number] = output
            self._map_number = output.number
        elif isinstance(output, Gap):
            gap = self._begin(output.msn, output.start_s)
            gap.is_gap = True
            self._close(gap, output.duration_s)
        elif isinstance(output, DiscontinuityMark):
            self._is_discontinuous = bool(self.segments)
        return None

    # --- what a journal says of an earlier process -----------------------------------------------------------

    def replay(self, record: Journaled) -> None:
        """Take the next of what was published before: it is in the spool. Raises `LookupError` or `ValueError`."""
        if isinstance(record, PartAdded):
            self._replay_part(self._open_segment(record), record)
        elif isinstance(record, SegmentClosed):
            self._close(self._open_segment(record), record.duration_s)
        else:
            segment = self._replay_segment(record)
            if not isinstance(record, SegmentBegun):
                segment.is_gap = True
                self._close(segment, record.duration_s)

    def _open_segment(self, record: PartAdded | SegmentClosed) -> LiveSegment:
        segment = self.segments[-1]
        if segment.msn != record.msn or segment.duration_s is not None:
            raise ValueError(f"{self.name} segment {record.msn} is not in progress")
        return segment

    def _replay_segment(self, record: SegmentBegun | GapMade | SegmentLost) -> LiveSegment:
        last = self.segments[-1] if self.segments else None
        if last is not None and last.duration_s is None and last.msn == record.msn:
            self.drop_open()  # begun and never shown, or lost in the middle
        elif last is not None and (last.duration_s is None or last.msn + 1 != record.msn):
            raise ValueError(f"{self.name} segment {record.msn} after {last.msn}")
        self._map_number = max(record.map_number, self._map_number)
        segment = LiveSegment(
            record.msn, record.map_number, record.start_s, record.is_discontinuous, record.clock_offset_s
        )
        segment.is_stored = True
        self.clock_offset_s = record.clock_offset_s
        self.segments.append(segment)
        return segment

    def _replay_part(self, segment: LiveSegment, record: PartAdded) -> None:
        segment.parts.append(
            LivePart(record.duration_s, record.is_independent, record.offset, record.size, None, record.still_bytes)
        )
        segment.size = record.offset + record.size
        self.total_bytes += record.size
        self.total_s += record.duration_s

    def drop_open(self) -> None:
        """Forget the segment in progress."""
        segment = self.segments.pop()
        self.total_bytes -= segment.size
        self.total_s -= segment.parts_s

    # --- of the present one ----------------------------------------------------------------------------------

    def _begin(self, msn: int, start_s: float) -> LiveSegment:
        # A rung that has not come yet has gaps; they are listed with its first initialization section, or never.
        number = max(self._map_number, 1)
        segment = LiveSegment(msn, number, start_s, self._is_discontinuous, self.clock_offset_s)
        self._is_discontinuous = False
        self.segments.append(segment)
        return segment

    def _add_part(self, part: Part) -> None:
        segment = self._begin(part.msn, part.start_s) if part.index == 0 else self.segments[-1]
        size = len(part.data)
        # A single access unit may last longer than the part target, which no part may exceed (4.4.4.9): its sample
        # table and EXTINF tell the truth, the declared duration is the longest that is allowed.
        declared_s = min(part.duration_s, self.part_target_s)
        segment.parts.append(LivePart(declared_s, part.is_independent, segment.size, size, part.data, part.still_bytes))
        segment.size += size
        self.total_bytes += size
        self.total_s += part.duration_s

    def _close(self, segment: LiveSegment, duration_s: float) -> None:
        segment.duration_s = duration_s
        self._closed_s += duration_s
        if duration_s >= self.target_duration_s / 2:  # shorter ones say nothing of a peak (4.4.6.2)
            self.peak_bps = max(self.peak_bps, math.ceil(segment.size * 8 / duration_s))
            self.peak_still_bps = max(self.peak_still_bps, math.ceil(segment.still_bytes * 8 / duration_s))
        self.total_still_bytes += segment.still_bytes
        while (oldest := self.segments[0]).duration_s is not None and self._closed_s - oldest.duration_s >= (
            self._window_s
        ):
            self._retire()
        now_s = segment.start_s + duration_s
        while self.retired and self.retired[0][0] < now_s:
            self.retired.popleft()
        self.forget_stored()

    def _retire(self) -> None:
        segment = self.segments.popleft()
        assert segment.duration_s is not None
        self._closed_s -= segment.duration_s
        # The tag goes with its segment (4.4.3.3).
        self.discontinuity_sequence += segment.is_discontinuous
        if segment.is_gap or not segment.is_stored:
            return  # memory is for the window; without a disk there is no more
        # Downloadable for its own duration and that of the longest playlist that listed it (6.2.2).
        last = self.segments[-1]
        until_s = last.start_s + (last.duration_s or 0.0) + segment.duration_s + self._window_s
        self.retired.append((until_s, segment))

    def forget_stored(self) -> None:
        """Free the memory of stored segments that have no listed parts any more."""
        for segment, distance_s in self.distances():
            if distance_s <= PARTS_TARGETS * self.target_duration_s:
                break
            if segment.is_stored:
                segment.forget_bytes()

    def end(self) -> None:
        """Nothing will be added."""
        self.is_ended = True

    @property
    def end_s(self) -> float:
        """Media time up to which there is media."""
        if not self.segments:
            return 0.0
        last = self.segments[-1]
        return last.start_s + (last.parts_s if last.duration_s is None else last.duration_s)

    @property
    def config(self) -> CodecConfig | None:
        """How to decode the newest of it; None before the first initialization section."""
        init = self.inits.get(self._map_number)
        return init.config if init else None

    # --- what can be fetched ---------------------------------------------------------------------------------

    @property
    def last_closed_msn(self) -> int:
        """Number of the last complete segment, -1 before the first."""
        if not self.segments:
            return -1
        last = self.segments[-1]
        return last.msn if last.duration_s is not None else last.msn - 1

    @property
    def next_part(self) -> tuple[int, int]:
        """Number of the segment in progress and index of the part that will come next."""
        if not self.segments:
            return 0, 0
        last = self.segments[-1]
        return (last.msn + 1, 0) if last.duration_s is not None else (last.msn, len(last.parts))

    def find(self, msn: int) -> LiveSegment | None:
        """Return a segment that may still be fetched, listed or not."""
        if self.segments and msn >= self.segments[0].msn:
            index = msn - self.segments[0].msn
            return self.segments[index] if index < len(self.segments) else None
        return next((segment for _, segment in self.retired if segment.msn == msn), None)

    def has(self, msn: int, part: int | None) -> bool:
        """Whether the playlist holds that segment, or that part or a later one (6.2.5.2)."""
        next_msn, next_part = self.next_part
        if part is None:
            return msn < next_msn
        # A part beyond the last of a segment is part 0 of the next one.
        segment = self.find(msn)
        if segment is not None and segment.duration_s is not None and part >= len(segment.parts):
            return (next_msn, next_part) > (msn + 1, 0)
        return (next_msn, next_part) > (msn, part)

    # --- what playlists say of it ----------------------------------------------------------------------------

    def uri(self, msn: int, part: int | None = None) -> str:
        """Return the name of a segment or of one of its parts."""
        return f"{self.name}-{msn}.m4s" if part is None else f"{self.name}-{msn}-{part}.m4s"

    def report(self) -> text.RenditionReport:
        """Return what another rendition's playlist says of this one (4.4.5.4)."""
        for segment in reversed(self.segments):
            if segment.parts:  # with parts in a rendition, its last segment is that of its last part
                return text.RenditionReport(f"{self.name}.m3u8", segment.msn, len(segment.parts) - 1)
        return text.RenditionReport(f"{self.name}.m3u8", max(self.last_closed_msn, 0), None)

    def program_time_ms(self, segment: LiveSegment) -> int:
        """Return the time of day at which a segment begins, in ms since the epoch."""
        return round((segment.start_s + segment.clock_offset_s) * 1000)

    def lists_parts(self, newer: int, distance_s: float) -> bool:
        """Whether a segment so far from the end, in segments and in seconds, is listed with its parts.

        A segment keeps or loses them as a whole. Strict parsers take "three target durations" for three segments, the
        one in progress included, so a fourth has to be well within it.
        """
        if newer >= PARTS_TARGETS:
            return distance_s <= (PARTS_TARGETS - 1) * self.target_duration_s
        return distance_s <= PARTS_TARGETS * self.target_duration_s - self.part_target_s

    def distances(self) -> list[tuple[LiveSegment, float]]:
        """Return the listed segments with the distance of their beginning from the end of the playlist."""
        distance_s = self._closed_s
        if self.segments and self.segments[-1].duration_s is None:
            distance_s += self.segments[-1].parts_s
        distances = []
        for segment in self.segments:
            distances.append((segment, distance_s))
            distance_s -= segment.duration_s or 0.0
        return distances

    def skippable(self) -> int:
        """Return how many segments a delta update leaves out (6.2.5.1)."""
        boundary_s = SKIP_TARGETS * self.target_duration_s
        return sum(distance_s - (segment.duration_s or 0.0) >= boundary_s for segment, distance_s in self.distances())
