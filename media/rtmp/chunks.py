"""The chunk stream: messages cut into chunks and put together again (RTMP 1.0, section 5.3)."""

import msgspec

from media.rtmp.errors import ProtocolError
from media.rtmp.messages import Message, MessageType

DEFAULT_CHUNK_SIZE = 128
MAX_CHUNK_SIZE = 0x7FFFFFFF
"""Bytes; the top bit of Set Chunk Size must be zero (section 5.4.1)."""
MAX_CHUNK_STREAMS = 64
"""Chunk streams one peer may open; real ones use four."""
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""A keyframe at 100 Mb/s and 4K stays below it."""
MAX_PENDING_BYTES = 2 * MAX_MESSAGE_BYTES
"""Half received messages of all chunk streams of a connection together."""
EXTENDED = 0xFFFFFF
"""A timestamp field of this value says that four more bytes follow (section 5.3.1.3)."""
MASK = 0xFFFFFFFF

_HEADER_BYTES = (11, 7, 3, 0)


class _ChunkStream:
    """What the headers of one chunk stream leave out because it was said before."""

    __slots__ = (
        "basic_continuation", "body", "delta", "extended", "length", "plain_continuation", "stream_id", "timestamp",
        "type_id",
    )  # fmt: skip

    def __init__(self, number: int) -> None:
        self.basic_continuation = 0xC0 | number if number < 64 else -1
        self.plain_continuation = -1  # the byte that goes on with the message, when nothing follows it but payload
        self.timestamp = 0
        self.delta = 0
        self.extended = -1  # the last extended timestamp field, -1 when the last header had none
        self.length = 0
        self.type_id = 0
        self.stream_id = 0
        self.body: bytearray | None = None  # its bytes so far; None when no message is begun


class ChunkReader:
    """Bytes in, messages out, cut anywhere. Set Chunk Size and Abort are obeyed here and not given out.

    After a broken byte `error` is set: the messages completed before it were returned, later calls return nothing.
    """

    def __init__(self) -> None:
        self.chunk_size = DEFAULT_CHUNK_SIZE
        self.max_message_bytes = MAX_MESSAGE_BYTES
        self.error: ProtocolError | None = None
        self._streams: dict[int, _ChunkStream] = {}
        self._rest = b""  # a header that was cut
        self._open: _ChunkStream | None = None  # whose payload comes next
        self._left = 0  # bytes of the chunk that are still to come
        self._pending = 0  # bytes in all bodies

    def receive(self, data: bytes) -> list[Message]:
        """Take the next bytes of the connection; return the messages they complete."""
        messages: list[Message] = []
        if self.error is None:
            try:
                self._parse(self._rest + data if self._rest else data, messages)
            except ProtocolError as error:
                self.error = error
                self._streams.clear()
                self._rest, self._open = b"", None
        return messages

    def _parse(self, data: bytes, messages: list[Message]) -> None:
        self._rest = b""
        view = memoryview(data)
        at, end = 0, len(data)
        while at < end:
            if self._left:
                at = self._fill(view, at, end, messages)
                continue
            header = self._read_header(data, at, end)
            if header is None:
                self._rest = data[at:]
                return
            stream, at = header
            length = stream.length
            if stream.body is None:
                if length <= self.chunk_size and length <= end - at:  # all of it is here: one copy
                    self._deliver(stream, data[at : at + length], messages)
                    at += length
                    continue
                stream.body = bytearray()
            self._open = stream
            self._left = min(length - len(stream.body), self.chunk_size)

    def _fill(self, view: memoryview, at: int, end: int, messages: list[Message]) -> int:
        """Take the payload of the open chunk, and of those right behind it that go on with the same message."""
        stream = self._open
        assert stream is not None
        body = stream.body
        assert body is not None
        left = self._left
        begun = len(body)
        while True:
            taken = min(left, end - at)
            body += view[at : at + taken]
            at += taken
            left -= taken
            if left or at == end or len(body) == stream.length or view[at] != stream.plain_continuation:
                break
            at += 1
            left = min(stream.length - len(body), self.chunk_size)
        self._left = left
        self._pending += len(body) - begun
        if self._pending > MAX_PENDING_BYTES:
            raise ProtocolError("too_much_pending", f"{self._pending} bytes of unfinished messages")
        if len(body) == stream.length:
            self._pending -= stream.length
            stream.body = None
            self._deliver(stream, bytes(body), messages)
        return at

    def _read_header(self, data: bytes, at: int, end: int) -> tuple[_ChunkStream, int] | None:
        """Return the chunk's stream and where its payload begins, None when the header isn't whole yet."""
        kind, stream_number = data[at] >> 6, data[at] & 0x3F
        at += 1
        if stream_number < 2:  # section 5.3.1.1: ids of two and three bytes, the latter little-endian
            if end - at < stream_number + 1:
                return None
            extra = data[at : at + stream_number + 1]
            stream_number = 64 + int.from_bytes(extra, "little")
            at += len(extra)
        if end - at < _HEADER_BYTES[kind]:
            return None
        stream = self._streams.get(stream_number)
        if stream is None:
            stream = self._new_stream(kind, stream_number)
        if kind == 3:
            return self._continue(stream, data, at, end)
        if stream.body is not None:
            raise ProtocolError("bad_chunk", f"type {kind} chunk inside a message on chunk stream {stream_number}")
        field = int.from_bytes(data[at : at + 3], "big")
        fields_at = at + 3
        at += _HEADER_BYTES[kind]
        extended = -1
        if field == EXTENDED:
            if end - at < 4:
                return None
            field = extended = int.from_bytes(data[at : at + 4], "big")
            at += 4
        stream.extended = extended
        stream.plain_continuation = stream.basic_continuation if extended < 0 else -1
        # A type 3 chunk after a type 0 takes the timestamp as its delta (section 5.3.1.2.4).
        stream.delta = field
        stream.timestamp = field if kind == 0 else (stream.timestamp + field) & MASK
        if kind < 2:
            stream.length = int.from_bytes(data[fields_at : fields_at + 3], "big")
            stream.type_id = data[fields_at + 3]
        if kind == 0:
            stream.stream_id = int.from_bytes(data[fields_at + 4 : fields_at + 8], "little")
        self._begin(stream)
        return stream, at

    def _new_stream(self, kind: int, stream_number: int) -> _ChunkStream:
        # librtmp sends its first ping as type 1 on a fresh chunk stream; type 2 and 3 have no length to go by.
        if kind > 1:
            raise ProtocolError("bad_chunk", f"type {kind} chunk on new chunk stream {stream_number}")
        if len(self._streams) >= MAX_CHUNK_STREAMS:
            raise ProtocolError("too_many_chunk_streams", f"chunk stream {stream_number} is one too many")
        stream = self._streams[stream_number] = _ChunkStream(stream_number)
        return stream

    def _continue(self, stream: _ChunkStream, data: bytes, at: int, end: int) -> tuple[_ChunkStream, int] | None:
        if stream.extended >= 0:
            # Section 5.3.1.3 repeats the extended timestamp in type 3 chunks; some peers leave it out there, and some
            # repeat the absolute time where the header had a delta. Payload that looks like either is 2^-31.
            if end - at < 4:
                return None
            if int.from_bytes(data[at : at + 4], "big") in {stream.extended, stream.timestamp}:
                at += 4
        if stream.body is None:
            stream.timestamp = (stream.timestamp + stream.delta) & MASK
            self._begin(stream)
        return stream, at

    def _begin(self, stream: _ChunkStream) -> None:
        if stream.length > self.max_message_bytes:
            raise ProtocolError("message_too_large", f"{stream.length} bytes, at most {self.max_message_bytes}")

    def _deliver(self, stream: _ChunkStream, payload: bytes, messages: list[Message]) -> None:
        if stream.type_id > MessageType.ABORT:
            messages.append(Message(stream.type_id, stream.stream_id, stream.timestamp, payload))
        elif stream.type_id == MessageType.SET_CHUNK_SIZE:
            self.chunk_size = _number(payload, "Set Chunk Size")
            if not 1 <= self.chunk_size <= MAX_CHUNK_SIZE:
                raise ProtocolError("bad_chunk_size", f"chunk size {self.chunk_size}")
        elif stream.type_id == MessageType.ABORT:
            self._abort(_number(payload, "Abort"))

    def _abort(self, stream_number: int) -> None:
        """Drop what has come of a message (section 5.4.2); the next chunk of that stream begins a new one."""
        stream = self._streams.get(stream_number)
        if stream is not None and stream.body is not None:
            self._pending -= len(stream.body)
            stream.body = None


def _number(payload: bytes, name: str) -> int:
    if len(payload) < 4:
        raise ProtocolError("bad_control", f"{name} of {len(payload)} bytes")
    return int.from_bytes(payload[:4], "big")


class _Written(msgspec.Struct, gc=False):
    """The last header of a chunk stream. `delta` is None after a type 0 chunk."""

    timestamp: int
    delta: int | None
    length: int
    type_id: int
    stream_id: int


class ChunkWriter:
    """Messages in, bytes out, with the shortest header that every known reader takes the same way."""

    def __init__(self) -> None:
        self.chunk_size = DEFAULT_CHUNK_SIZE
        self._streams: dict[int, _Written] = {}

    def set_chunk_size(self, size: int) -> bytes:
        """Announce a chunk size; what is written after it is cut accordingly."""
        data = self.write(2, Message(MessageType.SET_CHUNK_SIZE, 0, 0, size.to_bytes(4, "big")))
        self.chunk_size = size
        return data

    def write(self, chunk_stream: int, message: Message) -> bytes:
        """Return the message as chunks on `chunk_stream` (2 to 65599)."""
        kind, field = self._header_kind(chunk_stream, message)
        short = min(field, EXTENDED)
        header = (
            b""
            if kind == 3
            else short.to_bytes(3, "big")
            if kind == 2
            else short.to_bytes(3, "big") + len(message.payload).to_bytes(3, "big") + bytes([message.type_id])
        )
        if kind == 0:
            header += message.stream_id.to_bytes(4, "little")
        extended = field.to_bytes(4, "big") if field >= EXTENDED else b""
        first = _basic_header(kind, chunk_stream) + header + extended
        payload = message.payload
        size = self.chunk_size
        if len(payload) <= size:
            return first + payload
        following = _basic_header(3, chunk_stream) + extended
        return first + following.join(payload[at : at + size] for at in range(0, len(payload), size))

    def _header_kind(self, chunk_stream: int, message: Message) -> tuple[int, int]:
        last = self._streams.get(chunk_stream)
        length = len(message.payload)
        if last is None or last.stream_id != message.stream_id or message.timestamp < last.timestamp:
            kind, field, delta = 0, message.timestamp, None
        else:
            field = delta = message.timestamp - last.timestamp
            kind = 1
            if (last.length, last.type_id) == (length, message.type_id):
                # After a type 0 chunk readers do not agree what a type 3 chunk adds: never write that.
                kind = 3 if last.delta == delta and delta < EXTENDED else 2
        self._streams[chunk_stream] = _Written(message.timestamp, delta, length, message.type_id, message.stream_id)
        return kind, field


def _basic_header(kind: int, chunk_stream: int) -> bytes:
    if chunk_stream < 64:
        return bytes([kind << 6 | chunk_stream])
    if chunk_stream < 320:
        return bytes([kind << 6, chunk_stream - 64])
    return bytes([kind << 6 | 1]) + (chunk_stream - 64).to_bytes(2, "little")
