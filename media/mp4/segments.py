"""What a stored segment holds: times, sizes and places of its samples, as `media/hls/boxes.py` writes them.

Errors: `BadMedia`, whatever the bytes are.
"""

import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, groupby

import msgspec

from media.hls.boxes import TIME_OFFSET_S
from media.mp4.atoms import BadMedia, Box, boxes, child
from media.packets import TrackKind

MAX_SAMPLES = 200_000
"""In one run, which lasts a third of a second."""
MAX_TIMESCALE = 1_000_000
_NON_SYNC = 0x00010000  # sample_is_non_sync_sample (8.8.3.1)
_KINDS = {b"vide": TrackKind.VIDEO, b"soun": TrackKind.AUDIO}


class TrackInit(msgspec.Struct, frozen=True):
    """An initialization section. `entry` is its sample entry, a box; width and height are those of the track header."""

    kind: TrackKind
    timescale: int
    entry: bytes
    width: int
    height: int
    default_duration: int = 0
    default_size: int = 0
    default_flags: int = 0


class Run(msgspec.Struct, gc=False):
    """Samples that lie one behind the other from `offset` on; `decode_time` is the media time of the first, in ticks.

    `syncs` tells of each whether decoding can begin there.
    """

    decode_time: int
    offset: int
    durations: "array[int]"
    sizes: "array[int]"
    compositions: "array[int]"
    syncs: list[bool]

    @property
    def size(self) -> int:
        """Bytes of all samples."""
        return sum(self.sizes)

    def only(self, kept: Sequence[bool]) -> "list[Run]":
        """Return those samples of which it is true, as runs of what is left together."""
        found, number, dts, at = [], 0, self.decode_time, self.offset
        for is_kept, group in groupby(kept):
            span = slice(number, number := number + len(list(group)))
            run = Run(
                decode_time=dts,
                offset=at,
                durations=self.durations[span],
                sizes=self.sizes[span],
                compositions=self.compositions[span],
                syncs=self.syncs[span],
            )
            dts, at = dts + sum(run.durations), at + run.size
            if is_kept:
                found.append(run)
        return found


def read_init(data: bytes) -> TrackInit:
    """Read an initialization section with one track."""
    movie = child(data, None, b"moov")
    track = child(data, movie, b"trak")
    media = child(data, track, b"mdia")
    handler = child(data, media, b"hdlr")
    kind = _KINDS.get(data[handler.body + 8 : handler.body + 12])
    if kind is None:
        raise BadMedia(f"a track of {data[handler.body + 8 : handler.body + 12]!r}")
    description = child(data, media, b"minf", b"stbl", b"stsd")
    entry = next(boxes(data, description.body + 8, description.end), None) if _has(description, 8) else None
    if entry is None:
        raise BadMedia("no sample entry")
    width, height = _size(data, child(data, track, b"tkhd"))
    _, duration, size, flags = _read(">8xIIII", data, child(data, movie, b"mvex", b"trex"))
    return TrackInit(
        kind,
        _timescale(data, child(data, media, b"mdhd")),
        data[entry.start : entry.end],
        width,
        height,
        duration,
        size,
        flags,
    )


def _timescale(data: bytes, header: Box) -> int:
    is_long = _has(header, 1) and data[header.body] == 1
    (ticks,) = _read(">20xI" if is_long else ">12xI", data, header)
    if not 0 < ticks <= MAX_TIMESCALE:
        raise BadMedia(f"{ticks} ticks per second")
    return int(ticks)


def _size(data: bytes, header: Box) -> tuple[int, int]:
    if not _has(header, 8):
        raise BadMedia("a short track header")
    width, height = struct.unpack_from(">II", data, header.end - 8)  # the last two fields (8.3.2)
    return width >> 16, height >> 16


def read_segment(data: bytes, init: TrackInit) -> list[Run]:
    """Return the runs of a segment in their order; other boxes, such as events, are passed over."""
    runs: list[Run] = []
    for box in boxes(data):
        if box.kind == b"moof":
            runs += _fragment(data, box, init)
    return runs


def without_leading(runs: Sequence[Run]) -> list[Run]:
    """Leave out what comes before the first keyframe, in decoding or in being shown.

    Where the stream before is not there, these pictures lack what they refer to: an open GOP's (HEVC's RASL pictures).
    """
    found: list[Run] = []
    key: int | None = None
    for run in runs:
        shown = [dts + composition for dts, composition in zip(_starts(run), run.compositions, strict=True)]
        if key is None:
            key = next((pts for pts, is_sync in zip(shown, run.syncs, strict=True) if is_sync), None)
        kept = [key is not None and pts >= key for pts in shown]
        found += run.only(kept)
    return found


def _starts(run: Run) -> list[int]:
    return [*accumulate(run.durations, initial=run.decode_time)][:-1]


def _fragment(data: bytes, moof: Box, init: TrackInit) -> list[Run]:
    tracks = [box for box in boxes(data, moof.body, moof.end) if box.kind == b"traf"]
    if len(tracks) != 1:
        raise BadMedia(f"a fragment of {len(tracks)} tracks")
    defaults = _Defaults(data, child(data, tracks[0], b"tfhd"), init)
    time_box = child(data, tracks[0], b"tfdt")
    is_long = _has(time_box, 1) and data[time_box.body] == 1
    (decode_time,) = _read(">4xQ" if is_long else ">4xI", data, time_box)
    decode_time -= TIME_OFFSET_S * init.timescale
    runs: list[Run] = []
    for box in boxes(data, tracks[0].body, tracks[0].end):
        if box.kind == b"trun":
            run = _run(data, box, moof, runs[-1] if runs else None, defaults)
            run.decode_time = decode_time
            decode_time += sum(run.durations)
            runs.append(run)
    return runs


class _Defaults:
    """Of the samples of a fragment (8.8.7)."""

    def __init__(self, data: bytes, header: Box, init: TrackInit) -> None:
        (flags,) = _read(">I", data, header)
        if flags & 1:
            raise BadMedia("offsets from the beginning of a file")
        fields = [name for bit, name in ((2, ""), (8, "duration"), (16, "size"), (32, "flags")) if flags & bit]
        found = dict(zip(fields, _read(f">8x{len(fields)}I", data, header), strict=True))
        self.duration = found.get("duration", init.default_duration)
        self.size = found.get("size", init.default_size)
        self.flags = found.get("flags", init.default_flags)


def _run(data: bytes, box: Box, moof: Box, before: Run | None, defaults: _Defaults) -> Run:
    flags, count = _read(">II", data, box)
    if count > MAX_SAMPLES:
        raise BadMedia(f"a run of {count} samples")
    place = box.body + 8
    at = before.offset + before.size if before else None
    if flags & 0x001:
        (offset,) = _read(">8xi", data, box)
        at, place = moof.start + offset, place + 4
    first_flags: int | None = None
    if flags & 0x004:
        (first_flags,) = _read(f">{place - box.body}xI", data, box)
        place += 4
    columns = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    table = data[place : place + 4 * count * len(columns)]
    if at is None or place + 4 * count * len(columns) > box.end:
        raise BadMedia(f"a run of {count} samples without their table")
    values = array("I", table)
    if sys.byteorder == "little":
        values.byteswap()
    column = {bit: values[index :: len(columns)] for index, bit in enumerate(columns)}
    sample_flags = list(column.get(0x400, array("I", [defaults.flags]) * count))
    if first_flags is not None and sample_flags:
        sample_flags[0] = first_flags
    run = Run(
        0,
        at,
        column.get(0x100, array("I", [defaults.duration]) * count),
        column.get(0x200, array("I", [defaults.size]) * count),
        array("i", column[0x800].tobytes()) if 0x800 in column else array("i", [0]) * count,
        [not value & _NON_SYNC for value in sample_flags],
    )
    if not 0 <= at <= at + run.size <= len(data):
        raise BadMedia(f"{run.size} bytes of samples at {at}, where {len(data)} are in all")
    return run


def _has(box: Box, size: int) -> bool:
    return box.end - box.body >= size


def _read(form: str, data: bytes, box: Box) -> tuple[int, ...]:
    if not _has(box, struct.calcsize(form)):
        raise BadMedia(f"box {box.kind!r} of {box.end - box.start} bytes")
    return struct.unpack_from(form, data, box.body)
