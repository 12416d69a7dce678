"""The chunk stream: vectors from the specification, corners that writers never write, and any bytes at all."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media.rtmp.chunks import MAX_CHUNK_STREAMS, MAX_MESSAGE_BYTES, ChunkReader, ChunkWriter
from media.rtmp.messages import Message, MessageType


def header(kind: int, number: int, *fields: str) -> bytes:
    return bytes([kind << 6 | number]) + bytes.fromhex("".join(fields))


def full(number: int, timestamp: int, length: int, type_id: int = 8, stream_id: int = 1) -> bytes:
    return (
        bytes([number])
        + timestamp.to_bytes(3, "big")
        + length.to_bytes(3, "big")
        + bytes([type_id])
        + stream_id.to_bytes(4, "little")
    )


def read(data: bytes) -> list[Message]:
    reader = ChunkReader()
    messages = reader.receive(data)
    assert reader.error is None
    return messages


def chunk_size(size: int) -> bytes:
    return full(2, 0, 4, MessageType.SET_CHUNK_SIZE, 0) + size.to_bytes(4, "big")


def failure(data: bytes) -> str:
    reader = ChunkReader()
    reader.receive(data)
    assert reader.error is not None
    return reader.error.reason


def test_specification_example_1_audio_with_type_0_2_3_3() -> None:
    # RTMP 1.0, section 5.3.2.1: message stream 12345, 32 bytes each, 20 ms apart
    first = bytes.fromhex("03 0003e8 000020 08 39300000") + b"a" * 32
    second = bytes.fromhex("83 000014") + b"b" * 32
    messages = read(first + second + b"\xc3" + b"c" * 32 + b"\xc3" + b"d" * 32)
    assert [m.timestamp for m in messages] == [1000, 1020, 1040, 1060]
    assert [m.payload[:1] for m in messages] == [b"a", b"b", b"c", b"d"]
    assert {(m.type_id, m.stream_id, len(m.payload)) for m in messages} == {(8, 12345, 32)}


def test_specification_example_2_long_message_in_128_byte_chunks() -> None:
    # RTMP 1.0, section 5.3.2.2: 307 bytes = 128 + 128 + 51
    payload = bytes(range(256)) + bytes(51)
    data = bytes.fromhex("04 0003e8 000133 09 3a300000") + payload[:128]
    data += b"\xc4" + payload[128:256] + b"\xc4" + payload[256:]
    (message,) = read(data)
    assert message == Message(9, 12346, 1000, payload)


@pytest.mark.parametrize(
    ("basic", "name"),
    [("02", 2), ("3f", 63), ("0000", 64), ("00ff", 319), ("010000", 64), ("010001", 320), ("01ffff", 65599)],
)
def test_chunk_stream_ids_of_one_two_and_three_bytes(basic: str, name: int) -> None:
    head = bytes.fromhex(basic)
    fields = bytes.fromhex("000001 000002 08 01000000")
    again = bytes([head[0] | 0xC0]) + head[1:]
    assert [m.timestamp for m in read(head + fields + b"xy" + again + b"zw")] == [1, 2]
    writer = ChunkWriter()
    written = writer.write(name, Message(8, 1, 1, b"xy"))
    neighbour = writer.write(name + 1 if name < 65599 else name - 1, Message(9, 1, 7, b"!"))
    third = writer.write(name, Message(8, 1, 4, b"zw"))
    assert third[0] >> 6 == 2
    assert [(m.timestamp, m.payload) for m in read(written + neighbour + third)] == [(1, b"xy"), (7, b"!"), (4, b"zw")]


def test_two_and_three_byte_ids_name_the_same_stream() -> None:
    first = bytes.fromhex("00 10 000005 000001 08 01000000") + b"x"  # id 64 + 16
    second = bytes.fromhex("81 1000 000007") + b"y"
    assert [m.timestamp for m in read(first + second)] == [5, 12]


def test_interleaved_chunk_streams_do_not_mix() -> None:
    data = full(4, 0, 200, 9) + b"v" * 128 + full(5, 3, 130) + b"a" * 128
    data += b"\xc4" + b"v" * 72 + b"\xc5" + b"aa"
    assert [(m.type_id, len(m.payload), set(m.payload)) for m in read(data)] == [
        (9, 200, {ord("v")}),
        (8, 130, {ord("a")}),
    ]


def test_type_1_changes_length_and_type_but_keeps_the_stream() -> None:
    data = full(4, 10, 1, 8, 7) + b"a" + header(1, 4, "000005", "000003", "09") + b"vvv"
    assert read(data)[1] == Message(9, 7, 15, b"vvv")


def test_a_new_chunk_stream_may_begin_with_type_1() -> None:
    # librtmp's ping
    assert read(header(1, 2, "000000", "000006", "04") + bytes(6)) == [Message(4, 0, 0, bytes(6))]


@pytest.mark.parametrize("kind", [2, 3])
def test_a_new_chunk_stream_with_a_shorter_header_is_refused(kind: int) -> None:
    assert failure(bytes([kind << 6 | 5]) + bytes(20)) == "bad_chunk"


def test_a_new_header_inside_a_message_is_refused() -> None:
    assert failure(full(4, 0, 200, 9) + bytes(128) + full(4, 0, 1, 9) + b"x") == "bad_chunk"


def test_type_3_after_type_0_adds_the_timestamp_as_delta() -> None:
    # section 5.3.1.2.4
    assert [m.timestamp for m in read(full(4, 23, 1) + b"a" + b"\xc4" + b"b")] == [23, 46]


def test_extended_timestamp_in_type_0_and_its_type_3_chunks() -> None:
    data = header(0, 4, "ffffff", "000082", "09", "01000000", "01000000") + b"v" * 128
    data += b"\xc4" + bytes.fromhex("01000000") + b"vv"
    assert read(data) == [Message(9, 1, 0x01000000, b"v" * 130)]


def test_extended_timestamp_left_out_of_type_3_chunks() -> None:
    data = header(0, 4, "ffffff", "000086", "09", "01000000", "01000000") + b"v" * 128 + b"\xc4" + b"w" * 6
    assert read(data) == [Message(9, 1, 0x01000000, b"v" * 128 + b"w" * 6)]


def test_extended_delta_that_repeats_the_absolute_time_in_type_3_chunks() -> None:
    data = full(4, 5, 1, 9) + b"x" + header(1, 4, "ffffff", "000082", "09", "01000000") + b"v" * 128
    data += b"\xc4" + bytes.fromhex("01000005") + b"vv"
    assert read(data)[1] == Message(9, 1, 0x01000005, b"v" * 130)


def test_type_3_as_a_new_message_reads_and_adds_an_extended_delta() -> None:
    data = full(4, 5, 1) + b"x" + header(2, 4, "ffffff", "01000000") + b"y"
    data += b"\xc4" + bytes.fromhex("01000000") + b"z"
    assert [m.timestamp for m in read(data)] == [5, 0x01000005, 0x02000005]


def test_a_short_header_ends_the_extended_timestamp() -> None:
    data = header(0, 4, "ffffff", "000001", "08", "01000000", "01000000") + b"x" + header(2, 4, "000007") + b"y"
    data += b"\xc4" + b"z"
    assert [m.timestamp for m in read(data)] == [0x01000000, 0x01000007, 0x0100000E]


def test_timestamp_of_exactly_ffffff_is_extended() -> None:
    data = ChunkWriter().write(4, Message(8, 1, 0xFFFFFF, b"x"))
    assert data[1:4] == b"\xff\xff\xff"
    assert read(data)[0].timestamp == 0xFFFFFF


def test_timestamps_wrap_at_32_bits() -> None:
    data = header(0, 4, "ffffff", "000001", "08", "01000000", "fffffff0") + b"x" + header(2, 4, "000020") + b"y"
    assert [m.timestamp for m in read(data)] == [0xFFFFFFF0, 0x10]


def test_top_bit_of_the_timestamp_is_kept() -> None:
    assert read(ChunkWriter().write(4, Message(8, 1, 0x80000001, b"x")))[0].timestamp == 0x80000001


@pytest.mark.parametrize("size", [1, 2, 7, 128, 65_536, 0xFFFFFF, 0x7FFFFFFF])
def test_every_legal_chunk_size(size: int) -> None:
    writer = ChunkWriter()
    data = writer.set_chunk_size(size)
    messages = [Message(9, 1, 20 * i, bytes([i]) * 300) for i in range(5)]
    data += b"".join(writer.write(4, message) for message in messages)
    assert read(data) == messages


@pytest.mark.parametrize("size", [0, 0x80000000, 0xFFFFFFFF])
def test_illegal_chunk_sizes_are_refused(size: int) -> None:
    assert failure(chunk_size(size)) == "bad_chunk_size"


def test_chunk_size_change_holds_from_the_next_chunk() -> None:
    writer = ChunkWriter()
    before = Message(9, 1, 0, b"a" * 300)
    after = Message(9, 1, 40, b"b" * 300)
    data = writer.write(4, before) + writer.set_chunk_size(50) + writer.write(4, after)
    assert read(data) == [before, after]


def test_chunk_size_change_between_the_chunks_of_a_message() -> None:
    data = full(4, 0, 200, 9) + b"v" * 128 + chunk_size(10)
    data += b"".join(b"\xc4" + b"w" * size for size in (10, 10, 10, 10, 10, 10, 10, 2))
    assert read(data) == [Message(9, 1, 0, b"v" * 128 + b"w" * 72)]


def test_abort_drops_the_half_message() -> None:
    data = full(4, 0, 200, 9) + b"v" * 128 + full(2, 0, 4, MessageType.ABORT, 0) + (4).to_bytes(4, "big")
    data += full(4, 9, 2, 9) + b"ww"
    assert read(data) == [Message(9, 1, 9, b"ww")]


def test_abort_of_nothing_is_ignored() -> None:
    data = full(2, 0, 4, MessageType.ABORT, 0) + (77).to_bytes(4, "big") + full(4, 9, 2, 9) + b"ww"
    assert read(data) == [Message(9, 1, 9, b"ww")]


def test_aborted_bytes_leave_the_pending_account() -> None:
    half = MAX_MESSAGE_BYTES - 1
    data = chunk_size(half)
    for number in range(4, 9):
        data += full(number, 0, half + 1, 9) + bytes(half)
        data += full(2, 0, 4, MessageType.ABORT, 0) + number.to_bytes(4, "big")
    assert read(data) == []


def test_half_messages_together_are_bounded() -> None:
    half = MAX_MESSAGE_BYTES - 1
    data = chunk_size(half)
    for number in range(4, 7):
        data += full(number, 0, half + 1, 9) + bytes(half)
    assert failure(data) == "too_much_pending"


@pytest.mark.parametrize("kind", [MessageType.ABORT, MessageType.SET_CHUNK_SIZE])
def test_short_control_messages_are_refused(kind: int) -> None:
    assert failure(full(2, 0, 3, kind, 0) + bytes(3)) == "bad_control"


def test_empty_messages_are_messages() -> None:
    assert read(full(4, 5, 0) + full(4, 6, 0) + full(4, 7, 1) + b"x") == [
        Message(8, 1, 5, b""),
        Message(8, 1, 6, b""),
        Message(8, 1, 7, b"x"),
    ]


def test_one_chunk_stream_too_many_is_refused() -> None:
    streams = [number.to_bytes(1, "big") + bytes.fromhex("000000 000000 08 01000000") for number in range(2, 64)]
    streams += [bytes([0, n]) + bytes.fromhex("000000 000000 08 01000000") for n in range(3)]
    assert len(read(b"".join(streams[:MAX_CHUNK_STREAMS]))) == MAX_CHUNK_STREAMS
    assert failure(b"".join(streams)) == "too_many_chunk_streams"


def test_a_message_one_byte_too_long_is_refused_by_its_header() -> None:
    assert failure(full(4, 0, MAX_MESSAGE_BYTES + 1, 9)) == "message_too_large"
    assert read(full(4, 0, MAX_MESSAGE_BYTES, 9)) == []


def test_messages_before_an_error_are_delivered_and_later_calls_answer() -> None:
    reader = ChunkReader()
    data = full(4, 0, 2) + b"ok" + bytes([2 << 6 | 9]) + bytes(3)
    assert [m.payload for m in reader.receive(data)] == [b"ok"]
    assert reader.error is not None
    assert reader.receive(full(4, 0, 2) + b"no") == []


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([2, 4, 5, 63, 64, 319, 320, 65599]),
        st.builds(
            Message,
            type_id=st.sampled_from([3, 8, 9, 18, 20, 22]),
            stream_id=st.sampled_from([0, 1, 0xFFFFFFFF]),
            timestamp=st.one_of(st.integers(0, 100), st.integers(0xFFFFF0, 0x1000010), st.integers(0, 0xFFFFFFFF)),
            payload=st.one_of(st.binary(max_size=5), st.binary(min_size=20, max_size=90)),
        ),
    ),
    max_size=12,
)


@given(
    size=st.sampled_from([1, 7, 32, 128, 60_000]), messages=MESSAGES, cuts=st.lists(st.integers(0, 2000), max_size=20)
)
@example(size=1, messages=[(4, Message(9, 1, 0x1000000, b"\0\0\0\1\0\0"))], cuts=list(range(60)))
def test_any_cut_of_the_bytes_gives_the_same_messages(
    size: int, messages: list[tuple[int, Message]], cuts: list[int]
) -> None:
    writer = ChunkWriter()
    data = writer.set_chunk_size(size) + b"".join(writer.write(number, message) for number, message in messages)
    reader = ChunkReader()
    edges = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    got = [m for start, end in pairwise(edges) for m in reader.receive(data[start:end])]
    assert reader.error is None
    assert got == [message for _, message in messages]


@given(data=st.binary(max_size=400), cut=st.integers(0, 400))
def test_any_bytes_give_messages_or_an_error_whatever_the_cut(data: bytes, cut: int) -> None:
    whole, halves = ChunkReader(), ChunkReader()
    messages = whole.receive(data)
    assert halves.receive(data[:cut]) + halves.receive(data[cut:]) == messages
    assert (whole.error is None) == (halves.error is None)
    if whole.error is not None and halves.error is not None:
        assert whole.error.reason == halves.error.reason


@given(data=st.binary(max_size=100), kinds=st.lists(st.integers(0, 255), max_size=40))
def test_type_3_runs_never_break_the_reader(data: bytes, kinds: list[int]) -> None:
    reader = ChunkReader()
    for kind in kinds:
        reader.receive(chunk_size(3) + full(4, kind << 16, kind, 9) + data + bytes([0xC4]) * kind)


def test_writer_uses_the_shortest_safe_header() -> None:
    writer = ChunkWriter()
    times = (10, 30, 50, 70, 71)
    kinds = [writer.write(4, Message(8, 1, time, b"x"))[0] >> 6 for time in times]
    assert kinds == [0, 2, 3, 3, 2]
    assert writer.write(4, Message(9, 1, 80, b"x"))[0] >> 6 == 1  # another type
    assert writer.write(4, Message(9, 1, 79, b"x"))[0] >> 6 == 0  # back in time
    assert writer.write(4, Message(9, 2, 80, b"x"))[0] >> 6 == 0  # another message stream


def test_chunk_size_is_announced_on_chunk_stream_2_and_message_stream_0() -> None:
    # section 5.4
    assert ChunkWriter().set_chunk_size(4096) == bytes.fromhex("02 000000 000004 01 00000000 00001000")


def test_writer_never_follows_type_0_by_type_3() -> None:
    writer = ChunkWriter()
    writer.write(4, Message(8, 1, 0, b"x"))
    assert writer.write(4, Message(8, 1, 0, b"x"))[0] >> 6 == 2
