"""FLAC: the STREAMINFO block (RFC 9639, section 8.2), as the body of dfLa holds it behind version and flags."""

from functools import lru_cache

import msgspec

from media.codecs.bits import BadConfig, Bits

MARKER = b"fLaC"
STREAMINFO_BYTES = 34
LAST_STREAMINFO_HEADER = b"\x80\x00\x00\x22"
"""Block header of a STREAMINFO that no other block follows."""


class FlacConfig(msgspec.Struct, frozen=True):
    """The fields a packager needs; `block_samples` is the largest block."""

    sample_rate: int
    channels: int
    block_samples: int


def metadata_blocks(header: bytes) -> bytes:
    """Return metadata blocks from a stream header: with its marker, without it, or STREAMINFO alone (ffmpeg)."""
    if len(header) == STREAMINFO_BYTES:
        return LAST_STREAMINFO_HEADER + header
    return header.removeprefix(MARKER)


@lru_cache(maxsize=64)  # asked for with every frame
def parse_streaminfo(record: bytes) -> FlacConfig:
    """Read metadata blocks that begin with STREAMINFO and its block header."""
    if len(record) < 4 + STREAMINFO_BYTES or record[0] & 0x7F:
        raise BadConfig(f"FLAC header of {len(record)} bytes without STREAMINFO")
    bits = Bits(record[4 : 4 + STREAMINFO_BYTES])
    bits.u(16)
    block = bits.u(16)
    bits.u(48)
    rate, channels = bits.u(20), bits.u(3) + 1
    if not rate or not block:
        raise BadConfig(f"FLAC at {rate} Hz in blocks of {block}")
    return FlacConfig(sample_rate=rate, channels=channels, block_samples=block)
