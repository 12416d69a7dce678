"""VP9: vpcC ("VP Codec ISO Media File Format Binding", version 1.0) and the size in a keyframe (VP9, section 6.2)."""

import msgspec

from media.codecs.bits import BadConfig, Bits
from media.codecs.h264 import checked_size

SYNC_CODE = 0x498342
COLOR_SPACE_RGB = 7
FULL_BOX_HEADER = b"\x01\x00\x00\x00"


def without_box_header(body: bytes) -> bytes:
    """Return the record of a vpcC box's content; ffmpeg sends that, the Enhanced RTMP specification the bare record.

    No record begins like version 1 and flags 0: it would be of level 0.
    """
    return body[4:] if len(body) >= 12 and body.startswith(FULL_BOX_HEADER) else body


class Vp9Config(msgspec.Struct, frozen=True):
    """What a VPCodecConfigurationRecord says; the picture size is not in it."""

    profile: int
    level: int
    bit_depth: int


def parse_vpcc(record: bytes) -> Vp9Config:
    """Read a VPCodecConfigurationRecord (without the version and flags of the vpcC box)."""
    if len(record) < 8:
        raise BadConfig(f"vpcC of {len(record)} bytes")
    return Vp9Config(profile=record[0], level=record[1], bit_depth=record[2] >> 4)


def keyframe_size(frame: bytes) -> tuple[int, int] | None:
    """Return width and height from the uncompressed header of a keyframe, None when it is no keyframe."""
    bits = Bits(frame[:16])
    if bits.u(2) != 2:
        raise BadConfig("VP9 frame without its marker")
    profile = bits.u(1) | bits.u(1) << 1
    if profile == 3:
        bits.flag()
    if bits.flag() or bits.flag():  # show_existing_frame; frame_type: 0 is a keyframe
        return None
    bits.u(2)  # show_frame, error_resilient_mode
    if bits.u(24) != SYNC_CODE:
        raise BadConfig("VP9 keyframe without its sync code")
    if profile >= 2:
        bits.flag()  # ten_or_twelve_bit
    if bits.u(3) != COLOR_SPACE_RGB:
        bits.flag()  # color_range
        if profile in {1, 3}:
            bits.u(3)
    elif profile in {1, 3}:
        bits.flag()
    return checked_size(bits.u(16) + 1, bits.u(16) + 1)
