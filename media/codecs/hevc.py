"""HEVC: the decoder configuration record (ISO/IEC 14496-15, section 8.3.3) and the SPS in it (ITU-T H.265, 7.3.2.2)."""

from collections.abc import Iterator

import msgspec

from media.codecs.bits import BadConfig, Bits, rbsp
from media.codecs.h264 import checked_size

SPS_NAL_TYPE = 33
HEADER_BYTES = 23
"""hvcC up to the first array."""


class HevcConfig(msgspec.Struct, frozen=True):
    """What hvcC says, and the cropped picture size of its first SPS."""

    profile_space: int
    is_high_tier: bool
    profile: int
    compatibility: int
    constraints: bytes
    level: int
    nal_length_size: int
    width: int
    height: int


def parse_hvcc(record: bytes) -> HevcConfig:
    """Read an HEVCDecoderConfigurationRecord; one without an SPS is no use to a player and refused."""
    if len(record) < HEADER_BYTES or record[0] != 1:
        raise BadConfig(f"hvcC of {len(record)} bytes, version {record[0] if record else None}")
    for kind, nal in _parameter_sets(record):
        if kind == SPS_NAL_TYPE:
            width, height = parse_sps(nal)
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
        width=width,
        height=height,
    )


def _parameter_sets(record: bytes) -> Iterator[tuple[int, bytes]]:
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


def parse_sps(nal: bytes) -> tuple[int, int]:
    """Return the cropped width and height of a sequence parameter set (with its two NAL header bytes)."""
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
    return checked_size(width, height)


def _skip_profile_tier_level(bits: Bits, sub_layers: int) -> None:
    bits.u(96)
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.u(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)
