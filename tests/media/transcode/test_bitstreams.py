import pytest

from media.codecs.bits import BadConfig
from media.transcode.bitstreams import av1c_from_obus, obus, without_delimiters
from tests.media.transcode.clips import video


def test_delimiters_are_taken_out_of_a_temporal_unit() -> None:
    delimiter, header, frame = b"\x12\x00", b"\x0a\x03abc", b"\x32\x02xy"
    assert without_delimiters(delimiter + header + frame) == header + frame
    assert [kind for kind, _, _ in obus(delimiter + header + frame)] == [2, 1, 6]


def test_av1c_holds_level_and_sequence_header() -> None:
    material = video("libsvtav1", frames=2)
    made = av1c_from_obus(b"\x12\x00" + material.packets[0].data)
    assert made is not None
    assert made[:3] == material.config.record[:3]  # what FFmpeg's own muxer writes
    assert av1c_from_obus(b"\x12\x00") is None


@pytest.mark.parametrize("unit", [b"\x12", b"\x32\x05abc", b"\x32\xff"])
def test_a_cut_temporal_unit_is_refused(unit: bytes) -> None:
    if unit == b"\x12":
        with pytest.raises(BadConfig):
            list(obus(unit))
        return
    with pytest.raises(BadConfig):
        without_delimiters(unit)
