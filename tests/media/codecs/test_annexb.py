"""Claims of media.codecs.annexb: byte streams and samples say the same, and parameter sets become configurations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import hevc, rfc6381, video_config
from media.codecs.annexb import (
    MAX_SETS,
    AnnexBReader,
    avcc,
    avcc_from_annexb,
    length_prefixed,
    nal_units,
    nal_units_of,
    parameter_sets,
    to_annexb,
)
from media.codecs.bits import BadConfig
from media.codecs.nal import is_whole
from media.packets import CodecConfig, TrackKind
from tests.media.material import VIDEO_CONFIG
from tests.media.transcode.clips import video

START = b"\x00\x00\x01"
UNITS = st.lists(st.binary(min_size=1, max_size=30).filter(lambda unit: b"\0\0" not in unit and unit[-1]), max_size=8)
IDR, SLICE = b"\x65\x88\x84\x01", b"\x41\x9a\x01"
"""Of H.264: their first numbers are 0, a slice type and PPS 0."""
RECOVERY_POINT = b"\x06\x06\x01\xc4\x80"


def stream(*units: bytes) -> bytes:
    return b"".join(b"\0" + START + unit for unit in units)


def sample(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def sets_of(size: str) -> tuple[bytes, bytes]:
    """Return SPS and PPS of a real stream of this size, both with the number 0."""
    sps, pps = parameter_sets(video(size=size, frames=2).config)
    return sps, pps


def avc_or_hevc(fourcc: str) -> CodecConfig:
    """Return a configuration that says only that lengths have four bytes."""
    record = bytes([1, 100, 0, 31, 0xFF, 0xE1]) if fourcc == "avc1" else bytes(21) + b"\x03\0"
    return CodecConfig(TrackKind.VIDEO, fourcc, record)


@given(UNITS, st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_start_codes_part_the_same_units(units: list[bytes], long: list[bool]) -> None:
    data = b"".join((b"\0" if is_long else b"") + START + unit for unit, is_long in zip(units, long, strict=False))
    assert list(nal_units(data)) == units


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
@pytest.mark.parametrize("with_sets", [True, False])
def test_a_real_stream_comes_back_as_it_was(encoder: str, *, with_sets: bool) -> None:
    """Whether each keyframe has its parameter sets, or only the first one."""
    material = video(encoder, frames=40, gop=10)
    reader = AnnexBReader(material.config.fourcc)
    configs = []
    for number, packet in enumerate(material.packets):
        is_told = packet.is_keyframe and (with_sets or not number)
        data = to_annexb(material.config, packet.data, with_parameter_sets=is_told)
        config, read, is_keyframe = reader.read(data)
        assert is_keyframe is packet.is_keyframe
        assert read == sample(*nal_units_of(material.config, packet.data))
        if config is not None:
            configs.append(config)
    (config,) = configs
    assert (config.width, config.height) == (material.config.width, material.config.height)
    assert rfc6381(config) == rfc6381(material.config)
    assert parameter_sets(config) == parameter_sets(material.config)
    if encoder == "libx265":
        ours, theirs = hevc.parse_hvcc(config.record), hevc.parse_hvcc(material.config.record)
        assert ours == theirs
        assert config.record[16:21] == material.config.record[16:21]  # chroma, depths, rate
        assert config.record[21] == material.config.record[21]  # layers, nesting, lengths


def test_a_new_size_is_told_with_its_keyframe() -> None:
    small, large = sets_of("320x180"), sets_of("640x360")
    reader = AnnexBReader("avc1")
    first, _, _ = reader.read(stream(*small, IDR))
    assert first is not None
    assert reader.read(stream(*small, IDR))[0] is None
    assert reader.read(stream(*large)) == (None, b"", False)  # nothing uses it yet
    assert reader.read(stream(SLICE)) == (None, sample(SLICE), False)
    config, data, is_keyframe = reader.read(stream(IDR))
    assert config is not None
    assert (first.width, config.width, data, is_keyframe) == (320, 640, sample(IDR), True)
    assert reader.config is config


def test_there_is_no_configuration_until_all_sets_have_come() -> None:
    sps, pps = sets_of("320x180")
    reader = AnnexBReader("avc1")
    assert reader.read(stream(IDR)) == (None, sample(IDR), True)
    assert reader.read(stream(sps, IDR))[0] is None
    assert reader.read(stream(pps, IDR))[0] is not None


def test_sets_that_the_picture_does_not_use_are_left_out() -> None:
    sps, pps = sets_of("320x180")
    other_sps = sps[:4] + bytes((sps[4] & 0x7F | 0x40,)) + sps[5:]  # whatever it says then, its number is not 0
    other_pps = b"\x68" + bytes((0b0101_1100,)) + pps[2:]  # number 1, of SPS 0
    reader = AnnexBReader("avc1")
    config, _, _ = reader.read(stream(other_sps, sps, other_pps, pps, IDR))
    assert config is not None
    assert parameter_sets(config) == [sps, other_pps, pps]
    assert config.width == 320


def test_a_recovery_point_begins_an_open_gop() -> None:
    sps, pps = sets_of("320x180")
    reader = AnnexBReader("avc1")
    config, data, is_keyframe = reader.read(stream(b"\x09\xf0", sps, pps, RECOVERY_POINT, SLICE, SLICE))
    assert config is not None
    assert (data, is_keyframe) == (sample(RECOVERY_POINT, SLICE, SLICE), True)
    assert not reader.read(stream(b"\x09\xf0", b"\x06\x05\x02ab\x80", SLICE))[2]


def test_delimiters_and_filler_are_left_out() -> None:
    assert AnnexBReader("avc1").read(stream(b"\x09\xf0", IDR, b"\x0c\xff\xff\x80"))[1] == sample(IDR)
    idr = b"\x26\x01\xaf\x01"
    assert AnnexBReader("hvc1").read(stream(b"\x46\x01\x10", idr, b"\x4c\x01\xff\x80"))[1] == sample(idr)


@given(st.lists(st.binary(max_size=40), max_size=12), st.sampled_from(["avc1", "hvc1"]))
def test_any_bytes_are_read(parts: list[bytes], fourcc: str) -> None:
    reader = AnnexBReader(fourcc)
    config, data, is_keyframe = reader.read(START + START.join(parts))
    assert config is None or is_keyframe
    assert is_whole(avc_or_hevc(fourcc), data) or not data


def test_torn_sets_do_not_replace_whole_ones_and_all_are_bounded() -> None:
    sps, pps = sets_of("320x180")
    reader = AnnexBReader("avc1")
    first, _, _ = reader.read(stream(sps, pps, IDR))
    assert reader.read(stream(b"\x67\x42", b"\x68", b"\x67" + b"\x99" * 5000, IDR))[0] is None
    flood = [b"\x68" + (1 << 31 | number << 8 | 0xFF).to_bytes(6, "big") for number in range(4 * MAX_SETS)]
    reader.read(stream(*flood))
    assert reader.config is first


def test_parameter_sets_become_avcc() -> None:
    record = video().config.record
    size = int.from_bytes(record[6:8], "big")
    sps, rest = record[8 : 8 + size], record[8 + size :]
    pps = rest[3 : 3 + int.from_bytes(rest[1:3], "big")]
    made = avcc_from_annexb(stream(sps, pps))
    assert made is not None
    config = video_config("avc1", made)
    assert (config.width, config.height) == (320, 180)
    assert made[: len(record)] == record[: len(made)]
    assert avcc_from_annexb(START + sps) is None
    assert avcc_from_annexb(b"") is None


@pytest.mark.parametrize(
    ("pixels", "profile", "told"), [("yuv420p", 100, b"\xfd\xf8\xf8\x00"), ("yuv422p10le", 122, b"\xfe\xfa\xfa\x00")]
)
def test_high_profiles_say_their_chroma_format_and_depth(pixels: str, profile: int, told: bytes) -> None:
    sps, pps = parameter_sets(video(options={"x264-params": "8x8dct=1"}, pixels=pixels, frames=2).config)
    assert sps[1] == profile
    assert avcc([sps], [pps]).endswith(pps + told)


def test_a_sample_has_lengths_and_no_parameter_sets() -> None:
    data = (
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
    assert length_prefixed(data) == sample(b"\x65slice", b"\x65more")


def test_short_lengths_and_torn_ends_are_read() -> None:
    short = CodecConfig(TrackKind.VIDEO, "avc1", bytes([1, 100, 0, 31, 0xFC | 1, 0xE1]))
    assert list(nal_units_of(short, b"\0\3abc\0\2de")) == [b"abc", b"de"]
    assert list(nal_units_of(short, b"\0\3abc\0\5de")) == [b"abc"]
    assert list(nal_units_of(VIDEO_CONFIG, b"")) == []


def test_a_torn_record_has_no_parameter_sets() -> None:
    config = video(frames=2).config
    with pytest.raises(BadConfig, match="parameter set of"):
        parameter_sets(CodecConfig(config.kind, "avc1", config.record[:-6]))
