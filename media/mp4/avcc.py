"""Parameter sets of H.264 in avcC (ISO/IEC 14496-15, 5.3.3), and one avcC for streams that take turns.

Chromium, and all that decode with one configuration, stop where a track goes on with another sample entry. Streams
whose parameter sets have different numbers can share one.
"""

from array import array
from collections.abc import Iterable, Sequence

import msgspec

from media.codecs.bits import BadConfig, Bits, rbsp
from media.mp4.atoms import BadMedia, box, boxes
from media.mp4.configs import VIDEO_FIELDS, config_of
from media.mp4.segments import Run, TrackInit

LENGTH_BYTES = 4
"""Before each NAL unit, as nearly all encoders have it."""
SPS_IDS = 32
"""Numbers a sequence parameter set may have (ITU-T H.264, 7.4.2.1.1); those of picture parameter sets go farther."""


class AvcRecord(msgspec.Struct, frozen=True):
    """An AVCDecoderConfigurationRecord in its parts: what is before the sets, the sets, and what is behind them."""

    head: bytes
    sps: list[bytes]
    pps: list[bytes]
    rest: bytes

    @property
    def ids(self) -> set[int]:
        """Numbers that are in use, by sets of either kind."""
        return {_sps_id(each) for each in self.sps} | {_pps_id(each) for each in self.pps}

    def written(self) -> bytes:
        """Return it as bytes."""
        parts = [self.head, bytes((0xE0 | len(self.sps),)), *map(_sized, self.sps)]
        return b"".join([*parts, bytes((len(self.pps),)), *map(_sized, self.pps), self.rest])


def read_record(record: bytes) -> AvcRecord:
    """Take an avcC apart. Raises `BadMedia`."""
    if len(record) < 7 or record[0] != 1:
        raise BadMedia(f"avcC of {len(record)} bytes")
    sps, at = _sets(record, 6, record[5] & 0x1F)
    if at >= len(record):
        raise BadMedia("avcC without picture parameter sets")
    pps, at = _sets(record, at + 1, record[at])
    return AvcRecord(record[:5], sps, pps, record[at:])


def free_ids(record: bytes) -> list[int]:
    """Return the numbers that no parameter set of an avcC has. Raises `BadMedia`."""
    used = read_record(record).ids
    return [number for number in range(SPS_IDS) if number not in used]


def parameter_sets(init: TrackInit) -> bytes:
    """Return the parameter sets as they may stand before a keyframe's picture; nothing of other codecs.

    ISO/IEC 14496-15 wants them in sample entries alone ("avc1"). They are there too; but players that look at the first
    entry only find out in this way that the encoder has changed.
    """
    if init.entry[4:8] != b"avc1":
        return b""
    record = read_record(config_of(init).record)
    if record.head[4] & 3 != LENGTH_BYTES - 1:
        return b""
    return b"".join(len(unit).to_bytes(LENGTH_BYTES, "big") + unit for unit in [*record.sps, *record.pps])


def announced(data: bytes, runs: Sequence[Run], init: TrackInit) -> tuple[bytes, list[Run]]:
    """Return a keyframe that a segment begins with, behind its parameter sets, and the runs with it apart.

    The first run is that keyframe, in the size that it has there. Without a keyframe or its sets there is nothing.
    """
    sets = parameter_sets(init)
    if not sets or not runs or not runs[0].syncs or not runs[0].syncs[0]:
        return b"", list(runs)
    is_first = [True] + [False] * (len(runs[0].syncs) - 1)
    key, *_ = runs[0].only(is_first)
    rest = runs[0].only([not each for each in is_first])
    sample = sets + data[key.offset : key.offset + key.size]
    key.sizes = array("I", [len(sample)])
    return sample, [key, *rest, *runs[1:]]


def joined(inits: Sequence[TrackInit]) -> TrackInit | None:
    """Return one initialization for what has these, None where they do not go together. The first is the model."""
    first = inits[0]
    if all(init.entry == first.entry for init in inits):
        return first
    try:
        records = [read_record(config_of(init).record) for init in inits]
        record = _joined(records) if all(_is_alike(first, init) for init in inits) else None
    except BadMedia:
        return None
    if record is None:
        return None
    inside = [
        box(b"avcC", record) if each.kind == b"avcC" else first.entry[each.start : each.end]
        for each in boxes(first.entry, 8 + VIDEO_FIELDS)
    ]
    return msgspec.structs.replace(first, entry=box(b"avc1", first.entry[8 : 8 + VIDEO_FIELDS], *inside))


def _is_alike(first: TrackInit, other: TrackInit) -> bool:
    return (first.timescale, first.width, first.height, first.entry[4:8]) == (
        *(other.timescale, other.width, other.height),
        b"avc1",
    )


def _joined(records: Sequence[AvcRecord]) -> bytes | None:
    first = records[0]
    if any((record.head[1], record.head[4]) != (first.head[1], first.head[4]) for record in records):
        return None  # another profile, or lengths of another size
    sps = list(dict.fromkeys(each for record in records for each in record.sps))
    pps = list(dict.fromkeys(each for record in records for each in record.pps))
    if not _differ(map(_sps_id, sps)) or not _differ(map(_pps_id, pps)):
        return None
    constraints = min((record.head[2] for record in records), key=int.bit_count)
    level = max(record.head[3] for record in records)
    head = first.head[:2] + bytes((constraints, level)) + first.head[4:]
    return AvcRecord(head, sps, pps, first.rest).written()


def _differ(ids: Iterable[int]) -> bool:
    found = list(ids)
    return len(set(found)) == len(found) <= SPS_IDS - 1  # five bits count them


def _sets(record: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    found = []
    for _ in range(count):
        size = int.from_bytes(record[at : at + 2], "big")
        found.append(record[at + 2 : at + 2 + size])
        if len(found[-1]) < size or not size:
            raise BadMedia(f"a parameter set of {size} bytes, where {len(found[-1])} are")
        at += 2 + size
    return found, at


def _sps_id(unit: bytes) -> int:
    return _number(unit[4:])  # behind header, profile, constraints, level (7.3.2.1.1)


def _pps_id(unit: bytes) -> int:
    return _number(unit[1:])


def _number(data: bytes) -> int:
    try:
        return Bits(rbsp(data[:16])).ue()
    except BadConfig as error:
        raise BadMedia(f"a parameter set without a number: {error}") from error


def _sized(unit: bytes) -> bytes:
    return len(unit).to_bytes(2, "big") + unit
