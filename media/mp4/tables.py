"""The samples of one track of a flat file, gathered run by run: some bytes each, for a broadcast of many hours."""

import sys
from array import array
from fractions import Fraction
from itertools import accumulate

from media.mp4.atoms import full, u32
from media.mp4.segments import Run, TrackInit

LONGEST_SAMPLE = 0xFFFFFFFF
"""Ticks, as stts holds them: 13 hours of video."""
MAX_OFFSET_32 = 0xFFFFFFFF


class RunLengths:
    """Numbers of which many are alike, as pairs of count and number: stts, ctts."""

    def __init__(self) -> None:
        self.counts = array("I")
        self.values = array("I")

    def add(self, value: int) -> None:
        """Take the next number."""
        if self.values and self.values[-1] == value:
            self.counts[-1] += 1
        else:
            self.counts.append(1)
            self.values.append(value)

    def pairs(self) -> bytes:
        """Return them all, four bytes each."""
        both = array("I", bytes(8 * len(self.counts)))
        both[0::2] = self.counts
        both[1::2] = self.values
        return u32(len(self.counts)) + _big(both)


class SampleTable:
    """Takes runs in the order of their times; tells start, end and the boxes of the sample table (8.5 to 8.7).

    Times follow the media's: where a run begins later than the one before has ended, the last sample lasts longer, and
    where it begins earlier its first samples are decoded as soon as they may, and shown when they were meant to be.
    """

    def __init__(self, timescale: int) -> None:
        self.timescale = timescale
        self.count = 0
        self.first_dts = 0
        self.first_pts = 0
        self.end_pts = 0
        """When what is shown last has been shown, in ticks."""
        self._entries: list[bytes] = []
        self._durations = RunLengths()
        self._compositions = RunLengths()
        self._sizes = array("I")
        self._keys = array("I")
        self._offsets = array("Q")
        self._chunks: list[tuple[int, int, int]] = []  # first chunk, samples, entry
        self._last_dts = 0
        self._last_duration = 0

    @property
    def start_s(self) -> Fraction:
        """When the first sample is shown, in media time."""
        return Fraction(self.first_pts, self.timescale)

    @property
    def end_s(self) -> Fraction:
        """When the last one has been shown, in media time."""
        return Fraction(self.end_pts, self.timescale)

    def add(self, run: Run, init: TrackInit, offset: int, shift_s: Fraction = Fraction(0)) -> None:
        """Take a run whose bytes are at `offset` of the file; `shift_s` is taken off its times."""
        if not run.sizes:
            return
        starts = [*accumulate(run.durations, initial=run.decode_time)]
        compositions = run.compositions
        if init.timescale != self.timescale:
            scale = Fraction(self.timescale, init.timescale)
            starts = [round(start * scale) for start in starts]
            compositions = array("i", [round(value * scale) for value in compositions])
        shift = round(shift_s * self.timescale)
        starts = [start - shift for start in starts]
        self._place(starts, compositions)
        self._keys.extend(self.count + number for number, is_sync in enumerate(run.syncs, 1) if is_sync)
        self._sizes.extend(run.sizes)
        self.count += len(run.sizes)
        self._chunk(offset, len(run.sizes), init.entry)

    def _place(self, starts: list[int], compositions: "array[int]") -> None:
        if not self.count:
            self._last_dts = self.first_dts = starts[0]
            self.first_pts = starts[0] + compositions[0]
        is_first = not self.count
        for start, composition in zip(starts, compositions, strict=False):
            place = start if is_first else max(start, self._last_dts + 1)
            if not is_first:
                self._durations.add(min(place - self._last_dts, LONGEST_SAMPLE))
            self._compositions.add(max(start + composition - place, 0))  # players refuse what is shown before decoding
            self._last_dts = place
            is_first = False
        self._last_duration = max(starts[-1] - self._last_dts, 1)
        ends = [end + composition for end, composition in zip(starts[1:], compositions, strict=True)]
        self.end_pts = max(self.end_pts, *ends) if self.count else max(ends)

    def _chunk(self, offset: int, samples: int, entry: bytes) -> None:
        self._offsets.append(offset)
        if entry not in self._entries:
            self._entries.append(entry)
        number = self._entries.index(entry) + 1
        if not self._chunks or self._chunks[-1][1:] != (samples, number):
            self._chunks.append((len(self._offsets), samples, number))

    def boxes(self, moved_by: int = 0, *, is_long: bool = True) -> bytes:
        """Return the contents of stbl; `moved_by` is added to all offsets, which take eight bytes if `is_long`."""
        offsets = array("Q", [offset + moved_by for offset in self._offsets]) if moved_by else self._offsets
        found = [
            full(b"stsd", 0, 0, u32(len(self._entries)), *self._entries),
            full(b"stts", 0, 0, self._closed_durations().pairs()),
        ]
        if any(self._compositions.values):
            found.append(full(b"ctts", 0, 0, self._compositions.pairs()))
        if len(self._keys) < self.count:
            found.append(full(b"stss", 0, 0, u32(len(self._keys)), _big(self._keys)))
        chunks = array("I", [value for chunk in self._chunks for value in chunk])
        found.append(full(b"stsc", 0, 0, u32(len(self._chunks)), _big(chunks)))
        found.append(full(b"stsz", 0, 0, u32(0), u32(self.count), _big(self._sizes)))
        places = _big(offsets if is_long else array("I", offsets))
        found.append(full(b"co64" if is_long else b"stco", 0, 0, u32(len(offsets)), places))
        return b"".join(found)

    def _closed_durations(self) -> RunLengths:
        closed = RunLengths()
        closed.counts, closed.values = self._durations.counts[:], self._durations.values[:]
        if self.count:
            closed.add(self._last_duration)
        return closed


def _big(values: "array[int]") -> bytes:
    if sys.byteorder == "little":
        values = values[:]
        values.byteswap()
    return values.tobytes()
