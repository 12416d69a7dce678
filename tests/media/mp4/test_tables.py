"""Sample tables of runs that do not join."""

import struct
from array import array
from fractions import Fraction

from media.mp4.atoms import boxes
from media.mp4.segments import Run, TrackInit
from media.mp4.tables import SampleTable
from media.packets import TrackKind

VIDEO = TrackInit(TrackKind.VIDEO, 90_000, b"\0\0\0\x08avc1", 320, 180)
SOUND = TrackInit(TrackKind.AUDIO, 48_000, b"\0\0\0\x08mp4a", 0, 0)


def run(at: int, count: int, *, duration: int = 3000, composition: int = 0, syncs: tuple[int, ...] = (0,)) -> Run:
    return Run(
        at,
        0,
        array("I", [duration] * count),
        array("I", range(1, count + 1)),
        array("i", [composition] * count),
        [number in syncs for number in range(count)],
    )


def tables(table: SampleTable) -> dict[str, list[int]]:
    """Return the words of each box, without version and flags."""
    data = table.boxes()
    return {
        box.kind.decode(): [*struct.unpack(f">{(box.end - box.body - 4) // 4}I", data[box.body + 4 : box.end])]
        for box in boxes(data)
        if box.kind != b"stsd"
    }


def test_a_hole_makes_the_sample_before_last_longer() -> None:
    table = SampleTable(90_000)
    table.add(run(0, 2), VIDEO, 100)
    table.add(run(90_000, 2), VIDEO, 200)
    found = tables(table)
    assert found["stts"] == [3, 1, 3000, 1, 87_000, 2, 3000]
    assert found["stss"] == [2, 1, 3]
    assert found["stsz"] == [0, 4, 1, 2, 1, 2]
    assert found["co64"] == [2, 0, 100, 0, 200]
    assert found["stsc"] == [1, 1, 2, 1]
    assert table.end_s == Fraction(96_000, 90_000)


def test_what_overlaps_is_decoded_early_and_shown_in_time() -> None:
    table = SampleTable(90_000)
    table.add(run(0, 3, composition=6000), VIDEO, 0)
    table.add(run(3000, 2, composition=9000), VIDEO, 0)
    found = tables(table)
    dts, shown = 0, []
    durations = [d for count, d in zip(found["stts"][1::2], found["stts"][2::2], strict=True) for _ in range(count)]
    offsets = [d for count, d in zip(found["ctts"][1::2], found["ctts"][2::2], strict=True) for _ in range(count)]
    for duration, offset in zip(durations, offsets, strict=True):
        shown.append(dts + offset)
        dts += duration
    assert shown == [6000, 9000, 12_000, 12_000, 15_000]
    assert min(durations) == 1


def test_nothing_is_shown_before_it_is_decoded() -> None:
    table = SampleTable(48_000)
    table.add(run(0, 3, duration=1024, syncs=(0, 1, 2)), SOUND, 0)
    table.add(run(1024, 2, duration=1024, syncs=(0, 1)), SOUND, 0)
    assert "ctts" not in tables(table)
    assert "stss" not in tables(table)


def test_another_clock_is_converted_and_a_shift_taken_off() -> None:
    table = SampleTable(96_000)
    table.add(run(48_000, 2, duration=480), SOUND, 0, Fraction(1, 2))
    assert table.start_s == Fraction(1, 2)
    assert tables(table)["stts"] == [1, 2, 960]


def test_each_sample_entry_is_written_once_and_named_by_its_chunks() -> None:
    other = TrackInit(TrackKind.VIDEO, 90_000, b"\0\0\0\x08avc3", 320, 180)
    table = SampleTable(90_000)
    for number, init in enumerate((VIDEO, other, VIDEO)):
        table.add(run(number * 6000, 2), init, number)
    assert tables(table)["stsc"] == [3, 1, 2, 1, 2, 2, 2, 3, 2, 1]
    assert table.boxes().count(b"avc1") == 1
