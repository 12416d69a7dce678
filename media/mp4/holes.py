"""What a flat file does with time in which no track has media: it is left out, for all tracks alike.

A hole of one track alone keeps its length, so that sound and picture stay in step: the last picture stays, or it is
silent.
"""

from collections.abc import Sequence
from fractions import Fraction

from schemas.storage import SourceSegment, SourceTrack

FROZEN_S = 2.0
"""A hole of all tracks that is not longer stays as it is."""
_NEAR_S = 0.001


def shifts(tracks: Sequence[SourceTrack]) -> list[list[Fraction]]:
    """Return for each segment of each track the seconds that are left out before it."""
    present = sorted(
        (segment for track in tracks for segment in track.segments if not segment.is_gap),
        key=lambda segment: segment.start_s,
    )
    cuts = _cuts(present)
    return [_shifts_of(track, cuts) for track in tracks]


def _cuts(present: Sequence[SourceSegment]) -> list[tuple[float, Fraction]]:
    cuts: list[tuple[float, Fraction]] = []
    reached = present[0].start_s if present else 0.0
    for segment in present:
        hole = segment.start_s - reached
        if hole > FROZEN_S:
            cuts.append((segment.start_s - _NEAR_S, Fraction(round(hole * 1000), 1000)))
        reached = max(reached, segment.start_s + segment.duration_s)
    return cuts


def _shifts_of(track: SourceTrack, cuts: Sequence[tuple[float, Fraction]]) -> list[Fraction]:
    found, total, waiting = [], Fraction(0), list(cuts)
    for segment in track.segments:
        while waiting and waiting[0][0] <= segment.start_s:
            total += waiting.pop(0)[1]
        found.append(total)
    return found
