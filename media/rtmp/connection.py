"""The server's end of an RTMP connection, sans-IO: bytes in, events and bytes out (RTMP 1.0, sections 5-7).

`receive_data` never raises: what the peer broke comes as a last `Failed` event, behind the events before it.
"""

from collections.abc import Callable
from enum import Enum, auto

import msgspec

from media.rtmp import amf
from media.rtmp.address import StreamName, stream_name
from media.rtmp.amf import AmfValue
from media.rtmp.chunks import MAX_MESSAGE_BYTES, ChunkReader, ChunkWriter
from media.rtmp.errors import ProtocolError
from media.rtmp.flv import AUDIO_FOURCCS, VIDEO_FOURCCS
from media.rtmp.handshake import ServerHandshake
from media.rtmp.messages import Message, MessageType, UserControl, user_control

HANDSHAKE_S = 10.0
"""From the connection to the end of the handshake."""
PUBLISH_S = 10.0
"""From the handshake, or from the end of a publication, to a (new) publish command."""
SILENCE_S = 20.0
"""Without a media message while publishing; a publisher's TCP may be half open for hours."""
CHUNK_SIZE = 60_000
"""What we announce; ffmpeg mirrors it, and a message in one chunk costs a third of one in 128-byte chunks."""
WINDOW_BYTES = 2_500_000
"""Acknowledgement window, both ways, until the peer asks for another."""
MAX_COMMAND_BYTES = 1024 * 1024
"""Messages of a peer that has not asked to publish yet."""
MAX_HELD_BYTES = 4 * 1024 * 1024
"""What a peer may send ahead while its key is being checked."""
HELD_MESSAGE_BYTES = 128
"""What a message costs beside its payload."""
MAX_AGGREGATED = 4096
"""Messages in an aggregate message."""
ENCODER_CHARS = 128

CAPS_MOD_EX = 0x04
"""Enhanced RTMP v2, `capsEx`: extensions are understood. Reconnect (1) and multitrack (2) are not served."""
CAN_FORWARD = 0x04
"""Enhanced RTMP v2, FourCcInfoMask: we pass the codec on without decoding it."""

_CONTROL_STREAM, _COMMAND_STREAM, _STATUS_STREAM, _AUDIO_STREAM, _VIDEO_STREAM = 2, 3, 5, 6, 7
"""Chunk streams we write on; the first is prescribed (section 5.4), the others are habit."""


class VideoTag(msgspec.Struct, gc=False):
    """A video message; the payload is for `flv`. `timestamp`: 32-bit milliseconds, not unwrapped."""

    timestamp: int
    payload: bytes


class AudioTag(msgspec.Struct, gc=False):
    """An audio message."""

    timestamp: int
    payload: bytes


class DataTag(msgspec.Struct):
    """Metadata and other data; `@setDataFrame` is already taken off. `values` follow the name."""

    timestamp: int
    name: str
    values: list[AmfValue]


class PublishRequested(msgspec.Struct, frozen=True):
    """The peer wants to publish: answer by `accept_publish`, `refuse_publish` or by closing the connection.

    `tc_url` has neither key nor query. What the peer sends meanwhile is held back.
    """

    key: str
    params: dict[str, str]
    app: str
    tc_url: str
    encoder: str


class PlayRequested(msgspec.Struct, frozen=True):
    """The peer wants to watch: answer by `accept_play` or `refuse_play`."""

    name: str
    params: dict[str, str]


class PlayEnded(msgspec.Struct, frozen=True):
    """The peer does not want to watch any more; the connection stays."""


class PublishEnded(msgspec.Struct, frozen=True):
    """The peer said that it is done; the connection stays and may publish again."""

    reason: str


class Failed(msgspec.Struct, frozen=True):
    """The last event: close. `reason` is a slug to count, `detail` is for the log."""

    reason: str
    detail: str


Event = VideoTag | AudioTag | DataTag | PublishRequested | PublishEnded | PlayRequested | PlayEnded | Failed


class State(Enum):
    """Where the connection is; the table of commands below says what is legal when."""

    HANDSHAKE = auto()
    CONNECTING = auto()
    CONNECTED = auto()
    AUTHORISING = auto()
    PUBLISHING = auto()
    PLAYING = auto()
    CLOSED = auto()


_AUTHORISING, _PUBLISHING, _CLOSED = State.AUTHORISING, State.PUBLISHING, State.CLOSED
"""For the path of media: in Python 3.11 looking up a member costs 0.2 us, a module's name a tenth of it."""


class Command(msgspec.Struct):
    """A command message, taken apart."""

    name: str
    transaction: float
    arguments: list[AmfValue]
    stream_id: int

    def text(self, index: int) -> str:
        """Return an argument that should be a string; encoders leave out what they have no value for."""
        value = self.arguments[index] if index < len(self.arguments) else None
        return value if isinstance(value, str) else ""

    def members(self, index: int) -> dict[str, AmfValue]:
        """Return an argument that should be an object."""
        value = self.arguments[index] if index < len(self.arguments) else None
        return value if isinstance(value, dict) else {}


class RtmpConnection:
    """One publisher's or player's connection. `now` is any monotonic clock in seconds, the same in every call."""

    def __init__(self, now: float) -> None:
        self.state = State.HANDSHAKE
        self.encoder = ""
        self.received_bytes = 0
        self.broken_data = 0
        """Data messages that could not be read: no reason to end a stream, whose pictures they only comment."""
        self._handshake: ServerHandshake | None = ServerHandshake()
        self._reader = ChunkReader()
        self._reader.max_message_bytes = MAX_COMMAND_BYTES
        self._writer = ChunkWriter()
        self._to_send: list[bytes] = []
        self._events: list[Event] = []
        self._held: list[Message] = []
        self._held_bytes = 0
        self._since = now  # of the state, or of the last media message
        self._now = now
        self._window = WINDOW_BYTES
        self._acknowledged = 0
        self._app = ""
        self._tc_url = ""
        self._streams = 0  # message streams created
        self._stream_id = 0  # the one that publishes or plays
        self._wants_fc_reply = False

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take the connection's next bytes; return what they mean."""
        if self.state is _CLOSED:
            return []
        self._now = now
        self.received_bytes += len(data)
        try:
            if self._handshake is not None:
                self._shake_hands(self._handshake, data)
            else:
                self._read(data)
        except ProtocolError as error:
            self._fail(error.reason, error.detail)
        return self._take_events()

    def held_events(self, now: float) -> list[Event]:
        """Return what the peer sent ahead of our answer to publish. Call it after `accept_publish`."""
        self._now = now
        held, self._held, self._held_bytes = self._held, [], 0
        try:
            for message in held:
                self._take(message)
        except ProtocolError as error:
            self._fail(error.reason, error.detail)
        return self._take_events()

    @property
    def held_bytes(self) -> int:
        """What `held_events` would have to say, in bytes: stop reading for a while when it is much."""
        return self._held_bytes

    def data_to_send(self) -> list[bytes]:
        """Return the bytes to send and forget them."""
        data, self._to_send = self._to_send, []
        return data

    def next_deadline(self) -> float | None:
        """Return when `handle_timeout` should be called; it moves without notice, so look again then."""
        wait_s = _WAIT_S.get(self.state)
        return None if wait_s is None else self._since + wait_s[0]

    def handle_timeout(self, now: float) -> list[Event]:
        """Fail the connection when its deadline has passed."""
        deadline = self.next_deadline()
        if deadline is not None and now >= deadline:
            wait_s, reason = _WAIT_S[self.state]
            self._fail(reason, f"waited {wait_s:g} s")
        return self._take_events()

    def accept_publish(self) -> None:
        """Answer `PublishRequested` with yes."""
        assert self.state is State.AUTHORISING
        self._move(State.PUBLISHING)
        begin = user_control(UserControl.STREAM_BEGIN, self._stream_id.to_bytes(4, "big"))
        self._send(_CONTROL_STREAM, MessageType.USER_CONTROL, begin)
        if self._wants_fc_reply:  # Flash Media Live Encoder and its heirs wait for it
            info: AmfValue = {"code": "NetStream.Publish.Start", "description": "Started publishing."}
            self._command("onFCPublish", 0, None, info)
        self._status("status", "NetStream.Publish.Start", "Started publishing.")

    def refuse_publish(self, code: str, description: str) -> None:
        """Answer `PublishRequested` with no; send what is to be sent, then close."""
        assert self.state is State.AUTHORISING
        self._status("error", code, description)
        self._move(State.CLOSED)

    def end_publish(self, reason: str) -> None:
        """End a running publication from our side; send what is to be sent, then close.

        ffmpeg prints the description and stops. librtmp closes on this code and logs it. OBS reads nothing while it
        streams: it sees the close, connects again and is told when it publishes.
        """
        if self.state in {State.AUTHORISING, State.PUBLISHING}:
            self._status("error", "NetStream.Publish.Rejected", reason)
        self._move(State.CLOSED)

    def accept_play(self) -> None:
        """Answer `PlayRequested` with yes; then send what is played."""
        self._move(State.PLAYING)
        begin = user_control(UserControl.STREAM_BEGIN, self._stream_id.to_bytes(4, "big"))
        self._send(_CONTROL_STREAM, MessageType.USER_CONTROL, begin)
        self._status("status", "NetStream.Play.Reset", "Playing and resetting.")
        self._status("status", "NetStream.Play.Start", "Started playing.")
        self.send_data("|RtmpSampleAccess", True, True)

    def refuse_play(self, code: str, description: str) -> None:
        """Answer `PlayRequested` with no; send what is to be sent, then close."""
        self._status("error", code, description)
        self._move(State.CLOSED)

    def end_play(self, reason: str) -> None:
        """End what is played from our side; send what is to be sent, then close."""
        if self.state is State.PLAYING:
            self._status("status", "NetStream.Play.UnpublishNotify", reason)
            end = user_control(UserControl.STREAM_EOF, self._stream_id.to_bytes(4, "big"))
            self._send(_CONTROL_STREAM, MessageType.USER_CONTROL, end)
        self._move(State.CLOSED)

    def send_video(self, timestamp: int, payload: bytes) -> None:
        """Send a video tag to a player; `timestamp` in milliseconds, taken modulo 2^32."""
        self._play_out(_VIDEO_STREAM, MessageType.VIDEO, timestamp, payload)

    def send_audio(self, timestamp: int, payload: bytes) -> None:
        """Send an audio tag to a player."""
        self._play_out(_AUDIO_STREAM, MessageType.AUDIO, timestamp, payload)

    def send_data(self, name: str, *values: AmfValue) -> None:
        """Send data to a player."""
        self._play_out(_STATUS_STREAM, MessageType.DATA, 0, amf.encode(name, *values))

    def close(self) -> None:
        """Take nothing more; what is yet to be sent stays."""
        self._move(State.CLOSED)

    # Bytes

    def _shake_hands(self, handshake: ServerHandshake, data: bytes) -> None:
        rest = handshake.receive(data)
        self._to_send += handshake.data_to_send()
        if rest is not None:
            self._handshake = None
            self._move(State.CONNECTING)
            self._read(rest)

    def _read(self, data: bytes) -> None:
        for message in self._reader.receive(data):
            self._take(message)
        if self._reader.error is not None:
            raise self._reader.error
        if self.received_bytes - self._acknowledged >= self._window:
            self._acknowledged = self.received_bytes
            count = (self.received_bytes & 0xFFFFFFFF).to_bytes(4, "big")
            self._send(_CONTROL_STREAM, MessageType.ACKNOWLEDGEMENT, count)

    def _take(self, message: Message) -> None:
        if self.state is _AUTHORISING:
            self._hold(message)
        elif self.state is not _CLOSED and (handler := _HANDLERS.get(message.type_id)) is not None:
            handler(self, message)

    def _hold(self, message: Message) -> None:
        self._held_bytes += HELD_MESSAGE_BYTES + len(message.payload)
        if self._held_bytes > MAX_HELD_BYTES:
            raise ProtocolError("too_much_ahead", f"{self._held_bytes} bytes before the answer to publish")
        self._held.append(message)

    # Messages

    def _take_media(self, message: Message) -> None:
        if self.state is _PUBLISHING:
            self._since = self._now
            tag = VideoTag if message.type_id == MessageType.VIDEO else AudioTag
            self._events.append(tag(message.timestamp, message.payload))
        elif not self._stream_id:
            raise ProtocolError("media_before_publish", f"message type {message.type_id} while {self.state.name}")

    def _take_data(self, message: Message) -> None:
        if self.state is not State.PUBLISHING:
            return
        payload = message.payload
        if message.type_id == MessageType.DATA_AMF3:
            payload = payload.removeprefix(b"\0")
        try:
            values = amf.decode(payload)
        except amf.BadAmf:
            self.broken_data += 1
            return
        if values and values[0] == "@setDataFrame":
            del values[0]
        if values and isinstance(values[0], str):
            self._since = self._now
            self._events.append(DataTag(message.timestamp, values[0], values[1:]))

    def _take_aggregate(self, message: Message) -> None:
        """Section 7.1.6: messages as in an FLV file; their times count from the first one's."""
        payload, at, shift = message.payload, 0, None
        for _ in range(MAX_AGGREGATED):
            if at >= len(payload):
                return
            size = int.from_bytes(payload[at + 1 : at + 4], "big")
            if at + 11 + size > len(payload):
                raise ProtocolError("bad_aggregate", f"message of {size} bytes at {at} of {len(payload)}")
            stamp = int.from_bytes(payload[at + 4 : at + 7], "big") | payload[at + 7] << 24
            if shift is None:
                shift = message.timestamp - stamp
            kind, body = payload[at], payload[at + 11 : at + 11 + size]
            inner = Message(kind, message.stream_id, (stamp + shift) & 0xFFFFFFFF, body)
            if kind in {MessageType.AUDIO, MessageType.VIDEO, MessageType.DATA}:
                self._take(inner)
            at += 11 + size + 4  # the back pointer
        raise ProtocolError("bad_aggregate", f"more than {MAX_AGGREGATED} messages")

    def _take_user_control(self, message: Message) -> None:
        if len(message.payload) < 2:
            raise ProtocolError("bad_control", f"user control message of {len(message.payload)} bytes")
        if int.from_bytes(message.payload[:2], "big") == UserControl.PING_REQUEST:
            answer = user_control(UserControl.PING_RESPONSE, message.payload[2:6])
            self._send(_CONTROL_STREAM, MessageType.USER_CONTROL, answer)

    def _take_window(self, message: Message) -> None:
        if len(message.payload) < 4:
            raise ProtocolError("bad_control", f"window size in {len(message.payload)} bytes")
        self._window = int.from_bytes(message.payload[:4], "big") or WINDOW_BYTES

    def _take_command(self, message: Message) -> None:
        payload = message.payload
        if message.type_id == MessageType.COMMAND_AMF3:
            payload = payload.removeprefix(b"\0")  # the format selector of "AMF3 commands", which are AMF0 within
        values = amf.decode(payload)
        if not values or not isinstance(values[0], str):
            raise ProtocolError("bad_command", "command message without a name")
        transaction = values[1] if len(values) > 1 and isinstance(values[1], float) else 0.0
        command = Command(values[0], transaction, values[2:], message.stream_id)
        handler, legal = _COMMANDS.get(command.name, (RtmpConnection._unknown, _AFTER_CONNECT))
        if self.state not in legal:
            raise ProtocolError("bad_order", f"{command.name[:32]!r} while {self.state.name}")
        handler(self, command)

    # Commands

    def _connect(self, command: Command) -> None:
        if self.state is not State.CONNECTING:
            self._error(command, "NetConnection.Connect.Failed", "Already connected.")
            return
        properties = command.members(0)
        app, tc_url, flash_version = (properties.get(name) for name in ("app", "tcUrl", "flashVer"))
        self._app = app if isinstance(app, str) else ""
        self._tc_url = tc_url if isinstance(tc_url, str) else ""
        self.encoder = _printable(flash_version if isinstance(flash_version, str) else "")
        self._move(State.CONNECTED, keeps_deadline=True)
        window = WINDOW_BYTES.to_bytes(4, "big")
        self._send(_CONTROL_STREAM, MessageType.WINDOW_ACK_SIZE, window)
        self._send(_CONTROL_STREAM, MessageType.SET_PEER_BANDWIDTH, window + b"\x02")
        self._to_send.append(self._writer.set_chunk_size(CHUNK_SIZE))
        info: dict[str, AmfValue] = {
            "level": "status",
            "code": "NetConnection.Connect.Success",
            "description": "Connection succeeded.",
            "objectEncoding": 3.0 if properties.get("objectEncoding") == 3.0 else 0.0,
        }
        if properties.keys() & {"fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"}:
            # Only to those who asked: some hardware has a small buffer for this answer.
            info["fourCcList"] = [*VIDEO_FOURCCS, *AUDIO_FOURCCS]
            info["videoFourCcInfoMap"] = dict.fromkeys(VIDEO_FOURCCS, CAN_FORWARD)
            info["audioFourCcInfoMap"] = dict.fromkeys(AUDIO_FOURCCS, CAN_FORWARD)
            info["capsEx"] = CAPS_MOD_EX
        server: AmfValue = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0}
        self._command("_result", command.transaction, server, info)

    def _create_stream(self, command: Command) -> None:
        self._streams += 1
        self._command("_result", command.transaction, None, float(self._streams))

    def _fc_publish(self, command: Command) -> None:
        self._wants_fc_reply = True
        self._result(command)

    def _publish(self, command: Command) -> None:
        if self.state is not State.CONNECTED:
            self._error(command, "NetStream.Publish.Failed", "This connection publishes or plays already.")
            return
        name = stream_name(self._app, self._tc_url, command.text(1))
        self._stream_id = command.stream_id or max(self._streams, 1)
        self._reader.max_message_bytes = MAX_MESSAGE_BYTES
        self._move(State.AUTHORISING)
        if isinstance(name, StreamName):
            request = PublishRequested(name.key, name.params, name.app, name.tc_url, self.encoder)
            self._events.append(request)
            return
        self.refuse_publish("NetStream.Publish.BadName", name)
        self._events.append(Failed("bad_name", name))

    def _unpublish(self, command: Command) -> None:
        if command.name == "FCUnpublish":
            self._result(command)
        if self.state is State.PUBLISHING:
            self._status("status", "NetStream.Unpublish.Success", "Stopped publishing.")
            self._events.append(PublishEnded(f"publisher sent {command.name}"))
            self._move(State.CONNECTED)
        elif self.state is State.PLAYING:
            self._events.append(PlayEnded())
            self._move(State.CONNECTED)

    def _play(self, command: Command) -> None:
        self._stream_id = command.stream_id or max(self._streams, 1)
        name = stream_name(self._app, self._tc_url, command.text(1))
        if isinstance(name, StreamName):
            self._events.append(PlayRequested(name.key, name.params))
            return
        self.refuse_play("NetStream.Play.StreamNotFound", "There is no such stream.")
        self._events.append(Failed("bad_name", name))

    def _pause(self, command: Command) -> None:
        """Live streams do not wait (section 7.2.2.8): whoever pauses drops what comes."""
        self._result(command)

    def _result(self, command: Command) -> None:
        if command.transaction:
            self._command("_result", command.transaction, None, None)

    def _stream_length(self, command: Command) -> None:
        self._command("_result", command.transaction, None, 0.0)

    def _ignore(self, command: Command) -> None:
        """Answers to calls that we never make, and notices that need no answer."""

    def _unknown(self, command: Command) -> None:
        self._error(command, "NetConnection.Call.Failed", f"No such command: {_printable(command.name)}")

    def _error(self, command: Command, code: str, description: str) -> None:
        if command.transaction:  # 0 asks for no answer (section 7.2.1)
            info: AmfValue = {"level": "error", "code": code, "description": description}
            self._command("_error", command.transaction, None, info)

    # Sending

    def _status(self, level: str, code: str, description: str) -> None:
        info: AmfValue = {"level": level, "code": code, "description": description}
        payload = amf.encode("onStatus", 0, None, info)
        self._send(_STATUS_STREAM, MessageType.COMMAND, payload, stream_id=self._stream_id)

    def _command(self, name: str, transaction: float, *values: AmfValue) -> None:
        self._send(_COMMAND_STREAM, MessageType.COMMAND, amf.encode(name, transaction, *values))

    def _send(self, chunk_stream: int, kind: int, payload: bytes, *, stream_id: int = 0) -> None:
        self._to_send.append(self._writer.write(chunk_stream, Message(kind, stream_id, 0, payload)))

    def _play_out(self, chunk_stream: int, kind: int, timestamp: int, payload: bytes) -> None:
        if self.state is State.PLAYING:
            message = Message(kind, self._stream_id, timestamp & 0xFFFFFFFF, payload)
            self._to_send.append(self._writer.write(chunk_stream, message))

    # State

    def _move(self, state: State, *, keeps_deadline: bool = False) -> None:
        self.state = state
        if not keeps_deadline:
            self._since = self._now

    def _fail(self, reason: str, detail: str) -> None:
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            self._events.append(Failed(reason, detail))

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events


_WAIT_S = {
    State.HANDSHAKE: (HANDSHAKE_S, "handshake_timeout"),
    State.CONNECTING: (PUBLISH_S, "publish_timeout"),
    State.CONNECTED: (PUBLISH_S, "publish_timeout"),
    State.PUBLISHING: (SILENCE_S, "silent"),
}
"""How long a state may last, and what it is called when it lasts longer."""

_HANDLERS: dict[int, Callable[[RtmpConnection, Message], None]] = {
    MessageType.AUDIO: RtmpConnection._take_media,
    MessageType.VIDEO: RtmpConnection._take_media,
    MessageType.USER_CONTROL: RtmpConnection._take_user_control,
    MessageType.WINDOW_ACK_SIZE: RtmpConnection._take_window,
    MessageType.DATA: RtmpConnection._take_data,
    MessageType.DATA_AMF3: RtmpConnection._take_data,
    MessageType.COMMAND: RtmpConnection._take_command,
    MessageType.COMMAND_AMF3: RtmpConnection._take_command,
    MessageType.AGGREGATE: RtmpConnection._take_aggregate,
}
"""Other types (acknowledgements, shared objects, what is yet to be invented) mean nothing to us."""

_AFTER_CONNECT = frozenset({State.CONNECTED, State.PUBLISHING, State.PLAYING})
_PLAYABLE = frozenset({State.CONNECTED})
_COMMANDS: dict[str, tuple[Callable[[RtmpConnection, Command], None], frozenset[State]]] = {
    "connect": (RtmpConnection._connect, _AFTER_CONNECT | {State.CONNECTING}),
    "releaseStream": (RtmpConnection._result, _AFTER_CONNECT),
    "FCPublish": (RtmpConnection._fc_publish, _AFTER_CONNECT),
    "createStream": (RtmpConnection._create_stream, _AFTER_CONNECT),
    "publish": (RtmpConnection._publish, _AFTER_CONNECT),
    "FCUnpublish": (RtmpConnection._unpublish, _AFTER_CONNECT),
    "deleteStream": (RtmpConnection._unpublish, _AFTER_CONNECT),
    "closeStream": (RtmpConnection._unpublish, _AFTER_CONNECT),
    "_checkbw": (RtmpConnection._result, _AFTER_CONNECT),
    "getStreamLength": (RtmpConnection._stream_length, _AFTER_CONNECT),
    "play": (RtmpConnection._play, _PLAYABLE),
    "FCSubscribe": (RtmpConnection._result, _AFTER_CONNECT),
    "pause": (RtmpConnection._pause, _AFTER_CONNECT),
    "receiveAudio": (RtmpConnection._result, _AFTER_CONNECT),
    "receiveVideo": (RtmpConnection._result, _AFTER_CONNECT),
    "_result": (RtmpConnection._ignore, _AFTER_CONNECT),
    "_error": (RtmpConnection._ignore, _AFTER_CONNECT),
    "onStatus": (RtmpConnection._ignore, _AFTER_CONNECT),
}
"""Handler of a command and the states in which it is legal. Unknown commands are legal where most are."""


def _printable(text: str) -> str:
    return "".join(character for character in text[:ENCODER_CHARS] if character.isprintable())
