import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import video_config
from media.codecs.bits import BadConfig
from media.transcode.bitstreams import (
    av1c_from_obus,
    avcc_from_annexb,
    length_prefixed,
    nal_units,
    obus,
    without_delimiters,
)
from tests.media.material import VIDEO_CONFIG
from tests.media.transcode.clips import video

START = b"\x00\x00\x01"
UNITS = st.lists(st.binary(min_size=1, max_size=30).filter(lambda unit: b"\0\0" not in unit and unit[-1]), max_size=8)


@given(UNITS, st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_start_codes_part_the_same_units(units: list[bytes], long: list[bool]) -> None:
    stream = b"".join((b"\0" if is_long else b"") + START + unit for unit, is_long in zip(units, long, strict=False))
    assert list(nal_units(stream)) == units


def test_parameter_sets_become_avcc() -> None:
    record = video().config.record
    size = int.from_bytes(record[6:8], "big")
    sps, rest = record[8 : 8 + size], record[8 + size :]
    pps = rest[3 : 3 + int.from_bytes(rest[1:3], "big")]
    stream = b"\0" + START + sps + b"\0" + START + pps
    made = avcc_from_annexb(stream)
    assert made is not None
    config = video_config("avc1", made)
    assert (config.width, config.height) == (320, 180)
    assert made[: len(record)] == record[: len(made)]
    assert avcc_from_annexb(START + sps) is None
    assert avcc_from_annexb(b"") is None


def test_high_profile_says_its_chroma_format() -> None:
    size = int.from_bytes(VIDEO_CONFIG.record[6:8], "big")
    sps = VIDEO_CONFIG.record[8 : 8 + size]
    made = avcc_from_annexb(START + sps + START + b"\x68\xee")
    assert made is not None
    assert made.endswith(b"\x01\x00\x02\x68\xee\xfd\xf8\xf8\x00")


def test_a_sample_has_lengths_and_no_parameter_sets() -> None:
    stream = (
        START
        + b"\x09\xf0"
        + START
        + b"\x67abc"
        + START
        + b"\x68de"
        + b"\0"
        + START
        + b"\x65slice"
        + START
        + b"\x65more"
    )
    assert length_prefixed(stream) == b"\0\0\0\x06\x65slice\0\0\0\x05\x65more"


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
