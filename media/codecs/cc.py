"""CEA-608 and 708 captions inside of H.264 and HEVC: are there any?

They are registered user data in SEI messages (ATSC A/53 part 4, 6.2.3), which pass through untouched; a playlist has
to say so (RFC 8216bis, 4.4.6.1). Encoders that could caption send padding all the time, so only text counts.
"""

import re
from typing import Final

from media.codecs.nal import LENGTH_SIZE_AT
from media.packets import CodecConfig

_SEI_H264: Final = 6  # H.264, table 7-1
_PREFIX_SEI_HEVC: Final = 39  # H.265, table 7-1
_FIRST_SLICE_H264: Final = 1
_LAST_SLICE_H264: Final = 5
_FIRST_PARAMETER_SET_HEVC: Final = 32  # every type below it is a slice
_LOOKED_AT: Final = 8
"""NAL units before the first slice: a delimiter, parameter sets, a few SEIs."""
_SEARCHED_BYTES: Final = 1024
"""Where captions begin if there are any: what comes before them is small."""
_REGISTERED: Final = 4  # payload type user_data_registered_itu_t_t35
_HEAD: Final = b"\xb5\x00\x31GA94\x03"  # United States, ATSC, its identifier, cc_data
# Triplets that are not valid or padding, then one that is valid and says something (CEA-708, 4.4.1).
_TEXT: Final = re.compile(rb"(?:[\xf8-\xfb]..|[\xfc-\xff](?:\x80\x80|\0\0))*[\xfc-\xff](?!\x80\x80|\0\0)..", re.DOTALL)


def has_long_lengths(config: CodecConfig) -> bool:
    """Whether `carries_captions` can read this video: H.264 or HEVC with lengths of four bytes, as all but a few have
    (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1).
    """
    at = LENGTH_SIZE_AT.get(config.fourcc)
    return at is not None and at < len(config.record) and config.record[at] & 3 == 3


def carries_captions(fourcc: str, data: bytes) -> bool:
    """Whether an access unit (NAL units with four bytes of length before each) has captions before its first slice."""
    is_h264 = fourcc == "avc1"
    at, end = 0, len(data)
    for _ in range(_LOOKED_AT):
        if at + 5 > end:
            return False
        first = data[at + 4]
        size = int.from_bytes(data[at : at + 4], "big")
        if is_h264:
            kind = first & 0x1F
            if _FIRST_SLICE_H264 <= kind <= _LAST_SLICE_H264:
                return False
            is_sei = kind == _SEI_H264
        else:
            kind = first >> 1 & 0x3F
            if kind < _FIRST_PARAMETER_SET_HEVC:
                return False
            is_sei = kind == _PREFIX_SEI_HEVC
        if not at and data.find(_HEAD, 0, _SEARCHED_BYTES) < 0:
            return False  # cheaper than to walk through what is before the picture
        if is_sei and _has_text(data, at + 4, min(at + 4 + size, end)):
            return True
        at += 4 + size
    return False


def _has_text(data: bytes, start: int, end: int) -> bool:
    """Look for cc_data in one SEI NAL unit."""
    at = data.find(_HEAD, start, end)
    if at < 0 or not _is_registered(data, start, at):
        return False
    body = data[at + len(_HEAD) : end].replace(b"\0\0\3", b"\0\0")  # emulation prevention (H.264, 7.4.1)
    if len(body) < 2 or not body[0] & 0x40:  # process_cc_data_flag
        return False
    return _TEXT.match(body, 2, 2 + 3 * (body[0] & 0x1F)) is not None


def _is_registered(data: bytes, start: int, at: int) -> bool:
    """Whether what begins at `at` is the payload of a message of that type: its size is before it, then the type."""
    at -= 2
    while at > start and data[at] == 0xFF:  # sizes from 255 on (H.264, 7.3.2.3.1)
        at -= 1
    return at > start and data[at] == _REGISTERED
