"""WebSocket text frames built once for many sockets (RFC 6455, section 5.2): server to client, so without a mask."""

from typing import Final

import msgspec

from schemas.socket import ServerMessage

TEXT = 0x81  # FIN and opcode 1
PING: Final = b"\x89\x00"
"""A whole ping frame (section 5.5.2)."""
_PONG: Final = 0x8A
_ONE_BYTE_MAX, _TWO_BYTES, _EIGHT_BYTES = 125, 126, 127


def frame(payload: bytes) -> bytes:
    """Return the whole frame of a text; writing it to a transport is all that is left to do."""
    return head(len(payload)) + payload


def head(size: int) -> bytes:
    """Return what a frame begins with whose text has so many bytes."""
    if size <= _ONE_BYTE_MAX:
        return bytes((TEXT, size))
    if size < 1 << 16:
        return bytes((TEXT, _TWO_BYTES)) + size.to_bytes(2, "big")
    return bytes((TEXT, _EIGHT_BYTES)) + size.to_bytes(8, "big")


def encode(message: ServerMessage) -> bytes:
    """Return the frame of one message."""
    return frame(msgspec.json.encode(message))


def pong(payload: bytes) -> bytes:
    """Return the answer to a ping with this payload (at most 125 bytes, as of all control frames)."""
    return bytes((_PONG, len(payload))) + payload
