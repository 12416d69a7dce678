"""Claims of media.codecs.nal: torn access units are seen, open GOPs are told from closed ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codecs.nal import MAX_NAL_UNITS, is_closed, is_whole
from media.packets import CodecConfig, TrackKind


def avc(length_size: int = 4) -> CodecConfig:
    return CodecConfig(TrackKind.VIDEO, "avc1", bytes([1, 100, 0, 31, 0xFC | length_size - 1, 0xE1]))


def hevc(length_size: int = 4) -> CodecConfig:
    return CodecConfig(TrackKind.VIDEO, "hvc1", bytes(21) + bytes([length_size - 1, 0]))


def unit(*nals: bytes, size: int = 4) -> bytes:
    return b"".join(len(nal).to_bytes(size, "big") + nal for nal in nals)


@pytest.mark.parametrize("config", [avc, hevc])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_lengths_that_add_up_are_whole_and_any_other_cut_is_not(config: object, size: int) -> None:
    assert callable(config)
    whole = unit(b"\x09\xf0", b"\x65" + bytes(100), b"\x65" + bytes(50), size=size)
    ends = {0, *(len(unit(b"\x09\xf0", size=size)) + n for n in (0, 101 + size))}
    assert is_whole(config(size), whole)
    for cut in range(1, len(whole)):
        assert is_whole(config(size), whole[:cut]) is (cut in ends), cut
    assert not is_whole(config(size), whole + b"\0")
    assert not is_whole(config(size), whole + bytes(size))  # a NAL unit of nothing
    assert not is_whole(config(size), bytes(200_000))


def test_absurdly_many_nal_units_are_not_counted_to_their_end() -> None:
    assert is_whole(avc(), unit(*[b"\x41"] * MAX_NAL_UNITS))
    assert not is_whole(avc(), unit(*[b"\x41"] * (MAX_NAL_UNITS + 1)))
    assert not is_whole(avc(2), unit(*[b"\x41"] * (MAX_NAL_UNITS + 1), size=2))


def test_codecs_without_nal_units_are_always_whole() -> None:
    assert is_whole(CodecConfig(TrackKind.VIDEO, "av01", bytes(30)), b"\xff\xff")


@given(st.binary(max_size=80), st.integers(1, 4), st.sampled_from([avc, hevc]))
def test_any_bytes_get_an_answer(data: bytes, size: int, config: object) -> None:
    assert callable(config)
    assert is_whole(config(size), data) in {True, False}
    assert is_closed(config(size), data) in {True, False}


@pytest.mark.parametrize(
    ("config", "nals", "closed"),
    [
        (avc(), [b"\x09\xf0", b"\x67\x64", b"\x68\xee", b"\x65\x88"], True),
        (avc(), [b"\x09\xf0", b"\x06\x06\x01\xc4", b"\x41\x9a"], False),  # SEI with a recovery point, then a slice
        (avc(2), [b"\x09\xf0", b"\x41\x9a"], False),
        (hevc(), [b"\x46\x01", b"\x26\x01\xaf"], True),  # IDR_W_RADL
        (hevc(), [b"\x28\x01\xaf"], True),  # IDR_N_LP
        (hevc(), [b"\x46\x01", b"\x2a\x01\xaf"], False),  # CRA
    ],
)
def test_keyframes_of_open_gops_are_told_by_their_nal_types(
    config: CodecConfig, nals: list[bytes], closed: bool
) -> None:
    size = 2 if config == avc(2) else 4
    assert is_closed(config, unit(*nals, size=size)) is closed
