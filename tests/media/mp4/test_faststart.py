"""Files whose moov comes first."""

from array import array
from fractions import Fraction
from pathlib import Path

import pytest

from media.mp4 import faststart
from media.mp4.atoms import boxes, child
from media.mp4.segments import Run
from media.mp4.tables import SampleTable
from tests.media.material import aac, h264
from tests.media.mp4.stored import Stored, decode, play, store


def write(stored: Stored, folder: Path, start_s: int = 0, end_s: int = 100) -> Path:
    tracks = []
    for track in stored.tracks:
        segments = []
        for segment in track.segments:
            path = folder / segment.key.rpartition("/")[2]
            path.write_bytes(stored.objects[segment.key])
            segments.append(faststart.Segment(path, stored.inits[segment.init_key]))
        tracks.append(segments)
    size, _ = faststart.write(
        folder / "out.mp4", tracks, Fraction(start_s), Fraction(end_s), title="Clip", created_s=1_700_000_000
    )
    assert size == (folder / "out.mp4").stat().st_size
    return folder / "out.mp4"


def test_moov_is_first_and_everything_decodes(tmp_path: Path) -> None:
    stored = store(play(h264(5), aac(5)))
    path = write(stored, tmp_path)
    data = path.read_bytes()
    assert [box.kind for box in boxes(data)] == [b"ftyp", b"moov", b"mdat"]
    found = decode(path)
    assert found.complaints == []
    assert len(found.pictures) == 150
    assert len(found.sounds) == len(aac(5).packets) - 1  # the encoder's first one is before 0


def test_only_samples_are_in_the_media(tmp_path: Path) -> None:
    data = write(store(play(h264(3))), tmp_path).read_bytes()
    payload = child(data, None, b"mdat")
    assert payload.end - payload.body == sum(len(packet.data) for packet in h264(3).packets)


def test_what_lies_outside_of_the_span_is_not_shown(tmp_path: Path) -> None:
    stored = store(play(h264(5), aac(5)))
    found = decode(write(stored, tmp_path, 1, 3))
    assert len(found.pictures) == 60
    assert found.pictures[0] == pytest.approx(0, abs=0.001)
    assert found.sounds[-1] < 2.03


def test_offsets_beyond_four_gigabytes_take_eight_bytes() -> None:
    stored = store(play(h264(3)))
    init = next(iter(stored.inits.values()))
    table = SampleTable(90_000)
    place = (5 << 30) + 1
    table.add(Run(0, 0, array("I", [3000]), array("I", [9]), array("i", [0]), [True]), init, place)
    assert place.to_bytes(8, "big") in table.boxes()
    assert (place + 7).to_bytes(8, "big") in table.boxes(7)
    assert b"co64" in table.boxes()
    assert b"stco" not in table.boxes()
