"""A flat file whose moov comes first, so that players begin before they have all of it: for what is written once."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import msgspec

from media.mp4.avcc import announced
from media.mp4.movie import MovieTrack, file_type, movie, whole
from media.mp4.segments import Run, TrackInit, read_segment, without_leading
from media.mp4.tables import MAX_OFFSET_32, SampleTable

ROOM_BYTES = 64 << 20
"""What moov and ftyp may take, when it is decided whether offsets fit in 32 bits."""


class Segment(msgspec.Struct, frozen=True):
    """A segment in a file of its own; `shift_s` is taken off its times.

    `is_joined`: it goes on from the one before, so that its pictures may refer to those.
    """

    path: Path
    init: TrackInit
    shift_s: Fraction = Fraction(0)
    is_joined: bool = False


class _Copy(msgspec.Struct, frozen=True):
    """Bytes of a file, or those in `data`."""

    path: Path
    start: int
    size: int
    data: bytes = b""


def write(
    target: Path,
    tracks: Sequence[Sequence[Segment]],
    start_s: Fraction,
    end_s: Fraction,
    *,
    title: str,
    created_s: int,
) -> tuple[int, float]:
    """Write the samples of these segments, without what is around them; return the size and how long it plays. Blocks.

    It shows what there is of the media time from `start_s` to `end_s`. Of each track there is at least one segment.
    Raises `BadMedia`, `OSError`.
    """
    tables = [SampleTable(max(segment.init.timescale for segment in segments)) for segments in tracks]
    filled = [MovieTrack(segments[0].init, table) for segments, table in zip(tracks, tables, strict=True)]
    copies = _gather(tracks, tables)
    end_s -= max((segments[-1].shift_s for segments in tracks), default=Fraction(0))
    span = msgspec.structs.replace(whole(filled, start_s), end_s=end_s)
    payload = sum(copy.size for copy in copies)
    is_long = payload + ROOM_BYTES > MAX_OFFSET_32
    media_head = _media_head(payload)
    head = file_type()

    def boxes(moved_by: int) -> bytes:
        return movie(filled, span, title=title, created_s=created_s, moved_by=moved_by, is_long=is_long)

    moved_by = len(head) + len(boxes(0)) + len(media_head)  # its size does not depend on the offsets in it
    with target.open("wb") as out:
        out.write(head + boxes(moved_by) + media_head)
        for copy in copies:
            _copy(copy, out)
        size = out.tell()
    shown_s = min([end_s, max(table.end_s for table in tables)]) - span.start_s
    return size, max(float(shown_s), 0.0)


def _gather(tracks: Sequence[Sequence[Segment]], tables: Sequence[SampleTable]) -> list[_Copy]:
    """Fill the tables with offsets from the beginning of the media; return what goes there, in order."""
    found: list[tuple[float, int, Run, Segment, bytes]] = []
    for number, segments in enumerate(tracks):
        reached_s = float("-inf")  # runs of a track stay in their order, whatever their times
        entry = segments[0].init.entry
        for segment in segments:
            data, keyframe = segment.path.read_bytes(), b""
            runs = read_segment(data, segment.init)
            runs = runs if segment.is_joined else without_leading(runs)
            if segment.init.entry != entry:
                entry = segment.init.entry
                keyframe, runs = announced(data, runs, segment.init)
            for run in runs:
                reached_s = max(reached_s, run.decode_time / segment.init.timescale - float(segment.shift_s))
                found.append((reached_s, number, run, segment, keyframe))
                keyframe = b""
    found.sort(key=lambda each: each[:2])
    copies, at = [], 0
    for _, number, run, segment, keyframe in found:
        tables[number].add(run, segment.init, at, segment.shift_s)
        copies.append(_Copy(segment.path, run.offset, run.size, keyframe))
        at += run.size
    return copies


def _media_head(payload: int) -> bytes:
    if payload + 8 <= MAX_OFFSET_32:
        return (payload + 8).to_bytes(4, "big") + b"mdat"
    return (1).to_bytes(4, "big") + b"mdat" + (payload + 16).to_bytes(8, "big")


def _copy(copy: _Copy, out: BinaryIO) -> None:
    if copy.data:
        out.write(copy.data)
        return
    with copy.path.open("rb") as source:
        source.seek(copy.start)
        out.write(source.read(copy.size))
