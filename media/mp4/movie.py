"""The moov of a flat file, and what goes before the media (ISO/IEC 14496-12; QuickTime's names for the title)."""

import struct
from collections.abc import Sequence
from fractions import Fraction

import msgspec

from media.mp4.atoms import box, full, u32
from media.mp4.segments import TrackInit
from media.mp4.tables import SampleTable
from media.packets import TrackKind

TIMESCALE = 90_000
"""Of the movie and its edits: video is exact, sound to a ninetieth of a millisecond."""
EPOCH_1904 = 2_082_844_800
"""Seconds from 1904, where this format's clock begins, to 1970 (8.2.2.3)."""
LEAD_S = Fraction(1, 2)
"""Sound may begin so long before the picture and is cut there; what begins earlier keeps its time, without picture."""
MAX_TITLE_BYTES = 1000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


class MovieTrack(msgspec.Struct, frozen=True):
    """A track and all its samples; `init` is its first one."""

    init: TrackInit
    table: SampleTable


class Span(msgspec.Struct, frozen=True):
    """The media time that is shown, in seconds: what lies outside is in the file and is left out by edit lists."""

    start_s: Fraction
    end_s: Fraction | None = None


def file_type() -> bytes:
    """Return ftyp."""
    return box(b"ftyp", b"isom", u32(512), b"isom", b"iso2", b"mp41", b"mp42")


def whole(tracks: Sequence[MovieTrack], start_s: Fraction | None = None) -> Span:
    """Return the span of a file that leaves nothing out, but what is heard just before the first picture.

    With `start_s`, what is heard before that is left out too; a picture that is shown then may have begun earlier.
    """
    starts: dict[TrackKind, Fraction] = {}
    for track in tracks:
        if track.table.count:
            begin = track.table.start_s
            is_cut = start_s is not None and (track.init.kind is TrackKind.AUDIO or start_s - begin > LEAD_S)
            starts[track.init.kind] = max(begin, start_s) if is_cut and start_s is not None else begin
    first = min(starts.values(), default=Fraction(0))
    picture = starts.get(TrackKind.VIDEO, first)
    return Span(picture if picture - first <= LEAD_S else first)


def movie(
    tracks: Sequence[MovieTrack], span: Span, *, title: str, created_s: int, moved_by: int = 0, is_long: bool = True
) -> bytes:
    """Return moov. `created_s` counts from 1970, 0 is unknown; for `moved_by` and `is_long` see `SampleTable.boxes`."""
    created = created_s + EPOCH_1904 if created_s else 0
    filled = [track for track in tracks if track.table.count]
    lengths = [_edits(track.table, span)[1] for track in filled]
    header = full(
        b"mvhd",
        1,
        0,
        struct.pack(">QQIQIH10x", created, created, TIMESCALE, max(lengths, default=0), 0x10000, 0x0100),
        _MATRIX,
        bytes(24),
        u32(len(filled) + 1),
    )
    boxes = [
        _track(number, track, span, created, track.table.boxes(moved_by, is_long=is_long))
        for number, track in enumerate(filled, 1)
    ]
    return box(b"moov", header, *boxes, _title(title))


def _track(number: int, track: MovieTrack, span: Span, created: int, tables: bytes) -> bytes:
    init, table = track.init, track.table
    is_video = init.kind is TrackKind.VIDEO
    edits, length = _edits(table, span)
    header = full(
        b"tkhd",
        1,
        3,  # enabled, in movie
        struct.pack(">QQI4xQ8xHHHH", created, created, number, length, 0, 0, 0 if is_video else 0x0100, 0),
        _MATRIX,
        struct.pack(">II", init.width << 16, init.height << 16),
    )
    handler, name = (b"vide", b"video\0") if is_video else (b"soun", b"audio\0")
    media_header = full(b"vmhd", 0, 1, bytes(8)) if is_video else full(b"smhd", 0, 0, bytes(4))
    reference = box(b"dinf", full(b"dref", 0, 0, u32(1), full(b"url ", 0, 1)))
    ticks = max(table.end_pts - table.first_dts, 0)
    media = box(
        b"mdia",
        full(b"mdhd", 1, 0, struct.pack(">QQIQHH", created, created, table.timescale, ticks, 0x55C4, 0)),  # "und"
        full(b"hdlr", 0, 0, bytes(4), handler, bytes(12), name),
        box(b"minf", media_header, reference, box(b"stbl", tables)),
    )
    return box(b"trak", header, box(b"edts", edits), media)


def _edits(table: SampleTable, span: Span) -> tuple[bytes, int]:
    """Return elst (8.6.6) and how long the track is presented: nothing until it begins, then its samples in the span.

    Media time counts from the first sample's decode time, so a picture that is decoded early begins at 0 all the same.
    """
    start_s = max(table.start_s, span.start_s)
    end_s = table.end_s if span.end_s is None else min(table.end_s, span.end_s)
    wait = round((start_s - span.start_s) * TIMESCALE)
    length = max(round((end_s - start_s) * TIMESCALE), 1)
    media_time = round(start_s * table.timescale) - table.first_dts
    edits = [struct.pack(">QqI", wait, -1, 0x10000)] if wait else []
    edits.append(struct.pack(">QqI", length, media_time, 0x10000))
    return full(b"elst", 1, 0, u32(len(edits)), *edits), wait + length


def _title(title: str) -> bytes:
    """Return udta with the title where players and file managers look: the item list of iTunes."""
    text = title.encode(errors="replace")[:MAX_TITLE_BYTES].decode(errors="ignore").encode()
    value = box(b"data", u32(1), u32(0), text)  # type 1: UTF-8; no locale
    handler = full(b"hdlr", 0, 0, bytes(4), b"mdir", b"appl", bytes(9))
    return box(b"udta", full(b"meta", 0, 0, handler, box(b"ilst", box(b"\xa9nam", value))))
