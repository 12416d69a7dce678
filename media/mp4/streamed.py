"""A flat file in one pass and in little memory: ftyp, mdat, moov.

The payload of mdat is the stored segments as they are. Their own boxes are dead bytes there, which no sample offset
points to; so all that is needed beforehand is how large the segments are. Where the encoder has changed, another mdat
begins, and before it stands one with the first keyframe a second time, together with its parameter sets.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate

import msgspec

from media.mp4 import holes
from media.mp4.atoms import BadMedia, box
from media.mp4.avcc import announced
from media.mp4.movie import MovieTrack, file_type, movie, whole
from media.mp4.segments import TrackInit, read_segment
from media.mp4.tables import SampleTable
from media.packets import TrackKind
from schemas.storage import SourceSegment, SourceTrack


class Piece(msgspec.Struct, frozen=True):
    """A segment at its place in the file."""

    track: int
    segment: SourceSegment
    shift_s: Fraction


class StreamedMovie:
    """Give out `head`, then what `take` (or `skip`) returns for each of `pieces`, then `tail`.

    `inits` by their keys, for all that segments name. Raises `BadMedia` for one that is of another kind than its track.
    """

    def __init__(
        self, tracks: Sequence[SourceTrack], inits: Mapping[str, TrackInit], *, title: str, created_s: int
    ) -> None:
        self._inits = inits
        self._title, self._created_s = title, created_s
        self._tables = [_table(track, inits) for track in tracks]
        self._firsts = [_inits_of(track, inits)[0] for track in tracks]
        self.pieces = _in_order(tracks)
        self._switches = self._changes()
        self._at = len(self.head())
        self._taken = 0

    def head(self) -> bytes:
        """Return what comes before the first segment."""
        return file_type() + self._media_head(0)

    def take(self, data: bytes) -> bytes:
        """Note the samples of the next piece; return what stands in the file for it. Raises `BadMedia`."""
        piece = self.pieces[self._taken]
        if len(data) != piece.segment.size:
            raise BadMedia(f"{piece.segment.key} has {len(data)} bytes, and {piece.segment.size} were announced")
        init, table = self._inits[piece.segment.init_key], self._tables[piece.track]
        runs, before = read_segment(data, init), b""
        if self._taken in self._switches:
            keyframe, runs = announced(data, runs, init)
            if keyframe:
                before = box(b"mdat", keyframe)
                table.add(runs.pop(0), init, self._at + len(before) - len(keyframe), piece.shift_s)
            before += self._media_head(self._taken)
        self._at += len(before)
        for run in runs:
            table.add(run, init, self._at + run.offset, piece.shift_s)
        self._at += len(data)
        self._taken += 1
        return before + data

    def skip(self) -> bytes:
        """The next piece is lost: return dead bytes in its place. There is a hole in its track."""
        before = self._media_head(self._taken) if self._taken in self._switches else b""
        size = self.pieces[self._taken].segment.size
        self._at += len(before) + size
        self._taken += 1
        return before + bytes(size)

    def _changes(self) -> list[int]:
        """Return which pieces begin with another sample entry than the one before them in a track of pictures."""
        found, before = [], dict[int, bytes]()
        for number, piece in enumerate(self.pieces):
            init = self._inits[piece.segment.init_key]
            if init.kind is TrackKind.VIDEO and before.setdefault(piece.track, init.entry) != init.entry:
                found.append(number)
                before[piece.track] = init.entry
        return found

    def _media_head(self, begin: int) -> bytes:
        """Return the head of an mdat that holds the pieces from this one to the next change."""
        end = next((number for number in self._switches if number > begin), len(self.pieces))
        payload = sum(piece.segment.size for piece in self.pieces[begin:end])
        # size 1: the true one follows in 64 bits (4.2.2)
        return (1).to_bytes(4, "big") + b"mdat" + (16 + payload).to_bytes(8, "big")

    def tail(self) -> bytes:
        """Return what comes after the last segment."""
        tracks = [MovieTrack(init, table) for init, table in zip(self._firsts, self._tables, strict=True)]
        return movie(tracks, whole(tracks), title=self._title, created_s=self._created_s)


def _table(track: SourceTrack, inits: Mapping[str, TrackInit]) -> SampleTable:
    return SampleTable(max(init.timescale for init in _inits_of(track, inits)))


def _inits_of(track: SourceTrack, inits: Mapping[str, TrackInit]) -> list[TrackInit]:
    own = [inits[segment.init_key] for segment in track.segments if not segment.is_gap]
    for init in own:
        if init.kind.value != track.kind:
            raise BadMedia(f"rendition {track.rendition} is {track.kind}, its media {init.kind.value}")
    if not own:
        raise BadMedia(f"rendition {track.rendition} has no media")
    return own


def _in_order(tracks: Sequence[SourceTrack]) -> list[Piece]:
    """Segments of all tracks by their times: who plays the file as it comes needs both at once.

    Those of one track stay in their order: a break may let one begin a little before the end of the one before.
    """
    pieces: list[tuple[float, Piece]] = []
    for number, (track, own) in enumerate(zip(tracks, holes.shifts(tracks), strict=True)):
        present = [pair for pair in zip(track.segments, own, strict=True) if not pair[0].is_gap]
        reached = accumulate((segment.start_s for segment, _ in present), max)
        pieces += [(at_s, Piece(number, *pair)) for at_s, pair in zip(reached, present, strict=True)]
    pieces.sort(key=lambda each: each[0])
    return [piece for _, piece in pieces]
