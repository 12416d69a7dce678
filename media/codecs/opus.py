"""Opus: the identification header (RFC 7845, section 5.1), dOps ("Encapsulation of Opus in ISO BMFF"), durations."""

import struct

import msgspec

from media.codecs.bits import BadConfig

SAMPLE_RATE = 48_000
"""Opus time stamps count at 48 kHz, whatever the input's rate was."""
MAGIC = b"OpusHead"
FIXED_BYTES = 11
MAX_PACKET_SAMPLES = 5_760
"""120 ms, the longest packet (RFC 6716, section 3.2.5)."""


class OpusConfig(msgspec.Struct, frozen=True):
    """The fields a packager needs."""

    channels: int
    pre_skip: int


def parse_dops(record: bytes) -> OpusConfig:
    """Read the body of a dOps box."""
    if len(record) < FIXED_BYTES or record[0] != 0:
        raise BadConfig(f"dOps of {len(record)} bytes, version {record[0] if record else None}")
    channels, pre_skip = record[1], int.from_bytes(record[2:4], "big")
    _check_mapping(channels, record[10], len(record))
    return OpusConfig(channels=channels, pre_skip=pre_skip)


def dops_from_head(head: bytes) -> bytes:
    """Return the dOps body of an OpusHead: the same fields, big-endian."""
    if not head.startswith(MAGIC) or len(head) < len(MAGIC) + FIXED_BYTES:
        raise BadConfig(f"OpusHead of {len(head)} bytes")
    version, channels, pre_skip, rate, gain, family = struct.unpack_from("<BBHIhB", head, 8)
    if version & 0xF0:
        raise BadConfig(f"OpusHead version {version}")
    _check_mapping(channels, family, len(head) - 8)
    mapping = head[19 : 21 + channels] if family else b""
    return struct.pack(">BBHIhB", 0, channels, pre_skip, rate, gain, family) + mapping


def dops(channels: int) -> bytes:
    """Return the dOps body of a stream that has none of its own, with the usual order of channels (RFC 7845, 5.1.1.2).

    Nothing is skipped at its start: it has begun long before.
    """
    if channels not in range(1, 9):
        raise BadConfig(f"Opus with {channels} channels")
    record = struct.pack(">BBHIhB", 0, channels, 0, SAMPLE_RATE, 0, 0 if channels <= 2 else 1)
    if channels <= 2:
        return record
    streams, coupled, order = _SURROUND[channels]
    return record + bytes((streams, coupled, *order))


_SURROUND = {
    3: (2, 1, (0, 2, 1)),
    4: (2, 2, (0, 1, 2, 3)),
    5: (3, 2, (0, 4, 1, 2, 3)),
    6: (4, 2, (0, 4, 1, 2, 3, 5)),
    7: (4, 3, (0, 4, 1, 2, 3, 5, 6)),
    8: (5, 3, (0, 6, 1, 2, 3, 4, 5, 7)),
}


def head_from_dops(record: bytes) -> bytes:
    """Return the OpusHead of a dOps body."""
    parse_dops(record)
    _, channels, pre_skip, rate, gain, family = struct.unpack_from(">BBHIhB", record)
    return MAGIC + struct.pack("<BBHIhB", 1, channels, pre_skip, rate, gain, family) + record[11:]


def _check_mapping(channels: int, family: int, size: int) -> None:
    if not channels:
        raise BadConfig("Opus with 0 channels")
    if family == 0 and channels > 2:
        raise BadConfig(f"Opus mapping family 0 with {channels} channels")
    if family and size < FIXED_BYTES + 2 + channels:
        raise BadConfig(f"Opus mapping table of {channels} channels in {size} bytes")


def packet_samples(packet: bytes) -> int:
    """Return the duration of a packet in samples at 48 kHz (RFC 6716, section 3.1); 0 for an empty one."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    count = 1 if code == 0 else 2 if code < 3 else packet[1] & 0x3F if len(packet) > 1 else 0
    return min(frame * count, MAX_PACKET_SAMPLES)
