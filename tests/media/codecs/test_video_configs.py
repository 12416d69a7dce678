"""Records as ffmpeg 9.0.2 wrote them (libx264, libx265, libsvtav1, libvpx), and hand-made ones for the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import BadConfig, av1, h264, hevc, rfc6381, video_config, vp9
from media.codecs.bits import rbsp

AVC_322X182 = "0164000dffe1001a6764000dacd941519e226c0440000003004000000f03c50a658001000668ebe3cb22c0fdf8f800"
AVC_1080 = "01640028ffe1001b67640028acd940780227e5c044000003000400000300f03c60c65801000668ebe3cb22c0fdf8f800"
AVC_444 = "01f4001effe1001b67f4001e919b281405ff138088000003000800000301e078b16cb001000668ebe3c44844fff8f800"
AVC_INTERLACED = "0164001effe1001a6764001eacd940a063f3e022000003000200000300783e28532c01000768fba3cb3002c0fdf8f800"
HVC_HEADER = "0101600000009000000000003ff000fcfdf8f800000f"
HVC_VPS = "40010c01ffff01600000030090000003000003003f959809"
HVC_SPS = "42010101600000030090000003000003003fa00502016965959a4932bc05a020000003002000000303c1"
AV1_360 = "8101 0c00 0a0c 0200 000d 6627 fb38 05f0 0080"
AV1_FIRST_UNIT = "12000a0c0200000d6627fb38d5f30080"
VPCC = "0015820202020000"
VP9_KEYFRAME = "824983420027f016760438241c184a10"


def hvcc(sps: str = HVC_SPS, vps: str = HVC_VPS) -> bytes:
    arrays = b"".join(
        bytes([0x80 | kind]) + b"\0\1" + (len(nal) // 2).to_bytes(2, "big") + bytes.fromhex(nal)
        for kind, nal in ((32, vps), (33, sps))
    )
    return bytes.fromhex(HVC_HEADER)[:22] + b"\x02" + arrays


@pytest.mark.parametrize(
    ("record", "size", "name"),
    [
        (AVC_322X182, (322, 182), "avc1.64000d"),
        (AVC_1080, (1920, 1080), "avc1.640028"),
        (AVC_444, (640, 360), "avc1.f4001e"),
        (AVC_INTERLACED, (640, 360), "avc1.64001e"),
    ],
)
def test_avcc_gives_cropped_size_and_name(record: str, size: tuple[int, int], name: str) -> None:
    config = video_config("avc1", bytes.fromhex(record))
    assert (config.width, config.height) == size
    assert rfc6381(config) == name


def test_avcc_gives_the_length_size() -> None:
    assert h264.parse_avcc(bytes.fromhex(AVC_1080)).nal_length_size == 4


def test_sps_with_scaling_lists_and_picture_order_cycle_is_read() -> None:
    bits = "".join(
        [
            f"{100:08b}{0:08b}{40:08b}",
            "1",  # seq_parameter_set_id 0
            "010" + "1" + "1" + "0" + "1",  # chroma 1, depths 8, no bypass, scaling matrix
            "1" + "1" * 16,  # first list: 16 deltas of 0
            "1" + "00001 0001".replace(" ", "") + "0",  # second: delta -8 ends it at once
            "0" * 5,
            "1",  # log2_max_frame_num
            "010" + "0" + "1" + "1" + "011" + "1" + "1",  # poc type 1 with a cycle of 2
            "1" + "0",
            "000010100",  # 20 macroblocks wide
            "0001100",  # 12 map units
            "1" + "1" + "0" + "0",
        ]
    )
    bits += "1"
    raw = int(bits.ljust((len(bits) + 7) // 8 * 8, "0"), 2).to_bytes((len(bits) + 7) // 8, "big")
    assert h264.parse_sps(b"\x67" + raw) == h264.Sps(320, 192, chroma=1, bit_depth=8, frame_rate=0)


def test_emulation_prevention_is_removed_before_reading() -> None:
    # The SPS of 1080p has 000003 inside its VUI; one that has it before the size would be misread.
    sps = bytes.fromhex(AVC_322X182)[8 : 8 + 0x1A]
    assert b"\0\0\3" in sps
    assert h264.parse_sps(sps) == h264.Sps(322, 182, chroma=1, bit_depth=8, frame_rate=30)
    assert rbsp(b"\x01\0\0\3\1\0\0\3\0\0\3\2") == b"\x01\0\0\1\0\0\0\0\2"


def test_hvcc_gives_size_and_name() -> None:
    config = video_config("hvc1", hvcc())
    assert (config.width, config.height) == (640, 360)
    assert rfc6381(config) == "hvc1.1.6.L63.90"


def test_hvcc_of_main10_with_a_cropped_picture() -> None:
    record = bytes.fromhex(
        "01022000000090000000000078f000fcfdfafa00000f03200001001840010c01ffff022000000300900000030000030078959409"
        "210001002d420101022000000300900000030000030078a003c880110711236595952930bc05a020000003002000000303c1"
        "22000100064401c073c189"
    )
    config = video_config("hvc1", record)
    assert (config.width, config.height) == (1922, 1082)
    assert rfc6381(config) == "hvc1.2.4.L120.90"


def test_hvcc_of_main10_high_tier_is_named_with_its_constraints() -> None:
    record = bytearray(hvcc())
    record[1] = 0x22
    record[2:6] = bytes.fromhex("20000000")
    record[6:12] = bytes.fromhex("b00000000000")
    record[12] = 153
    assert rfc6381(video_config("hvc1", bytes(record))) == "hvc1.2.4.H153.B0"


def test_hvcc_without_sps_is_refused() -> None:
    with pytest.raises(BadConfig, match="without an SPS"):
        video_config("hvc1", bytes.fromhex(HVC_HEADER)[:22] + b"\0")


def test_hevc_sps_with_sub_layers_is_read() -> None:
    plain = bytes.fromhex(HVC_SPS)
    raw = rbsp(plain[2:])
    bits = f"{int.from_bytes(raw, 'big'):0{len(raw) * 8}b}"
    # max_sub_layers_minus1 0 -> 1: one sub-layer with a profile and a level of its own, then 14 reserved bits
    with_layer = bits[:4] + "001" + bits[7:8] + bits[8:104] + "11" + "0" * 14 + "1" * 88 + "0" * 8 + bits[104:]
    whole = with_layer.ljust((len(with_layer) + 7) // 8 * 8, "0")
    sps = hevc.parse_sps(plain[:2] + int(whole, 2).to_bytes(len(whole) // 8, "big"))
    assert (sps.width, sps.height) == (640, 360)


def test_av1c_gives_size_and_name() -> None:
    config = video_config("av01", bytes.fromhex(AV1_360))
    assert (config.width, config.height) == (640, 360)
    assert rfc6381(config) == "av01.0.01M.08"


def test_av1c_of_ten_bits_high_tier_is_named() -> None:
    assert rfc6381(video_config("av01", bytes([0x81, 0x0D, 0xC0, 0x00]))) == "av01.0.13H.10"


def test_av1c_without_sequence_header_has_no_size() -> None:
    config = video_config("av01", bytes([0x81, 0x08, 0x0C, 0x00]))
    assert (config.width, config.height) == (0, 0)


def test_av1_size_is_found_behind_a_temporal_delimiter() -> None:
    assert av1.sequence_size(bytes.fromhex(AV1_FIRST_UNIT)) == (640, 360)
    assert av1.sequence_size(b"\x12\x00") is None


def test_av1_sequence_header_with_timing_and_decoder_model_is_read() -> None:
    bits = "".join(
        [
            "000" + "0" + "0",
            "1" + f"{1:032b}{30:032b}" + "1" + "1",  # timing, equal intervals of 1 tick
            "1" + f"{9:05b}" + "0" * 32 + "0" * 10,  # decoder model, delays of 10 bits
            "1" + f"{0:05b}",  # display delays, one operating point
            "0" * 12 + f"{8:05b}" + "1" + "1" + "0" * 21 + "1" + "0001",
            f"{10:04b}{9:04b}{1279:011b}{719:010b}",
        ]
    )
    raw = int(bits.ljust((len(bits) + 7) // 8 * 8, "0"), 2).to_bytes((len(bits) + 7) // 8, "big")
    assert av1.parse_sequence_header(raw) == (1280, 720)


def test_vpcc_is_named_and_the_keyframe_has_the_size() -> None:
    assert rfc6381(video_config("vp09", bytes.fromhex(VPCC))) == "vp09.00.21.08"
    assert vp9.keyframe_size(bytes.fromhex(VP9_KEYFRAME)) == (640, 360)
    assert vp9.keyframe_size(b"\x86" + bytes(16)) is None


def test_vpcc_with_the_box_header_of_ffmpeg_is_the_same_record() -> None:
    bare = bytes.fromhex(VPCC)
    assert vp9.without_box_header(bytes.fromhex("01000000") + bare) == bare
    assert vp9.without_box_header(bare) == bare


@pytest.mark.parametrize("fourcc", ["avc1", "hvc1", "av01", "vp09"])
@given(cut=st.integers(0, 60), junk=st.binary(max_size=80))
def test_any_bytes_give_a_config_or_bad_config(fourcc: str, cut: int, junk: bytes) -> None:
    good = {"avc1": bytes.fromhex(AVC_1080), "hvc1": hvcc(), "av01": bytes.fromhex(AV1_360), "vp09": b""}[fourcc]
    for data in (junk, good[:cut] + junk):
        try:
            config = video_config(fourcc, data)
        except BadConfig:
            continue
        assert 0 <= config.width <= 16_384
        assert rfc6381(config).startswith(fourcc)


@given(st.binary(max_size=64))
def test_any_frame_start_gives_a_size_or_bad_config(data: bytes) -> None:
    for read in (av1.sequence_size, vp9.keyframe_size):
        try:
            size = read(data)
        except BadConfig:
            continue
        assert size is None or all(side > 0 for side in size)


def test_an_endless_exp_golomb_code_is_refused() -> None:
    with pytest.raises(BadConfig, match="32 bits"):
        h264.parse_sps(b"\x67\x42\x00\x1e" + bytes(40))


def test_a_huge_parameter_set_is_refused() -> None:
    with pytest.raises(BadConfig, match="parameter set of"):
        h264.parse_sps(b"\x67" + b"\xff" * 70_000)


def test_a_picture_of_no_size_is_refused() -> None:
    sps = bytearray(bytes.fromhex(AVC_322X182))
    with pytest.raises(BadConfig, match="no video codec"):
        video_config("vvc1", bytes(sps))
    with pytest.raises(BadConfig, match="picture of"):
        h264.checked_size(0, 720)
