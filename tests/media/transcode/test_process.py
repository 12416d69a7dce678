"""What a child says, cut anywhere, and what no child says."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from media.packets import Packet, TrackKind
from media.transcode.messages import Coded, FromChild, Progress, Ready, Trouble
from media.transcode.process import Unpacker
from media.wire import pack

MESSAGES: list[FromChild] = [
    Ready("libx264"),
    Coded(
        "720p", [Packet(TrackKind.VIDEO, 0, 0, True, bytes(range(256)) * 5), Packet(TrackKind.VIDEO, 1, 2, False, b"")]
    ),
    Progress(1, 2, 3, [], 0.5, 6),
    Trouble("of some kind"),
]
WIRE = b"".join(map(pack, MESSAGES))


@given(st.lists(st.integers(0, len(WIRE)), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_messages(cuts: list[int]) -> None:
    unpacker = Unpacker()
    ends = [0, *sorted(cuts), len(WIRE)]
    messages = [one for at in range(1, len(ends)) for one in unpacker.feed(WIRE[ends[at - 1] : ends[at]])]
    assert messages == MESSAGES
    assert unpacker.fault == ""


@given(st.integers(1, 40))
def test_bytes_that_come_by_the_few_give_the_same_messages(size: int) -> None:
    unpacker = Unpacker()
    assert [one for at in range(0, len(WIRE), size) for one in unpacker.feed(WIRE[at : at + size])] == MESSAGES


@given(st.binary(max_size=200))
def test_any_bytes_give_messages_or_a_fault(data: bytes) -> None:
    unpacker = Unpacker()
    unpacker.feed(data)
    if unpacker.fault:
        assert unpacker.feed(WIRE) == []


def test_messages_before_a_fault_are_not_lost() -> None:
    for nonsense in (struct.pack(">I", 3) + b"\xc1\xc1\xc1", struct.pack(">I", 1 << 30)):
        unpacker = Unpacker()
        assert unpacker.feed(WIRE + nonsense + WIRE) == MESSAGES
        assert unpacker.fault
        assert unpacker.feed(WIRE) == []
