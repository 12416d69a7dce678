"""AC-3 and E-AC-3: dac3 and dec3 made from the first frame (ETSI TS 102 366, annex E.1 syntax, annex F boxes).

Enhanced RTMP sends no configuration for them, so a frame's header is all there is.
"""

import msgspec

from media.codecs.bits import BadConfig, Bits

SAMPLE_RATES = (48_000, 44_100, 32_000)
AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
CHANNELS = (2, 1, 2, 3, 3, 4, 4, 5)
"""Full-range channels of an acmod."""
BLOCK_SAMPLES = 256
BLOCKS = (1, 2, 3, 6)
SYNC_WORD = 0x0B77
AC3_FRAME_SAMPLES = 6 * BLOCK_SAMPLES
MAX_FRAMES = 64
"""In one access unit: eight substreams of up to six frames, and some to spare."""
_DEPENDENT = 1
"""strmtyp of a substream that adds channels to the one before."""


class DolbyConfig(msgspec.Struct, frozen=True):
    """A frame's `record` (body of dac3 or dec3) and what it sounds like."""

    record: bytes
    sample_rate: int
    channels: int


def ac3_config(frame: bytes) -> DolbyConfig:
    """Read an AC-3 frame's header."""
    bits = _synced(frame)
    bits.u(16)  # crc1
    rate, size_code = bits.u(2), bits.u(6)
    bsid, bsmod, acmod = bits.u(5), bits.u(3), bits.u(3)
    if rate > 2 or size_code > 37 or bsid > 8:
        raise BadConfig(f"AC-3 header with fscod {rate}, frmsizecod {size_code}, bsid {bsid}")
    if acmod & 1 and acmod != 1:
        bits.u(2)  # cmixlev
    if acmod & 4:
        bits.u(2)  # surmixlev
    if acmod == 2:
        bits.u(2)  # dsurmod
    lfe = bits.u(1)
    value = rate << 22 | bsid << 17 | bsmod << 14 | acmod << 11 | lfe << 10 | (size_code >> 1) << 5
    return DolbyConfig(value.to_bytes(3, "big"), SAMPLE_RATES[rate], CHANNELS[acmod] + lfe)


def is_eac3(frame: bytes) -> bool:
    """Whether a frame is E-AC-3 and not AC-3, whose bsid is at the same place (annex E.2.3.1.6)."""
    return len(frame) > 5 and frame[5] >> 3 > 10


def ac3_frame_bytes(frame: bytes) -> int:
    """Return the size of an AC-3 frame (table 4.13)."""
    bits = _synced(frame)
    bits.u(16)
    rate, size_code = bits.u(2), bits.u(6)
    if rate > 2 or size_code > 37:
        raise BadConfig(f"AC-3 header with fscod {rate}, frmsizecod {size_code}")
    kbps = AC3_KBPS[size_code >> 1]
    words = (2 * kbps, 320 * kbps // 147 + (size_code & 1), 3 * kbps)[rate]
    return 2 * words


def eac3_config(frame: bytes) -> DolbyConfig:
    """Read an E-AC-3 frame's header. Only its first independent substream is announced."""
    header = eac3_frame(frame)
    rate = SAMPLE_RATES[header.rate_code]
    kbps = header.size * 8 * rate // (header.blocks * BLOCK_SAMPLES * 1000)
    value = min(kbps, 0x1FFF) << 27  # num_ind_sub 0: one
    value |= header.rate_code << 22 | header.bsid << 17 | header.acmod << 9 | header.lfe << 8
    return DolbyConfig(value.to_bytes(5, "big"), rate, CHANNELS[header.acmod] + header.lfe)


def eac3_samples(unit: bytes) -> int:
    """Return the samples of an E-AC-3 access unit: of its first independent substream, which others may accompany."""
    header = eac3_frame(unit)
    blocks, at = header.blocks, header.size
    for _ in range(MAX_FRAMES - 1):
        if at >= len(unit):
            break
        try:
            header = eac3_frame(unit[at : at + 8])
        except BadConfig:
            break
        blocks += header.blocks if header.is_first_independent else 0
        at += header.size
    return blocks * BLOCK_SAMPLES


class Eac3Frame(msgspec.Struct, frozen=True):
    """What an E-AC-3 frame's header says; `size` in bytes, `lfe` 0 or 1, `blocks` of `BLOCK_SAMPLES` samples."""

    is_first_independent: bool
    size: int
    rate_code: int
    blocks: int
    acmod: int
    lfe: int
    bsid: int


def eac3_frame(frame: bytes) -> Eac3Frame:
    """Read an E-AC-3 frame's header."""
    bits = _synced(frame)
    kind, substream = bits.u(2), bits.u(3)
    size = (bits.u(11) + 1) * 2
    rate, block_code = bits.u(2), bits.u(2)
    acmod, lfe, bsid = bits.u(3), bits.u(1), bits.u(5)
    if rate == 3 or not 10 < bsid <= 16:
        raise BadConfig(f"E-AC-3 header with fscod {rate}, bsid {bsid}")
    is_first = kind != _DEPENDENT and substream == 0
    return Eac3Frame(is_first, size, rate, BLOCKS[block_code], acmod, lfe, bsid)


def _synced(frame: bytes) -> Bits:
    bits = Bits(frame[:8])
    if bits.u(16) != SYNC_WORD:
        raise BadConfig("Dolby frame without its sync word")
    return bits
