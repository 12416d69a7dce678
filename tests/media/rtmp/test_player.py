"""Claims of media.rtmp.player: joined in memory to our server's end, and to servers that say otherwise."""

import pytest

from media.rtmp import amf
from media.rtmp.amf import AmfValue
from media.rtmp.chunks import ChunkWriter
from media.rtmp.connection import PlayRequested, RtmpConnection
from media.rtmp.errors import ProtocolError
from media.rtmp.handshake import ServerHandshake
from media.rtmp.messages import Message, MessageType
from media.rtmp.player import Over, PlayerEvent, RtmpPlayer, Tag


class Joined:
    """Our two ends."""

    def __init__(self) -> None:
        self.server, self.player = RtmpConnection(0.0), RtmpPlayer("live", "rtmp://h:1935/live", "demo?key=k")
        self.asked: list[PlayRequested] = []

    def talk(self) -> list[PlayerEvent]:
        """Carry bytes until nobody has any; return what the player hears."""
        heard: list[PlayerEvent] = []
        while True:
            up = b"".join(self.player.data_to_send())
            events = self.server.receive_data(up, 0.0) if up else []
            self.asked += [event for event in events if isinstance(event, PlayRequested)]
            down = b"".join(self.server.data_to_send())
            heard += self.player.receive_data(down) if down else []
            if not up and not down:
                return heard


def test_a_stream_is_asked_for_and_its_tags_come() -> None:
    both = Joined()
    assert both.talk() == []
    assert both.asked == [PlayRequested("demo", {"key": "k"})]
    both.server.accept_play()
    both.talk()
    assert both.player.is_playing
    both.server.send_video(1 << 33 | 5, b"\x17\1\0\0\0picture")
    both.server.send_audio(7, b"\xaf\1sound")
    assert both.talk() == [Tag(True, 5, b"\x17\1\0\0\0picture"), Tag(False, 7, b"\xaf\1sound")]


def test_a_stream_that_is_not_there_and_one_that_ends_are_told_apart() -> None:
    refused, ended = Joined(), Joined()
    refused.talk()
    refused.server.refuse_play("NetStream.Play.StreamNotFound", "No such stream.")
    assert refused.talk() == [Over("NetStream.Play.StreamNotFound", "No such stream.")]
    ended.talk()
    ended.server.accept_play()
    ended.server.end_play("The end.")
    (over,) = ended.talk()
    assert isinstance(over, Over)
    assert over.is_end


class Other:
    """A server that says what the test wants, after the handshake."""

    def __init__(self) -> None:
        self.player = RtmpPlayer("app", "rtmp://h/app", "x")
        handshake = ServerHandshake()
        handshake.receive(b"".join(self.player.data_to_send()))
        self.player.receive_data(b"".join(handshake.data_to_send()))
        self._writer = ChunkWriter()

    def say(self, kind: int, payload: bytes, timestamp: int = 0) -> list[PlayerEvent]:
        return self.player.receive_data(self._writer.write(3, Message(kind, 0, timestamp, payload)))

    def command(self, name: str, transaction: float, *values: AmfValue) -> list[PlayerEvent]:
        return self.say(MessageType.COMMAND, amf.encode(name, transaction, *values))


def test_a_redirection_is_a_refusal() -> None:
    info: AmfValue = {
        "level": "error",
        "code": "NetConnection.Connect.Rejected",
        "ex": {"redirect": "rtmp://10.0.0.1/"},
    }
    assert Other().command("_error", 1.0, None, info) == [Over("NetConnection.Connect.Rejected", "")]


def test_tags_of_an_aggregate_message_are_taken_apart() -> None:
    def tag(kind: int, stamp: int, body: bytes) -> bytes:
        head = bytes((kind,)) + len(body).to_bytes(3, "big") + (stamp & 0xFFFFFF).to_bytes(3, "big")
        return head + bytes((stamp >> 24,)) + bytes(3) + body + (11 + len(body)).to_bytes(4, "big")

    payload = tag(9, 1000, b"vv") + tag(18, 1001, b"data") + tag(8, 1040, b"aa") + b"\x09\0\0\xff torn"
    assert Other().say(MessageType.AGGREGATE, payload, 5000) == [Tag(True, 5000, b"vv"), Tag(False, 5040, b"aa")]


def test_pings_are_answered_and_received_bytes_acknowledged() -> None:
    other = Other()
    other.player.data_to_send()
    other.say(MessageType.USER_CONTROL, b"\0\6\0\0\0\x2a")
    assert b"\0\7\0\0\0\x2a" in b"".join(other.player.data_to_send())
    other.say(MessageType.WINDOW_ACK_SIZE, (1000).to_bytes(4, "big"))
    other.player.data_to_send()
    other.say(MessageType.VIDEO, bytes(400))
    before = b"".join(other.player.data_to_send())
    other.say(MessageType.VIDEO, bytes(600))
    other.say(MessageType.VIDEO, bytes(100))
    after = b"".join(other.player.data_to_send())
    assert (len(before), len(after)) in {(5, 5), (0, 5)}  # one byte of header and the count, once in 500 bytes


@pytest.mark.parametrize("values", [("x",), ("_result", "one"), ("_result", None)])
def test_commands_that_are_none_end_the_connection(values: tuple[AmfValue, ...]) -> None:
    with pytest.raises(ProtocolError):
        Other().say(MessageType.COMMAND, amf.encode(*values))


def test_a_stream_id_that_cannot_be_is_refused() -> None:
    other = Other()
    other.command("_result", 1.0, None, {})
    with pytest.raises(ProtocolError):
        other.command("_result", 2.0, None, -1.0)
