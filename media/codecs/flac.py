"""FLAC: the STREAMINFO block (RFC 9639, section 8.2), as the body of dfLa holds it behind version and flags."""

import msgspec

from media.codecs.bits import BadConfig, Bits

MARKER = b"fLaC"
STREAMINFO_BYTES = 34
LAST_STREAMINFO_HEADER = b"\x80\x00\x00\x22"
"""Block header of a STREAMINFO that no other block follows."""


class FlacConfig(msgspec.Struct, frozen=True):
    """The fields a packager needs; `block_samples` is the largest block, which frames may stay below."""

    sample_rate: int
    channels: int
    block_samples: int


def metadata_blocks(header: bytes) -> bytes:
    """Return metadata blocks from a stream header: with its marker, without it, or STREAMINFO alone (ffmpeg).

    What STREAMINFO says of the whole stream is taken out: ffmpeg sends it again, complete, at the end of a stream.
    """
    if len(header) == STREAMINFO_BYTES:
        header = LAST_STREAMINFO_HEADER + header
    blocks = header.removeprefix(MARKER)
    if len(blocks) < 4 + STREAMINFO_BYTES:
        return blocks
    # Sizes of blocks, of frames (0: unknown), rate and layout, 36 bits of total samples, MD5 (section 8.2).
    layout = bytes([blocks[17] & 0xF0])
    return blocks[:8] + bytes(6) + blocks[14:17] + layout + bytes(4 + 16) + blocks[4 + STREAMINFO_BYTES :]


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


def frame_samples(frame: bytes) -> int:
    """Return the samples of a frame by its header (section 9.1); the last one of a stream may be shorter."""
    if len(frame) < 6 or frame[0] != 0xFF or frame[1] & 0xFE != 0xF8:
        raise BadConfig(f"not a FLAC frame: {frame[:6].hex()}")
    code = frame[2] >> 4
    if code == 0:
        raise BadConfig("reserved FLAC block size")
    if code == 1:
        return 192
    if code <= 5:
        return 144 << code
    if code >= 8:
        return 1 << code
    # An uncommon size stands behind the coded number, which says its own length as in UTF-8 (section 9.1.5).
    lead = frame[4]
    at = 5 if lead < 0x80 else 4 + _leading_ones(lead)
    size = code - 5
    if at + size > len(frame):
        raise BadConfig(f"FLAC frame header in {len(frame)} bytes")
    return int.from_bytes(frame[at : at + size], "big") + 1


def _leading_ones(byte: int) -> int:
    return 8 - (byte ^ 0xFF).bit_length()
