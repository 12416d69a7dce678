"""Claims of media.wire: whole frames are read, in their order, and nothing else is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire import BadFrame, frames, pack


class Word(msgspec.Struct):
    text: bytes


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_what_was_packed_is_read(words: list[bytes]) -> None:
    data = b"".join(pack(Word(word)) for word in words)
    assert [msgspec.msgpack.decode(frame, type=Word).text for frame in frames(data)] == words


@pytest.mark.parametrize("cut", range(1, len(pack(Word(b"abc")))))
def test_a_cut_frame_is_no_frame(cut: int) -> None:
    with pytest.raises(BadFrame):
        list(frames(pack(Word(b"first")) + pack(Word(b"abc"))[:cut]))


@given(st.binary(max_size=60))
def test_any_bytes_are_frames_or_are_not(data: bytes) -> None:
    try:
        found = list(frames(data))
    except BadFrame:
        return
    assert sum(4 + len(frame) for frame in found) == len(data)
