"""Access units with their times, out of stored segments and back into a segment of a clip's own."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from media.hls.boxes import Sample, fragment
from media.mp4.segments import TrackInit, read_init, read_segment


class Unit(msgspec.Struct, gc=False):
    """An access unit; times in ticks of its track, media time."""

    dts: int
    pts: int
    duration: int
    is_sync: bool
    data: bytes


class Media(msgspec.Struct, frozen=True):
    """What a segment holds: units in the order of decoding, and the initialization section as bytes and read."""

    init_data: bytes
    init: TrackInit
    units: list[Unit]


def load(segment: Path, init: Path) -> Media:
    """Read a segment. Raises `BadMedia`, `OSError`."""
    init_data, data = init.read_bytes(), segment.read_bytes()
    track = read_init(init_data)
    units = []
    for run in read_segment(data, track):
        dts, at = run.decode_time, run.offset
        for duration, size, composition, is_sync in zip(
            run.durations, run.sizes, run.compositions, run.syncs, strict=True
        ):
            units.append(Unit(dts, dts + composition, duration, is_sync, data[at : at + size]))
            dts, at = dts + duration, at + size
    return Media(init_data, track, units)


def shown(units: Iterable[Unit]) -> list[Unit]:
    """Return units in the order in which they are presented."""
    return sorted(units, key=lambda unit: unit.pts)


def frame_ticks(units: Sequence[Unit]) -> int:
    """Return how long most units last."""
    durations = sorted(unit.duration for unit in units)
    return durations[len(durations) // 2]


def end_ticks(units: Sequence[Unit]) -> int:
    """Return when the last one has been presented."""
    last = max(units, key=lambda unit: unit.pts)
    ends = sorted(unit.dts + unit.duration for unit in units)[-1]
    return max(last.pts + frame_ticks(units), ends + min(unit.pts - unit.dts for unit in units))


def segment_of(units: Sequence[Unit], init: TrackInit) -> bytes:
    """Return units as one segment, at the times that they have in their stream."""
    samples = [Sample(unit.duration, unit.pts - unit.dts, unit.is_sync, unit.data) for unit in units]
    return fragment(init.kind, 1, units[0].dts, init.timescale, samples)
