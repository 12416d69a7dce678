"""AC-3 and E-AC-3: dac3 and dec3 made from the first frame (ETSI TS 102 366, annex E.1 syntax, annex F boxes).

Enhanced RTMP sends no configuration for them, so a frame's header is all there is.
"""

import msgspec

from media.codecs.bits import BadConfig, Bits

SAMPLE_RATES = (48_000, 44_100, 32_000)
CHANNELS = (2, 1, 2, 3, 3, 4, 4, 5)
"""Full-range channels of an acmod."""
BLOCK_SAMPLES = 256
BLOCKS = (1, 2, 3, 6)
SYNC_WORD = 0x0B77
AC3_FRAME_SAMPLES = 6 * BLOCK_SAMPLES


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


def eac3_config(frame: bytes) -> DolbyConfig:
    """Read an E-AC-3 frame's header. Only its first independent substream is announced."""
    size, rate_code, blocks, acmod, lfe, bsid = _eac3_header(frame)
    rate = SAMPLE_RATES[rate_code]
    kbps = size * 8 * rate // (blocks * BLOCK_SAMPLES * 1000)
    value = min(kbps, 0x1FFF) << 27  # num_ind_sub 0: one
    value |= rate_code << 22 | bsid << 17 | acmod << 9 | lfe << 8
    return DolbyConfig(value.to_bytes(5, "big"), rate, CHANNELS[acmod] + lfe)


def eac3_samples(frame: bytes) -> int:
    """Return the samples of an E-AC-3 access unit."""
    return _eac3_header(frame)[2] * BLOCK_SAMPLES


def _eac3_header(frame: bytes) -> tuple[int, int, int, int, int, int]:
    bits = _synced(frame)
    bits.u(5)  # strmtyp, substreamid
    size = (bits.u(11) + 1) * 2
    rate, block_code = bits.u(2), bits.u(2)
    acmod, lfe, bsid = bits.u(3), bits.u(1), bits.u(5)
    if rate == 3 or not 10 < bsid <= 16:
        raise BadConfig(f"E-AC-3 header with fscod {rate}, bsid {bsid}")
    return size, rate, BLOCKS[block_code], acmod, lfe, bsid


def _synced(frame: bytes) -> Bits:
    bits = Bits(frame[:8])
    if bits.u(16) != SYNC_WORD:
        raise BadConfig("Dolby frame without its sync word")
    return bits
