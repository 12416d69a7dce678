"""The handshake: simple, with digests in both schemes, byte by byte, and with garbage."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtmp.errors import ProtocolError
from media.rtmp.handshake import (
    BLOCK_BYTES,
    DIGEST_BYTES,
    ClientHandshake,
    ServerHandshake,
    block_digest,
    digest_offset,
    find_scheme,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "rtmp"
PLAYER, SERVER = b"Genuine Adobe Flash Player 001", b"Genuine Adobe Flash Media Server 001"


def count_up(size: int) -> bytes:
    return bytes(i % 251 for i in range(size))


def shake(client: ClientHandshake, server: ServerHandshake) -> tuple[bytes | None, bytes | None]:
    at_client: bytes | None = None
    at_server: bytes | None = None
    for _ in range(3):
        for data in client.data_to_send():
            at_server = server.receive(data)
        for data in server.data_to_send():
            at_client = client.receive(data)
    return at_client, at_server


@pytest.mark.parametrize("scheme", [None, 0, 1])
def test_client_and_server_agree(scheme: int | None) -> None:
    assert shake(ClientHandshake(scheme), ServerHandshake()) == (b"", b"")


def test_simple_answer_echoes_c1_and_has_no_version() -> None:
    server = ServerHandshake(count_up)
    c1 = bytes(8) + count_up(BLOCK_BYTES - 8)
    assert server.receive(b"\3" + c1) is None
    (answer,) = server.data_to_send()
    assert len(answer) == 1 + 2 * BLOCK_BYTES
    assert answer[0] == 3
    assert answer[5:9] == bytes(4)
    assert answer[1 + BLOCK_BYTES :] == c1


def test_what_follows_the_handshake_is_given_back() -> None:
    server = ServerHandshake()
    assert server.receive(b"\3" + bytes(2 * BLOCK_BYTES) + b"rest") == b"rest"


def test_c2_of_any_content_is_taken() -> None:
    server = ServerHandshake()
    server.receive(b"\3" + bytes(BLOCK_BYTES))
    assert server.receive(b"\xff" * BLOCK_BYTES) == b""


def test_ffmpeg_hides_a_digest_of_scheme_0_in_c1() -> None:
    c1 = (VECTORS / "ffmpeg-9.0.2-h264-aac.bin").read_bytes()[1 : 1 + BLOCK_BYTES]
    assert find_scheme(c1, PLAYER) == 0


@pytest.mark.parametrize("scheme", [0, 1])
def test_server_answers_a_digest_in_kind(scheme: int) -> None:
    (c0c1,) = ClientHandshake(scheme, count_up).data_to_send()
    server = ServerHandshake(count_up)
    server.receive(c0c1)
    (answer,) = server.data_to_send()
    s1 = answer[1 : 1 + BLOCK_BYTES]
    at = digest_offset(s1, scheme)
    assert find_scheme(s1, SERVER) == scheme
    assert s1[at : at + DIGEST_BYTES] == block_digest(s1, scheme, SERVER)


def test_a_forged_digest_is_answered_simply() -> None:
    (c0c1,) = ClientHandshake(0).data_to_send()
    forged = bytearray(c0c1)
    forged[1500] ^= 1
    server = ServerHandshake()
    server.receive(bytes(forged))
    (answer,) = server.data_to_send()
    assert answer[1 + BLOCK_BYTES :] == bytes(forged[1:])


def test_client_with_digests_refuses_an_unsigned_server() -> None:
    client = ClientHandshake(1)
    with pytest.raises(ProtocolError, match="S1"):
        client.receive(b"\3" + bytes(2 * BLOCK_BYTES))


def test_client_refuses_a_wrong_signature_in_s2() -> None:
    client = ClientHandshake(1)
    server = ServerHandshake()
    server.receive(client.data_to_send()[0])
    answer = bytearray(server.data_to_send()[0])
    answer[-1] ^= 1
    with pytest.raises(ProtocolError, match="S2"):
        client.receive(bytes(answer))


@pytest.mark.parametrize("first", [b"G", b"\x06", b"\x16", b"\x00", b"\x20"])
def test_another_protocol_is_refused_at_its_first_byte(first: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        ServerHandshake().receive(first)
    assert caught.value.reason == "not_rtmp"
    with pytest.raises(ProtocolError):
        ClientHandshake().receive(first)


@given(cuts=st.lists(st.integers(0, 3077), max_size=8))
def test_any_cut_of_the_bytes_is_the_same_handshake(cuts: list[int]) -> None:
    data = b"\3" + count_up(2 * BLOCK_BYTES) + b"abcd"
    server = ServerHandshake(count_up)
    rests = []
    for start, end in pairwise(sorted({0, *cuts, len(data)})):
        rest = server.receive(data[start:end])
        if rest is not None:
            rests += [rest, data[end:]]
            break
    assert b"".join(rests) == b"abcd"
    assert len(server.data_to_send()) == 1
