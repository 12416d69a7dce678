"""H.264: the decoder configuration record (ISO/IEC 14496-15, 5.3.3) and its SPS (ITU-T H.264, 7.3.2.1.1)."""

import msgspec

from media.codecs.bits import BadConfig, Bits, rbsp

HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
"""Profiles whose SPS carries chroma format and scaling matrices."""
MAX_SIDE = 16_384
"""Pixels of the longest side of a picture that is believed."""


MAX_FRAME_RATE = 480
"""Frames per second that are believed; some encoders write their clock where the rate should be."""
EXTENDED_SAR = 255


class Sps(msgspec.Struct, frozen=True):
    """What a sequence parameter set says of pictures, of H.264 or HEVC; the size is the cropped one.

    `chroma` is chroma_format_idc (1 is 4:2:0; 0 for separate planes too); `frame_rate` is 0 when it isn't said.
    """

    width: int
    height: int
    chroma: int
    bit_depth: int
    frame_rate: float


class AvcConfig(msgspec.Struct, frozen=True):
    """What avcC says, and its first SPS."""

    profile: int
    constraints: int
    level: int
    nal_length_size: int
    sps: Sps


def parse_avcc(record: bytes) -> AvcConfig:
    """Read an AVCDecoderConfigurationRecord."""
    if len(record) < 7 or record[0] != 1:
        raise BadConfig(f"avcC of {len(record)} bytes, version {record[0] if record else None}")
    if record[5] & 0x1F == 0:
        raise BadConfig("avcC without an SPS")
    size = int.from_bytes(record[6:8], "big")
    sps = record[8 : 8 + size]
    if len(sps) != size or size < 4:
        raise BadConfig(f"avcC with an SPS of {size} bytes, {len(sps)} present")
    return AvcConfig(record[1], record[2], record[3], (record[4] & 3) + 1, parse_sps(sps))


def parse_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set (with its NAL header byte)."""
    if not nal or nal[0] & 0x1F != 7:
        raise BadConfig("not a sequence parameter set")
    bits = Bits(rbsp(nal[1:]))
    profile = bits.u(8)
    bits.u(16)
    bits.ue()  # seq_parameter_set_id
    chroma, bit_depth = 1, 8
    if profile in HIGH_PROFILES:
        chroma, bit_depth = _read_chroma(bits)
    bits.ue()  # log2_max_frame_num_minus4
    _skip_picture_order(bits)
    bits.ue()  # max_num_ref_frames
    bits.flag()  # gaps_in_frame_num_value_allowed_flag
    width = (bits.ue() + 1) * 16
    map_units = bits.ue() + 1
    fields = 1 if bits.flag() else 2  # frame_mbs_only_flag
    if fields == 2:
        bits.flag()  # mb_adaptive_frame_field_flag
    height = map_units * 16 * fields
    bits.flag()  # direct_8x8_inference_flag
    if bits.flag():
        unit_x = 2 if chroma in {1, 2} else 1
        unit_y = (2 if chroma == 1 else 1) * fields
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width -= (left + right) * unit_x
        height -= (top + bottom) * unit_y
    width, height = checked_size(width, height)
    return Sps(width, height, chroma, bit_depth, _frame_rate(bits))


def _frame_rate(bits: Bits) -> float:
    """Read the usability information up to the timing (annex E.1.1); encoders cut it short, and it is only a hint."""
    try:
        if not bits.flag():  # vui_parameters_present_flag
            return 0.0
        skip_picture_description(bits)
        if not bits.flag():  # timing_info_present_flag
            return 0.0
        ticks, scale = bits.u(32), bits.u(32)
    except BadConfig:
        return 0.0
    return believed_rate(scale, 2 * ticks)  # ticks of fields


def skip_picture_description(bits: Bits) -> None:
    """Skip what H.264 and HEVC begin their usability information with: shape, overscan, colour, chroma samples."""
    if bits.flag() and bits.u(8) == EXTENDED_SAR:
        bits.u(32)
    if bits.flag():
        bits.flag()  # overscan_appropriate_flag
    if bits.flag():
        bits.u(4)  # video_format, video_full_range_flag
        if bits.flag():
            bits.u(24)
    if bits.flag():
        bits.ue()
        bits.ue()


def believed_rate(scale: int, ticks: int) -> float:
    """Return frames per second, 0 when nobody could mean it."""
    return scale / ticks if ticks and 0 < scale <= MAX_FRAME_RATE * ticks else 0.0


def checked_size(width: int, height: int) -> tuple[int, int]:
    """Return the size, or raise when no picture has it."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise BadConfig(f"picture of {width}x{height}")
    return width, height


def _read_chroma(bits: Bits) -> tuple[int, int]:
    chroma = bits.ue()
    if chroma > 3:
        raise BadConfig(f"chroma_format_idc {chroma}")
    separate = chroma == 3 and bits.flag()
    bit_depth = 8 + max(bits.ue(), bits.ue())  # luma, chroma
    bits.flag()  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return 0 if separate else chroma, bit_depth


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_picture_order(bits: Bits) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        bits.flag()
        bits.se()
        bits.se()
        cycle = bits.ue()
        if cycle > 255:
            raise BadConfig(f"{cycle} reference frames in a picture order cycle")
        for _ in range(cycle):
            bits.se()
    elif kind != 2:
        raise BadConfig(f"pic_order_cnt_type {kind}")
