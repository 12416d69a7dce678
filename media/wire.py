"""How media processes frame what they tell each other: four bytes of length, then one msgpack message."""

import struct
from collections.abc import Iterator

import msgspec

LENGTH = struct.Struct(">I")
MAX_MESSAGE_BYTES = 16 << 20
"""No access unit and no picture is as large; a longer message is a peer that lost its mind."""

_encoder = msgspec.msgpack.Encoder()


def pack(message: msgspec.Struct) -> bytes:
    """Return the message with its length before it."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


class BadFrame(ValueError):
    """The bytes are not whole frames."""


def frames(data: bytes) -> Iterator[memoryview]:
    """Yield the msgpack of each frame in bytes that hold whole ones. Raises `BadFrame`."""
    view, at = memoryview(data), 0
    while at < len(data):
        start = at + LENGTH.size
        if start > len(data):
            raise BadFrame(f"{len(data) - at} bytes where a length should be")
        (size,) = LENGTH.unpack_from(data, at)
        at = start + size
        if at > len(data):
            raise BadFrame(f"frame of {size} bytes, {len(data) - start} present")
        yield view[start:at]
