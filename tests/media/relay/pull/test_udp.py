"""Claims of media.relay.pull.udp."""

from collections.abc import Callable

import pytest

from media.relay.pull.udp import listening_socket, payload_of

TS = b"\x47" + bytes(187)
RTP = b"\x80\x21" + bytes(10)


def test_the_transport_stream_is_taken_out_of_rtp() -> None:
    assert payload_of(TS) == TS
    assert payload_of(RTP + TS) == TS
    assert payload_of(b"\x82\x21" + bytes(10) + bytes(8) + TS) == TS  # two contributing sources
    assert payload_of(b"\x90\x21" + bytes(10) + b"\0\0\0\1" + bytes(4) + TS) == TS  # an extension of one word


def test_what_is_neither_is_left_as_it_is() -> None:
    assert payload_of(b"hello") == b"hello"
    assert payload_of(b"") == b""


@pytest.mark.services
def test_a_group_may_be_received_by_several_and_an_address_by_one(free_port: Callable[[], int]) -> None:
    port = free_port()
    with listening_socket("239.7.7.7", port), listening_socket("239.7.7.7", port):
        pass
    with listening_socket("127.0.0.1", port), pytest.raises(OSError, match="in use"):
        listening_socket("127.0.0.1", port)
