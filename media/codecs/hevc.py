"""HEVC: the decoder configuration record (ISO/IEC 14496-15, section 8.3.3) and the SPS in it (ITU-T H.265, 7.3.2.2)."""

from collections.abc import Iterator, Sequence

import msgspec

from media.codecs.bits import BadConfig, Bits, rbsp
from media.codecs.h264 import Sps, believed_rate, checked_size, skip_picture_description

SPS_NAL_TYPE = 33
PARAMETER_SETS = (32, 33, 34)
"""NAL unit types of VPS, SPS and PPS (H.265, table 7-1)."""
MAX_PICTURE_SETS = 64
"""Short-term reference picture sets of an SPS (7.4.3.2.1)."""
MAX_PICTURES = 16
"""Pictures of a set, and of the decoded picture buffer (A.4.2)."""
MAX_LONG_TERM = 32
HEADER_BYTES = 23
"""hvcC up to the first array."""


class HevcConfig(msgspec.Struct, frozen=True):
    """What hvcC says, and its first SPS."""

    profile_space: int
    is_high_tier: bool
    profile: int
    compatibility: int
    constraints: bytes
    level: int
    nal_length_size: int
    sps: Sps


def parse_hvcc(record: bytes) -> HevcConfig:
    """Read an HEVCDecoderConfigurationRecord; one without an SPS is no use to a player and refused."""
    if len(record) < HEADER_BYTES or record[0] != 1:
        raise BadConfig(f"hvcC of {len(record)} bytes, version {record[0] if record else None}")
    for kind, nal in parameter_sets(record):
        if kind == SPS_NAL_TYPE:
            sps = parse_sps(nal)
            break
    else:
        raise BadConfig("hvcC without an SPS")
    return HevcConfig(
        profile_space=record[1] >> 6,
        is_high_tier=bool(record[1] & 0x20),
        profile=record[1] & 0x1F,
        compatibility=int.from_bytes(record[2:6], "big"),
        constraints=record[6:12],
        level=record[12],
        nal_length_size=(record[21] & 3) + 1,
        sps=sps,
    )


def parameter_sets(record: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and NAL unit of all that an hvcC holds. Raises `BadConfig`."""
    at = HEADER_BYTES
    for _ in range(record[22]):
        if at + 3 > len(record):
            raise BadConfig("hvcC ends inside an array")
        kind = record[at] & 0x3F
        count = int.from_bytes(record[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            nal = record[at + 2 : at + 2 + size]
            if len(nal) != size or size < 3:
                raise BadConfig(f"hvcC with a NAL unit of {size} bytes, {len(nal)} present")
            yield kind, nal
            at += 2 + size


def parse_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set (with its two NAL header bytes)."""
    bits = Bits(rbsp(nal[2:]))
    bits.u(4)  # sps_video_parameter_set_id
    sub_layers = bits.u(3)
    bits.flag()  # sps_temporal_id_nesting_flag
    _skip_profile_tier_level(bits, sub_layers)
    bits.ue()  # sps_seq_parameter_set_id
    chroma = bits.ue()
    if chroma > 3:
        raise BadConfig(f"chroma_format_idc {chroma}")
    if chroma == 3 and bits.flag():
        chroma = 0
    width, height = bits.ue(), bits.ue()
    if bits.flag():  # conformance_window_flag
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width -= (left + right) * (2 if chroma in {1, 2} else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1)
    width, height = checked_size(width, height)
    bit_depth = 8 + max(bits.ue(), bits.ue())  # luma, chroma
    return Sps(width, height, chroma, bit_depth, _frame_rate(bits, sub_layers))


def sps_numbers(nal: bytes) -> tuple[int, int]:
    """Return an SPS's own number and its VPS's. Raises `BadConfig`."""
    bits = Bits(rbsp(nal[2:]))
    video = bits.u(4)
    sub_layers = bits.u(3)
    bits.flag()  # sps_temporal_id_nesting_flag
    _skip_profile_tier_level(bits, sub_layers)
    return bits.ue(), video


def hvcc(vps: Sequence[bytes], sps: bytes, pps: Sequence[bytes]) -> bytes:
    """Return the hvcC (ISO/IEC 14496-15, 8.3.3.1) of parameter sets, with lengths of four bytes. Raises `BadConfig`."""
    shape, head = parse_sps(sps), rbsp(sps[2:])
    layers, is_nested = (head[0] >> 1 & 7) + 1, head[0] & 1
    record = b"\x01" + head[1:13]  # general_profile_space to general_level_idc are the same fields
    record += b"\xf0\x00\xfc"  # min_spatial_segmentation_idc and parallelismType: unknown
    record += bytes((0xFC | shape.chroma, 0xF8 | shape.bit_depth - 8, 0xF8 | shape.bit_depth - 8))
    record += b"\x00\x00" + bytes((layers << 3 | is_nested << 2 | 3,))
    arrays = [(kind, units) for kind, units in zip(PARAMETER_SETS, (vps, [sps], pps), strict=True) if units]
    record += bytes((len(arrays),))
    for kind, units in arrays:
        record += bytes((0x80 | kind,)) + len(units).to_bytes(2, "big")  # array_completeness: hvc1 has no others
        record += b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    return record


def _skip_profile_tier_level(bits: Bits, sub_layers: int) -> None:
    bits.u(96)
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.u(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)


def _frame_rate(bits: Bits, sub_layers: int) -> float:
    """Read on to the timing in the usability information (annex E.2.1), which is only a hint; 0 when there is none."""
    try:
        _skip_to_vui(bits, sub_layers)
        if not bits.flag():  # vui_parameters_present_flag
            return 0.0
        skip_picture_description(bits)
        bits.flag()  # neutral_chroma_indication_flag
        is_fields = bits.flag()
        bits.flag()  # frame_field_info_present_flag
        if bits.flag():  # default_display_window_flag
            for _ in range(4):
                bits.ue()
        if not bits.flag():  # vui_timing_info_present_flag
            return 0.0
        ticks, scale = bits.u(32), bits.u(32)
    except BadConfig:
        return 0.0
    return believed_rate(scale, 2 * ticks if is_fields else ticks)


def _skip_to_vui(bits: Bits, sub_layers: int) -> None:
    """Skip 7.3.2.2.1 from log2_max_pic_order_cnt_lsb_minus4 to the usability information."""
    order_bits = bits.ue() + 4
    layers = sub_layers + 1 if bits.flag() else 1  # sps_sub_layer_ordering_info_present_flag
    for _ in range(3 * layers + 6):  # buffering of each layer; block sizes and depths
        bits.ue()
    if bits.flag() and bits.flag():  # scaling_list_enabled_flag, sps_scaling_list_data_present_flag
        _skip_scaling_lists(bits)
    bits.u(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.flag():  # pcm_enabled_flag
        bits.u(8)
        bits.ue()
        bits.ue()
        bits.flag()
    _skip_picture_sets(bits)
    if bits.flag():  # long_term_ref_pics_present_flag
        for _ in range(_counted(bits, MAX_LONG_TERM)):
            bits.u(order_bits + 1)
    bits.u(2)  # sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag


def _skip_scaling_lists(bits: Bits) -> None:
    """7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():
                bits.ue()  # scaling_list_pred_matrix_id_delta
                continue
            for _ in range(min(64, 16 << 2 * size) + (size > 1)):
                bits.ue()  # deltas are signed, but as long


def _skip_picture_sets(bits: Bits) -> None:
    """7.3.7, where a set may be told by its difference to the one before (7.4.8)."""
    pictures: list[int] = []
    for index in range(_counted(bits, MAX_PICTURE_SETS)):
        if index and bits.flag():  # inter_ref_pic_set_prediction_flag
            sign = -1 if bits.flag() else 1
            shift = sign * (bits.ue() + 1)
            moved = [picture + shift for picture in (*pictures, 0) if bits.flag() or bits.flag()]
            moved = [picture for picture in moved if picture]
            pictures = sorted((p for p in moved if p < 0), reverse=True) + sorted(p for p in moved if p > 0)
        else:
            negative, positive = _counted(bits, MAX_PICTURES), _counted(bits, MAX_PICTURES)
            pictures = []
            for sign, count in ((-1, negative), (1, positive)):
                at = 0
                for _ in range(count):
                    at += sign * (bits.ue() + 1)
                    bits.flag()  # used_by_curr_pic
                    pictures.append(at)


def _counted(bits: Bits, most: int) -> int:
    count = bits.ue()
    if count > most:
        raise BadConfig(f"{count} where at most {most} may be")
    return count
