"""WebSocket text frames built once for many sockets (RFC 6455, section 5.2): server to client, so without a mask."""

import msgspec

from schemas.socket import ServerMessage

TEXT = 0x81  # FIN and opcode 1
_ONE_BYTE_MAX, _TWO_BYTES, _EIGHT_BYTES = 125, 126, 127


def encode(message: ServerMessage) -> bytes:
    """Return the whole frame of a message; writing it to a transport is all that is left to do."""
    payload = msgspec.json.encode(message)
    size = len(payload)
    if size <= _ONE_BYTE_MAX:
        return bytes((TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((TEXT, _TWO_BYTES)) + size.to_bytes(2, "big") + payload
    return bytes((TEXT, _EIGHT_BYTES)) + size.to_bytes(8, "big") + payload
