"""WebSocket frames built by hand."""

import msgspec
import pytest

from chat.rooms.frames import PING, encode, pong
from schemas.errors import ErrorCode
from schemas.socket import Pong, SocketError


def test_a_short_frame_has_two_bytes_of_head() -> None:
    assert encode(Pong()) == b'\x81\x0f{"type":"pong"}'


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_length_takes_one_three_or_nine_bytes(length: int, head: bytes) -> None:
    empty = len(msgspec.json.encode(SocketError(ErrorCode.CONFLICT, "")))
    message = SocketError(ErrorCode.CONFLICT, "x" * (length - empty))
    frame = encode(message)
    assert frame[: len(head)] == head
    assert frame[len(head) :] == msgspec.json.encode(message)


def test_a_ping_is_answered_with_its_payload() -> None:
    assert (PING, pong(b""), pong(b"abc")) == (b"\x89\x00", b"\x8a\x00", b"\x8a\x03abc")
