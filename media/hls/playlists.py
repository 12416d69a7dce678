"""The media playlists of a stream as text: of a rendition, of its keyframes alone, and of the captions.

The latter two have one entry for each segment of the rendition that they go with, under the same media sequence
number, so that a position means the same in all of them. They have no parts (RFC 8216bis, 4.4.4.9).
"""

from collections.abc import Callable, Sequence
from typing import Literal

from media.hls.dates import DateRanges
from media.hls.window import LiveSegment, Window
from schemas import playlist as text

Skip = Literal["", "YES", "v2"]
"""What may be left out: nothing, older segments, older date ranges too (6.2.5.1)."""
CAPTIONS = "captions"
"""The rendition's name, as it stands in URIs."""


def write_rendition(window: Window, reports: Sequence[text.RenditionReport], dates: DateRanges, skip: Skip) -> str:
    """Return a rendition's playlist, or what is new in it."""
    next_msn, next_part = window.next_part
    last = next_msn - window.segments[0].msn if window.segments else 0  # the one in progress, even if empty
    segments = [
        _line(window, segment, with_parts=window.lists_parts(last - index, distance_s))
        for index, (segment, distance_s) in enumerate(window.distances())
    ]
    playlist = text.MediaPlaylist(
        target_duration_s=window.target_duration_s,
        segments=segments,
        media_sequence=window.segments[0].msn if window.segments else 0,
        discontinuity_sequence=window.discontinuity_sequence,
        part_target_s=window.part_target_s,
        server_control=window.server_control,
        hint_uri=None if window.is_ended else window.uri(next_msn, next_part),
        reports=reports,
        date_ranges=dates.listed(),
        is_ended=window.is_ended,
    )
    return _written(playlist, window, dates, skip)


def write_stills(window: Window, dates: DateRanges, skip: Skip) -> str:
    """Return the I-frame playlist of a rendition with pictures (4.4.3.6).

    It has the keyframe that each segment begins with; a segment that was cut where no keyframe is has none to show.
    """
    return _write_beside(window, (), dates, skip, _still, is_iframes_only=True)


def write_captions(window: Window, reports: Sequence[text.RenditionReport], dates: DateRanges, skip: Skip) -> str:
    """Return the playlist of the captions that go with this rendition."""
    return _write_beside(window, reports, dates, skip, _caption)


def captions_report(window: Window) -> text.RenditionReport:
    """Return what another playlist says of the captions that go with this rendition."""
    return text.RenditionReport(f"{CAPTIONS}.m3u8", max(window.last_closed_msn, 0), None)


def _write_beside(
    window: Window,
    reports: Sequence[text.RenditionReport],
    dates: DateRanges,
    skip: Skip,
    line: Callable[[Window, LiveSegment], text.Segment],
    *,
    is_iframes_only: bool = False,
) -> str:
    playlist = text.MediaPlaylist(
        target_duration_s=window.target_duration_s,
        segments=[line(window, segment) for segment in window.segments if segment.duration_s is not None],
        media_sequence=window.segments[0].msn if window.segments else 0,
        discontinuity_sequence=window.discontinuity_sequence,
        server_control=window.server_control,
        reports=reports,
        date_ranges=dates.listed(),
        is_iframes_only=is_iframes_only,
        is_ended=window.is_ended,
    )
    return _written(playlist, window, dates, skip)


def _written(playlist: text.MediaPlaylist, window: Window, dates: DateRanges, skip: Skip) -> str:
    skipped = window.skippable() if skip and not window.is_ended else 0
    if skip != "v2" or not skipped:
        return text.write_media_playlist(playlist, skip=skipped)
    skip_s = window.server_control.can_skip_until_s or 0.0
    delta = text.Delta(dates.recent(skip_s), dates.recently_removed(skip_s))
    return text.write_media_playlist(playlist, skip=skipped, delta=delta)


def _line(window: Window, segment: LiveSegment, *, with_parts: bool) -> text.Segment:
    if segment.line is not None and not with_parts:
        return segment.line
    line = text.Segment(
        uri=window.uri(segment.msn),
        duration_s=segment.duration_s,
        map_uri=_map_uri(window, segment),
        program_date_time_ms=window.program_time_ms(segment),
        is_discontinuous=segment.is_discontinuous,
        is_gap=segment.is_gap,
        parts=[
            text.Part(window.uri(segment.msn, index), part.duration_s, part.is_independent)
            for index, part in enumerate(segment.parts)
        ]
        if with_parts
        else (),
    )
    if not with_parts and segment.duration_s is not None:
        segment.line = line  # it will not change any more
    return line


def _still(window: Window, segment: LiveSegment) -> text.Segment:
    size = segment.still_bytes
    return text.Segment(
        uri=window.uri(segment.msn),
        duration_s=segment.duration_s,
        map_uri=_map_uri(window, segment),
        program_date_time_ms=window.program_time_ms(segment),
        is_discontinuous=segment.is_discontinuous,
        is_gap=not size,
        byte_range=(size, 0) if size else None,
    )


def _caption(window: Window, segment: LiveSegment) -> text.Segment:
    return text.Segment(
        uri=f"{CAPTIONS}-{segment.msn}.vtt",
        duration_s=segment.duration_s,
        program_date_time_ms=window.program_time_ms(segment),
        is_discontinuous=segment.is_discontinuous,
    )


def _map_uri(window: Window, segment: LiveSegment) -> str:
    return f"{window.name}-init-{segment.map_number}.mp4"
