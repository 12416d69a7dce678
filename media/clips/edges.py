"""What a track of a clip needs at its edges: nothing, access units copied, or pictures coded anew."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from media.clips.recoding import recode
from media.clips.units import Media, Unit, end_ticks, frame_ticks, load, segment_of
from media.codecs.describe import rfc6381
from media.hls.boxes import init_section
from media.mp4.configs import config_of
from media.packets import TrackKind
from schemas.storage import EdgedTrack, EdgePiece, SourceSegment, SourceTrack

NEAR_S = 0.001
"""Times come as decimals: a picture that is shown so little before the wanted edge is at it."""


class Wanted(msgspec.Struct, frozen=True):
    """What of a segment lies in the clip.

    `units` are those from its first keyframe on, which can be decoded, `first_pts` and `end_pts` the part of them that
    is wanted, up to but without `end_pts`; what is shown last stays until `until_pts`.
    """

    media: Media
    units: list[Unit]
    first_pts: int
    end_pts: int
    until_pts: int
    is_cut_before: bool
    is_cut_behind: bool


class EdgeCutter:
    """Cuts the tracks of one clip; the pieces become files in the directory that has the segments."""

    def __init__(self, directory: Path, start_s: float, end_s: float) -> None:
        self._directory = directory
        self._start_s, self._end_s = start_s, end_s

    def inside(self, track: SourceTrack) -> SourceTrack:
        """Return the track without the segments of which nothing lies in the clip."""
        own = [
            segment
            for segment in track.segments
            if segment.start_s < self._end_s and segment.start_s + segment.duration_s > self._start_s
        ]
        return msgspec.structs.replace(track, segments=own)

    def cut(self, track: SourceTrack) -> EdgedTrack:
        """Make the pieces of a track that is `inside`. Raises `BadMedia`, `CannotRecode`, `OSError`.

        A segment at the edge of which nothing is wanted is left out by a piece that stands for it and for its
        neighbour. What begins or ends in a gap, or has no keyframe where a piece would begin, stays as it is.
        """
        own = track.segments
        low = self._nearest(own)
        high = self._nearest(own[::-1])
        head, tail = self._wanted(own, low), self._wanted(own[::-1], high)
        last = len(own) - 1 - high
        if head is not None and low == last:
            if low or high or head.is_cut_before or head.is_cut_behind:
                return EdgedTrack(track.rendition, self._piece(track, "head", head, own), None)
            return EdgedTrack(track.rendition, None, None)
        first = tail_piece = None
        if head is not None and (low or head.is_cut_before):
            end = end_ticks(head.units)
            whole = msgspec.structs.replace(head, end_pts=end, until_pts=end)
            first = self._piece(track, "head", whole, own[: low + 1])
        if tail is not None and (high or tail.is_cut_behind) and tail.units[0] is tail.media.units[0]:
            tail_piece = self._piece(track, "tail", tail, own[last:])
        return EdgedTrack(track.rendition, first, tail_piece)

    def _nearest(self, segments: Sequence[SourceSegment]) -> int:
        """Return which is the first that has something wanted; 0 where a gap or an absent file comes before it."""
        for number, segment in enumerate(segments):
            if segment.is_gap or not segment.key:
                return 0
            if self._look(segment) is not None:
                return number
        return 0

    def _wanted(self, segments: Sequence[SourceSegment], number: int) -> Wanted | None:
        if not segments or segments[number].is_gap or not segments[number].key:
            return None
        return self._look(segments[number])

    def _look(self, segment: SourceSegment) -> Wanted | None:
        media = load(self._directory / segment.key, self._directory / segment.init_key)
        begin = next((number for number, unit in enumerate(media.units) if unit.is_sync), None)
        if begin is None:
            return None
        units = media.units[begin:]
        rate, slack = media.init.timescale, frame_ticks(units) // 2
        first, end = units[0].pts, end_ticks(units)
        start_cut, end_cut = round(self._start_s * rate), round(self._end_s * rate)
        if end < start_cut + slack or end_cut < first + slack:
            return None
        is_before, is_behind = start_cut > first + slack, end_cut < end - slack
        near = round(NEAR_S * rate)
        start_cut, end_cut = start_cut - near, end_cut - near
        if media.init.kind is TrackKind.AUDIO:
            start_cut -= min(unit.duration for unit in units) - 1  # a unit that has begun is heard
        wanted_from, wanted_to = max(first, start_cut), end_cut if is_behind else end
        if not any(wanted_from <= unit.pts < wanted_to for unit in units):
            return None
        return Wanted(
            media=media,
            units=units,
            first_pts=wanted_from if is_before else first,
            end_pts=wanted_to,
            until_pts=min(round(self._end_s * rate), end),
            is_cut_before=is_before or begin > 0,
            is_cut_behind=is_behind,
        )

    def _piece(self, track: SourceTrack, edge: str, wanted: Wanted, covered: Sequence[SourceSegment]) -> EdgePiece:
        config, init_data, init = config_of(wanted.media.init), wanted.media.init_data, wanted.media.init
        units = _copied(wanted.units, wanted.first_pts, wanted.end_pts)
        if not units:
            coded = recode(config, wanted.units, wanted.first_pts, wanted.end_pts, number=int(edge == "tail"))
            config, init_data, units = coded.config, init_section(coded.config), coded.units
            units[-1].duration = max(wanted.until_pts - units[-1].pts, 1)
        name, init_name = f"{track.rendition}-{edge}.m4s", f"{track.rendition}-{edge}-init.mp4"
        data = segment_of(units, init)
        (self._directory / name).write_bytes(data)
        (self._directory / init_name).write_bytes(init_data)
        start = min(unit.pts for unit in units)
        end = max(min(wanted.until_pts, end_ticks(units)), start + 1)
        return EdgePiece(
            first_msn=covered[0].msn,
            last_msn=covered[-1].msn,
            init_name=init_name,
            init_size=len(init_data),
            name=name,
            size=len(data),
            start_s=start / init.timescale,
            duration_s=(end - start) / init.timescale,
            codec=rfc6381(config),
        )


def _copied(units: Sequence[Unit], first_pts: int, end_pts: int) -> list[Unit]:
    """Return the wanted units where they can be decoded as they are: one behind the other, from a keyframe on."""
    wanted = [number for number, unit in enumerate(units) if first_pts <= unit.pts < end_pts]
    is_whole = wanted == list(range(wanted[0], wanted[-1] + 1))
    return [units[number] for number in wanted] if is_whole and units[wanted[0]].is_sync else []
