"""The client's end of an RTMP connection that plays, sans-IO: connect, createStream, play, then tags come.

What it says and in which order is what ffmpeg says. A server that answers with another address (`ex.redirect`) is not
followed: it has refused.
"""

import msgspec

from media.rtmp import amf
from media.rtmp.amf import AmfValue
from media.rtmp.chunks import ChunkReader, ChunkWriter
from media.rtmp.errors import ProtocolError
from media.rtmp.handshake import ClientHandshake
from media.rtmp.messages import Message, MessageType, UserControl, user_control
from media.rtmp.publisher import ENCODER

WINDOW_BYTES = 2_500_000
"""How much the server may send before it waits to hear that it came."""
BUFFER_MS = 1_000
_CONTROL_STREAM, _COMMAND_STREAM, _PLAY_STREAM = 2, 3, 8
_SET_BUFFER_LENGTH = 3  # user control event (RTMP 1.0, section 7.1.7)
_TAG_HEADER_BYTES, _TAG_TRAILER_BYTES = 11, 4
_CAPABILITIES: dict[str, AmfValue] = {
    "flashVer": ENCODER,
    "fpad": False,
    "capabilities": 15.0,
    "audioCodecs": 4071.0,
    "videoCodecs": 252.0,
    "videoFunction": 1.0,
    "fourCcList": ["*"],
}


class Tag(msgspec.Struct, gc=False):
    """An audio or video message: the payload is for `flv`. `timestamp`: 32-bit milliseconds, not unwrapped."""

    is_video: bool
    timestamp: int
    payload: bytes


class Over(msgspec.Struct, frozen=True):
    """The server refused, or has ended the stream (`is_end`)."""

    code: str
    description: str
    is_end: bool = False


PlayerEvent = Tag | Over


class RtmpPlayer:
    """Plays `name` of `app`. Send what `data_to_send` gives from the start; feed what comes."""

    def __init__(self, app: str, tc_url: str, name: str) -> None:
        self.is_playing = False
        self._name = name
        self._properties: dict[str, AmfValue] = {"app": app, "tcUrl": tc_url, **_CAPABILITIES}
        self._handshake: ClientHandshake | None = ClientHandshake()
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        self._to_send: list[bytes] = self._handshake.data_to_send()
        self._transaction = 0
        self._calls: dict[float, str] = {}
        self._received = self._acknowledged = 0
        self._window = WINDOW_BYTES

    def receive_data(self, data: bytes) -> list[PlayerEvent]:
        """Take the connection's next bytes. Raises `ProtocolError`."""
        self._received += len(data)
        if self._handshake is not None:
            rest = self._handshake.receive(data)
            self._to_send += self._handshake.data_to_send()
            if rest is None:
                return []
            self._handshake = None
            self._call("connect", self._properties)
            data = rest
        events: list[PlayerEvent] = []
        for message in self._reader.receive(data):
            self._take(message, events)
        if self._reader.error is not None:
            raise self._reader.error
        self._acknowledge()
        return events

    def data_to_send(self) -> list[bytes]:
        """Return the bytes to send and forget them."""
        data, self._to_send = self._to_send, []
        return data

    def _take(self, message: Message, events: list[PlayerEvent]) -> None:
        match message.type_id:
            case MessageType.VIDEO | MessageType.AUDIO:
                self.is_playing = True
                events.append(Tag(message.type_id == MessageType.VIDEO, message.timestamp, message.payload))
            case MessageType.AGGREGATE:
                self._take_aggregate(message, events)
            case MessageType.COMMAND:
                self._take_command(amf.decode(message.payload), events)
            case MessageType.USER_CONTROL if message.payload[:2] == b"\0\6":
                answer = user_control(UserControl.PING_RESPONSE, message.payload[2:6])
                self._send(_CONTROL_STREAM, MessageType.USER_CONTROL, answer)
            case MessageType.WINDOW_ACK_SIZE if len(message.payload) == 4:
                self._window = max(1, int.from_bytes(message.payload, "big"))

    def _take_aggregate(self, message: Message, events: list[PlayerEvent]) -> None:
        """Take the tags of an aggregate message; the first one's time is the message's (section 7.1.6)."""
        payload, at, offset = message.payload, 0, None
        while at + _TAG_HEADER_BYTES <= len(payload):
            size = int.from_bytes(payload[at + 1 : at + 4], "big")
            stamp = payload[at + 7] << 24 | int.from_bytes(payload[at + 4 : at + 7], "big")
            offset = message.timestamp - stamp if offset is None else offset
            body = payload[at + _TAG_HEADER_BYTES : at + _TAG_HEADER_BYTES + size]
            if payload[at] in {MessageType.VIDEO, MessageType.AUDIO} and len(body) == size:
                events.append(Tag(payload[at] == MessageType.VIDEO, stamp + offset & 0xFFFFFFFF, body))
            at += _TAG_HEADER_BYTES + size + _TAG_TRAILER_BYTES

    def _take_command(self, values: list[AmfValue], events: list[PlayerEvent]) -> None:
        if len(values) < 2 or not isinstance(values[1], float):
            raise ProtocolError("bad_command", "command message without a name or a transaction id")
        name, transaction, info = values[0], values[1], values[3] if len(values) > 3 else None
        if name == "_result":
            self._take_result(self._calls.pop(transaction, ""), info)
        elif name == "_error" and self._calls.pop(transaction, "") in {"connect", "createStream", "play"}:
            events.append(_over(info))
        elif name == "onStatus":
            over = _over(info)
            is_error = isinstance(info, dict) and info.get("level") == "error"
            if is_error or over.code in {"NetStream.Play.Stop", "NetStream.Play.UnpublishNotify"}:
                events.append(msgspec.structs.replace(over, is_end=not is_error))
            elif over.code == "NetStream.Play.Start":
                self.is_playing = True
        elif name == "close":
            events.append(Over("", "the server closed the stream", is_end=True))

    def _take_result(self, call: str, info: AmfValue) -> None:
        if call == "connect":
            self._send(_CONTROL_STREAM, MessageType.WINDOW_ACK_SIZE, WINDOW_BYTES.to_bytes(4, "big"))
            self._call("createStream", None)
        elif call == "createStream":
            if not isinstance(info, float) or not 0 < info < 1 << 32:
                raise ProtocolError("bad_command", "createStream answered without a stream id")
            stream_id = int(info)
            self._call("play", None, self._name, -2000.0, chunk_stream=_PLAY_STREAM, stream_id=stream_id)
            length = stream_id.to_bytes(4, "big") + BUFFER_MS.to_bytes(4, "big")
            self._send(_CONTROL_STREAM, MessageType.USER_CONTROL, user_control(_SET_BUFFER_LENGTH, length))

    def _acknowledge(self) -> None:
        if self._received - self._acknowledged >= self._window // 2:
            self._acknowledged = self._received
            count = (self._received & 0xFFFFFFFF).to_bytes(4, "big")
            self._send(_CONTROL_STREAM, MessageType.ACKNOWLEDGEMENT, count)

    def _call(self, name: str, *values: AmfValue, chunk_stream: int = _COMMAND_STREAM, stream_id: int = 0) -> None:
        self._transaction += 1
        self._calls[float(self._transaction)] = name
        payload = amf.encode(name, self._transaction, *values)
        self._send(chunk_stream, MessageType.COMMAND, payload, stream_id=stream_id)

    def _send(self, chunk_stream: int, kind: int, payload: bytes, *, stream_id: int = 0) -> None:
        self._to_send.append(self._writer.write(chunk_stream, Message(kind, stream_id, 0, payload)))


def _over(info: AmfValue) -> Over:
    members = info if isinstance(info, dict) else {}
    code, description = members.get("code"), members.get("description")
    return Over(code if isinstance(code, str) else "", description if isinstance(description, str) else "")
