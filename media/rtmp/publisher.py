"""The client's end of an RTMP connection that publishes, sans-IO. `client` puts a socket under it.

It says what OBS and ffmpeg say, in their order: connect, releaseStream, FCPublish, createStream, publish.
"""

import msgspec

from media.rtmp import amf
from media.rtmp.amf import AmfValue, EcmaArray
from media.rtmp.chunks import ChunkReader, ChunkWriter
from media.rtmp.errors import ProtocolError
from media.rtmp.handshake import ClientHandshake
from media.rtmp.messages import Message, MessageType, UserControl, user_control

CHUNK_SIZE = 60_000
ENCODER = "FMLE/3.0 (compatible; Tallylight)"
_CONTROL_STREAM, _COMMAND_STREAM, _PUBLISH_STREAM, _AUDIO_STREAM, _VIDEO_STREAM = 2, 3, 4, 5, 6


class Published(msgspec.Struct, frozen=True):
    """The server accepted: media may flow."""


class Rejected(msgspec.Struct, frozen=True):
    """The server said no, before or while publishing."""

    code: str
    description: str


ClientEvent = Published | Rejected


class RtmpClient:
    """Publishes `name` to `app`. Send what `data_to_send` gives from the start, feed what comes, await `Published`."""

    def __init__(
        self,
        app: str,
        tc_url: str,
        name: str,
        *,
        scheme: int | None = None,
        properties: dict[str, AmfValue] | None = None,
    ) -> None:
        self._name = name
        self._properties: dict[str, AmfValue] = {"app": app, "type": "nonprivate", "flashVer": ENCODER, "tcUrl": tc_url}
        self._properties |= properties or {}
        self._handshake: ClientHandshake | None = ClientHandshake(scheme)
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        self._to_send: list[bytes] = self._handshake.data_to_send()
        self._transaction = 0
        self._calls: dict[float, str] = {}
        self._stream_id = 0
        self.is_publishing = False
        self.server_properties: dict[str, AmfValue] = {}
        """The information object of the answer to `connect`."""

    def receive_data(self, data: bytes) -> list[ClientEvent]:
        """Take the connection's next bytes. Raises `ProtocolError`."""
        if self._handshake is not None:
            rest = self._handshake.receive(data)
            self._to_send += self._handshake.data_to_send()
            if rest is None:
                return []
            self._handshake = None
            self._call("connect", self._properties)
            data = rest
        events: list[ClientEvent] = []
        for message in self._reader.receive(data):
            self._take(message, events)
        if self._reader.error is not None:
            raise self._reader.error
        return events

    def data_to_send(self) -> list[bytes]:
        """Return the bytes to send and forget them."""
        data, self._to_send = self._to_send, []
        return data

    def send_metadata(self, values: dict[str, AmfValue]) -> None:
        """Send onMetaData."""
        self.send_data("@setDataFrame", "onMetaData", EcmaArray(values))

    def send_data(self, name: str, *values: AmfValue, timestamp: int = 0) -> None:
        """Send a data message (onTextData, onCuePoint, ...) at a time in milliseconds, taken modulo 2^32."""
        self._send(_PUBLISH_STREAM, MessageType.DATA, timestamp & 0xFFFFFFFF, amf.encode(name, *values))

    def send_video(self, timestamp: int, payload: bytes) -> None:
        """Send a video tag; `timestamp` in milliseconds, taken modulo 2^32."""
        self._send(_VIDEO_STREAM, MessageType.VIDEO, timestamp & 0xFFFFFFFF, payload)

    def send_audio(self, timestamp: int, payload: bytes) -> None:
        """Send an audio tag."""
        self._send(_AUDIO_STREAM, MessageType.AUDIO, timestamp & 0xFFFFFFFF, payload)

    def unpublish(self) -> None:
        """Say that the stream is over; close the connection after it is sent."""
        if self.is_publishing:
            self.is_publishing = False
            self._call("FCUnpublish", None, self._name)
            self._call("deleteStream", None, float(self._stream_id))

    def _take(self, message: Message, events: list[ClientEvent]) -> None:
        if message.type_id == MessageType.COMMAND:
            self._take_command(amf.decode(message.payload), events)
        elif message.type_id == MessageType.USER_CONTROL and message.payload[:2] == b"\0\6":
            answer = user_control(UserControl.PING_RESPONSE, message.payload[2:6])
            self._send(_CONTROL_STREAM, MessageType.USER_CONTROL, 0, answer)

    def _take_command(self, values: list[AmfValue], events: list[ClientEvent]) -> None:
        if len(values) < 2 or not isinstance(values[1], float):
            raise ProtocolError("bad_command", "command message without a name or a transaction id")
        name, transaction, info = values[0], values[1], values[3] if len(values) > 3 else None
        if name == "onStatus":
            status = _status(info)
            if _level(info) == "error":
                events.append(status)
            elif status.code == "NetStream.Publish.Start":
                self.is_publishing = True
                events.append(Published())
        elif name == "_error":
            if self._calls.pop(transaction, "") in {"connect", "createStream"}:
                events.append(_status(info))
        elif name == "_result":
            self._take_result(self._calls.pop(transaction, ""), info)

    def _take_result(self, call: str, info: AmfValue) -> None:
        if call == "connect":
            self.server_properties = info if isinstance(info, dict) else {}
            self._to_send.append(self._writer.set_chunk_size(CHUNK_SIZE))
            self._call("releaseStream", None, self._name)
            self._call("FCPublish", None, self._name)
            self._call("createStream", None)
        elif call == "createStream":
            if not isinstance(info, float) or not 0 < info < 1 << 32:
                raise ProtocolError("bad_command", "createStream answered without a stream id")
            self._stream_id = int(info)
            self._call("publish", None, self._name, "live", chunk_stream=_PUBLISH_STREAM)

    def _call(self, name: str, *values: AmfValue, chunk_stream: int = _COMMAND_STREAM) -> None:
        self._transaction += 1
        self._calls[float(self._transaction)] = name
        payload = amf.encode(name, self._transaction, *values)
        self._send(chunk_stream, MessageType.COMMAND, 0, payload)

    def _send(self, chunk_stream: int, kind: int, timestamp: int, payload: bytes) -> None:
        stream_id = self._stream_id if chunk_stream >= _PUBLISH_STREAM else 0
        self._to_send.append(self._writer.write(chunk_stream, Message(kind, stream_id, timestamp, payload)))


def _level(info: AmfValue) -> AmfValue:
    return info.get("level") if isinstance(info, dict) else None


def _status(info: AmfValue) -> Rejected:
    members = info if isinstance(info, dict) else {}
    code, description = members.get("code"), members.get("description")
    return Rejected(code if isinstance(code, str) else "", description if isinstance(description, str) else "")
