"""How ingest and its children frame what they tell each other: four bytes of length, then one msgpack message."""

import struct

import msgspec

LENGTH = struct.Struct(">I")
MAX_MESSAGE_BYTES = 16 << 20
"""No access unit and no picture is as large; a longer message is a peer that lost its mind."""

_encoder = msgspec.msgpack.Encoder()


def pack(message: msgspec.Struct) -> bytes:
    """Return the message with its length before it."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body
