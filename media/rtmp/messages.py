"""RTMP messages and the small protocol control messages (RTMP 1.0, sections 5.4, 6 and 7.1)."""

import msgspec


class MessageType:
    """Message type ids (sections 5.4 and 7.1). Plain numbers: an Enum's member costs 0.2 us a look in Python 3.11."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_ACK_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    SHARED_OBJECT_AMF3 = 16
    COMMAND_AMF3 = 17
    DATA = 18
    SHARED_OBJECT = 19
    COMMAND = 20
    AGGREGATE = 22


class UserControl:
    """Event types of user control messages (section 7.1.7)."""

    STREAM_BEGIN = 0
    STREAM_EOF = 1
    PING_REQUEST = 6
    PING_RESPONSE = 7


class Message(msgspec.Struct, gc=False):
    """One whole message. `timestamp` is in milliseconds, unsigned, and wraps at 2^32; nobody unwraps it here."""

    type_id: int
    stream_id: int
    timestamp: int
    payload: bytes


def user_control(event: int, data: bytes) -> bytes:
    """Return the payload of a user control message."""
    return event.to_bytes(2, "big") + data
