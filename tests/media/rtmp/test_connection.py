"""The server's end: with captured bytes of ffmpeg, with bytes as OBS sends them, and joined to our own client."""

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.packets import CodecConfig
from media.rtmp import amf
from media.rtmp.amf import AmfValue, EcmaArray
from media.rtmp.chunks import ChunkReader, ChunkWriter
from media.rtmp.connection import (
    CHUNK_SIZE,
    HANDSHAKE_S,
    MAX_COMMAND_BYTES,
    MAX_HELD_BYTES,
    PUBLISH_S,
    SILENCE_S,
    AudioTag,
    DataTag,
    Event,
    Failed,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    RtmpConnection,
    State,
    VideoTag,
)
from media.rtmp.errors import ProtocolError
from media.rtmp.flv import FlvReader
from media.rtmp.messages import Message, MessageType
from media.rtmp.publisher import Published, Rejected, RtmpClient

VECTORS = Path(__file__).parents[2] / "vectors" / "rtmp"
HANDSHAKE = b"\3" + bytes(2 * 1536)


class Peer:
    """A publisher made by hand: writes messages as told, reads our answers as any client would."""

    def __init__(self, *, chunk_stream: int = 3, chunk_size: int = 0) -> None:
        self.server = RtmpConnection(0.0)
        self.writer = ChunkWriter()
        self.reader = ChunkReader()
        self.chunk_stream = chunk_stream
        self.answers: list[Message] = []
        self.commands: list[list[AmfValue]] = []
        self.events = self.server.receive_data(HANDSHAKE, 0.0)
        (self.handshake,) = self.server.data_to_send()
        if chunk_size:
            self.send(self.writer.set_chunk_size(chunk_size))

    def send(self, data: bytes, now: float = 0.0) -> list[Event]:
        events = self.server.receive_data(data, now)
        self.events += events
        self.collect()
        return events

    def collect(self) -> None:
        for data in self.server.data_to_send():
            self.answers += self.reader.receive(data)
        assert self.reader.error is None
        self.commands = [amf.decode(m.payload) for m in self.answers if m.type_id == MessageType.COMMAND]

    def message(
        self, kind: int, payload: bytes, *, timestamp: int = 0, stream: int = 0, now: float = 0.0
    ) -> list[Event]:
        return self.send(self.writer.write(self.chunk_stream, Message(kind, stream, timestamp, payload)), now)

    def command(self, name: str, transaction: float, *values: AmfValue, stream: int = 0) -> list[Event]:
        return self.message(MessageType.COMMAND, amf.encode(name, transaction, *values), stream=stream)

    def connect(self, **properties: AmfValue) -> None:
        self.command("connect", 1, {"app": "live", "tcUrl": "rtmp://h/live", **properties})

    def publish(self, key: str = "KEY") -> list[Event]:
        self.connect()
        self.command("createStream", 2, None)
        return self.command("publish", 3, None, key, "live", stream=1)

    def accept(self) -> None:
        self.server.accept_publish()
        self.collect()

    def status(self) -> dict[str, AmfValue]:
        (info,) = [values[3] for values in self.commands if values[0] == "onStatus"]
        assert isinstance(info, dict)
        return info

    def result(self, transaction: float) -> list[AmfValue]:
        (values,) = [v for v in self.commands if v[1] == transaction and v[0] in {"_result", "_error"}]
        return values


def publishing(**how: int) -> Peer:
    peer = Peer(**how)
    assert peer.publish()
    peer.accept()
    peer.events.clear()
    return peer


def failure(events: list[Event]) -> str:
    assert isinstance(events[-1], Failed)
    return events[-1].reason


# Captured: ffmpeg


def replay(data: bytes, cuts: list[int] | None = None) -> tuple[list[Event], RtmpConnection]:
    """Feed a capture, cut as told, and grant whatever is asked."""
    server = RtmpConnection(0.0)
    events: list[Event] = []
    for start, end in pairwise(sorted({0, len(data), *(cut for cut in cuts or [] if cut < len(data))})):
        got = server.receive_data(data[start:end], 0.0)
        while server.state is State.AUTHORISING:
            server.accept_publish()
            got += server.held_events(0.0)
        events += got
    return events, server


@pytest.mark.parametrize(
    ("capture", "configs", "video", "audio"),
    [
        ("h264-aac", [("avc1", 64, 0), ("mp4a", 0, 48_000)], 12, 58),
        ("hevc-ac3", [("hvc1", 64, 0), ("ac-3", 0, 48_000)], 12, 38),
        ("av1-opus", [("Opus", 0, 48_000), ("av01", 64, 0)], 12, 61),
        ("vp9-flac", [("fLaC", 0, 48_000), ("vp09", 64, 0)], 12, 57),
        ("late-clock", [("avc1", 64, 0), ("mp4a", 0, 48_000)], 12, 58),
        ("multitrack", [("avc1", 64, 0), ("mp4a", 0, 48_000)], 12, 58),
    ],
)
def test_ffmpeg_9_publishes(capture: str, configs: list[tuple[str, int, int]], video: int, audio: int) -> None:
    events, server = replay((VECTORS / f"ffmpeg-9.0.2-{capture}.bin").read_bytes())
    request = events[0]
    assert isinstance(request, PublishRequested)
    assert (request.key, request.params, request.app) == ("test-key", {"a": "1"}, "live")
    assert request.encoder == "FMLE/3.0 (compatible; Lavf63.1.102)"
    assert request.tc_url.startswith("rtmp://127.0.0.1:")
    flv = FlvReader()
    media = [unit for e in events if isinstance(e, VideoTag) for unit in flv.video(e.timestamp, e.payload)]
    sound = [unit for e in events if isinstance(e, AudioTag) for unit in flv.audio(e.timestamp, e.payload)]
    found = {(c.fourcc, c.width, c.sample_rate) for c in media + sound if isinstance(c, CodecConfig)}
    assert found == set(configs)
    assert len([u for u in media if not isinstance(u, CodecConfig)]) == video
    assert len([u for u in sound if not isinstance(u, CodecConfig)]) == audio
    assert isinstance(events[-1], PublishEnded)
    assert server.state is State.CONNECTED


def test_ffmpeg_with_a_clock_beyond_24_bits_keeps_its_time() -> None:
    events, _ = replay((VECTORS / "ffmpeg-9.0.2-late-clock.bin").read_bytes())
    times = [e.timestamp for e in events if isinstance(e, VideoTag)]
    assert times[1:-1] == list(range(16_789_800, 16_789_800 + 1_200, 100))
    assert times[1] > 0xFFFFFF


CAPTURE = (VECTORS / "ffmpeg-9.0.2-h264-aac.bin").read_bytes()


@settings(max_examples=40)
@given(st.lists(st.integers(0, len(CAPTURE)), max_size=60))
def test_any_cut_of_a_publication_gives_the_same_events(cuts: list[int]) -> None:
    whole, _ = replay(CAPTURE)
    pieces, _ = replay(CAPTURE, cuts)
    assert pieces == whole


def test_a_publication_in_single_bytes_gives_the_same_events() -> None:
    whole, _ = replay(CAPTURE)
    pieces, _ = replay(CAPTURE, list(range(4600)))
    assert pieces == whole


# By hand: OBS and others


def test_obs_sets_its_chunk_size_before_connect_and_sends_all_on_chunk_stream_4() -> None:
    peer = Peer(chunk_stream=4, chunk_size=4096)
    peer.command("connect", 1, {"app": "live", "type": "nonprivate", "flashVer": "FMLE/3.0 (compatible; FMSc/1.0)",
                                "swfUrl": "rtmp://h/live", "tcUrl": "rtmp://h/live"})  # fmt: skip
    peer.command("releaseStream", 2, None, "KEY?a=b")
    peer.command("FCPublish", 3, None, "KEY?a=b")
    peer.command("createStream", 4, None)
    (request,) = peer.command("publish", 5, None, "KEY?a=b", "live", stream=1)
    assert request == PublishRequested("KEY", {"a": "b"}, "live", "rtmp://h/live", "FMLE/3.0 (compatible; FMSc/1.0)")
    peer.accept()
    assert peer.status()["code"] == "NetStream.Publish.Start"
    peer.events.clear()
    metadata: dict[str, AmfValue] = {"width": 1920.0, "encoder": "obs-output module (libobs version 30.2)"}
    peer.message(MessageType.DATA, amf.encode("@setDataFrame", "onMetaData", EcmaArray(metadata)), stream=1)
    peer.message(MessageType.AUDIO, b"\xaf\x00\x11\x90", stream=1)
    peer.message(MessageType.VIDEO, b"\x17\x00\0\0\0" + bytes(60), stream=1)
    peer.message(MessageType.VIDEO, b"\x17\x01\0\0\0" + bytes(25_000), timestamp=33, stream=1)
    peer.message(MessageType.AUDIO, b"\xaf\x01" + bytes(300), timestamp=43, stream=1)
    peer.command("FCUnpublish", 6, None, "KEY?a=b")
    peer.command("deleteStream", 7, None, 1.0)
    assert [type(event) for event in peer.events] == [DataTag, AudioTag, VideoTag, VideoTag, AudioTag, PublishEnded]
    assert peer.events[0] == DataTag(0, "onMetaData", [metadata])
    assert peer.events[3] == VideoTag(33, b"\x17\x01\0\0\0" + bytes(25_000))


def test_connect_is_answered_with_windows_chunk_size_and_result() -> None:
    peer = Peer()
    peer.connect()
    assert [m.type_id for m in peer.answers] == [5, 6, 20]  # Set Chunk Size is taken by the reader
    assert peer.reader.chunk_size == CHUNK_SIZE
    name, transaction, server, info = peer.result(1)
    assert (name, transaction) == ("_result", 1.0)
    assert isinstance(server, dict)
    assert isinstance(info, dict)
    assert info["code"] == "NetConnection.Connect.Success"
    assert "fourCcList" not in info


@pytest.mark.parametrize("announced", ["fourCcList", "videoFourCcInfoMap", "capsEx"])
def test_enhanced_rtmp_is_announced_to_those_who_announce_it(announced: str) -> None:
    peer = Peer()
    value: AmfValue = ["av01", "hvc1"]
    peer.connect(**{announced: value})
    info = peer.result(1)[3]
    assert isinstance(info, dict)
    assert info["fourCcList"] == ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus", "ac-3", "ec-3", "fLaC", ".mp3"]
    assert info["videoFourCcInfoMap"] == {"avc1": 4, "hvc1": 4, "av01": 4, "vp09": 4}
    assert info["capsEx"] == 4


def test_a_connect_with_no_fields_is_enough() -> None:
    peer = Peer()
    peer.command("connect", 1, {})
    peer.command("createStream", 2, None)
    (request,) = peer.command("publish", 0, None, "KEY")
    assert request == PublishRequested("KEY", {}, "", "", "")


def test_a_connect_without_any_object_is_enough() -> None:
    peer = Peer()
    peer.command("connect", 1)
    assert peer.result(1)[0] == "_result"


def test_publish_with_transaction_0_and_no_stream_id_is_taken() -> None:
    peer = Peer()
    peer.connect()
    assert peer.command("publish", 0, None, "KEY", "live") != []
    peer.accept()
    status = [m for m in peer.answers if m.type_id == MessageType.COMMAND][-1]
    assert status.stream_id == 1


def test_status_goes_to_the_stream_that_publishes() -> None:
    peer = publishing()
    status = [m for m in peer.answers if m.type_id == MessageType.COMMAND][-1]
    assert (status.stream_id, peer.status()["level"]) == (1, "status")
    begin = [m.payload for m in peer.answers if m.type_id == MessageType.USER_CONTROL]
    assert begin == [bytes.fromhex("0000 00000001")]


def test_fc_publish_is_answered_once_publishing() -> None:
    peer = Peer()
    peer.connect()
    peer.command("FCPublish", 2, None, "KEY")
    peer.command("publish", 3, None, "KEY", stream=1)
    assert "onFCPublish" not in [values[0] for values in peer.commands]
    peer.accept()
    assert "onFCPublish" in [values[0] for values in peer.commands]


def test_two_streams_get_two_ids() -> None:
    peer = Peer()
    peer.connect()
    peer.command("createStream", 2, None)
    peer.command("createStream", 3, None)
    assert (peer.result(2)[3], peer.result(3)[3]) == (1.0, 2.0)


def test_chunk_size_may_change_after_publish() -> None:
    peer = publishing()
    peer.send(peer.writer.set_chunk_size(7))
    (event,) = peer.message(MessageType.VIDEO, bytes(100), stream=1)
    assert event == VideoTag(0, bytes(100))


def test_repeated_metadata_and_other_data() -> None:
    peer = publishing()
    data: list[list[AmfValue]] = [
        ["@setDataFrame", "onMetaData", {}],
        ["onMetaData", {}],
        ["onTextData", "hi"],
        ["onCuePoint"],
    ]
    for values in data:
        peer.message(MessageType.DATA, amf.encode(*values), stream=1)
    peer.message(MessageType.DATA_AMF3, b"\0" + amf.encode("onMetaData", {}), stream=1)
    assert [e.name for e in peer.events if isinstance(e, DataTag)] == [
        "onMetaData", "onMetaData", "onTextData", "onCuePoint", "onMetaData",
    ]  # fmt: skip
    assert peer.message(MessageType.DATA, b"", stream=1) == []


def test_amf3_commands_are_amf0_behind_a_zero() -> None:
    peer = Peer()
    connect = b"\0" + amf.encode("connect", 1) + b"\x11" + bytes.fromhex("0a0b01 07 61 70 70 06 09 6c697665 01")
    peer.message(MessageType.COMMAND_AMF3, connect)
    assert peer.result(1)[0] == "_result"
    peer.message(MessageType.COMMAND_AMF3, amf.encode("createStream", 2, None))  # some leave the zero out
    assert peer.result(2)[3] == 1.0
    (request,) = peer.message(MessageType.COMMAND_AMF3, b"\0" + amf.encode("publish", 3, None, "KEY"))
    assert isinstance(request, PublishRequested)
    assert request.app == "live"


def test_ping_is_answered() -> None:
    peer = Peer()
    peer.connect()
    peer.message(MessageType.USER_CONTROL, bytes.fromhex("0006 12345678"))
    assert peer.answers[-1].payload == bytes.fromhex("0007 12345678")


def test_acknowledgement_comes_once_per_window() -> None:
    peer = publishing()
    peer.message(MessageType.WINDOW_ACK_SIZE, (100_000).to_bytes(4, "big"))
    for index in range(25):
        peer.message(MessageType.VIDEO, bytes(10_000), timestamp=index, stream=1)
    sent = [int.from_bytes(m.payload, "big") for m in peer.answers if m.type_id == MessageType.ACKNOWLEDGEMENT]
    assert len(sent) == 2
    assert all(b - a >= 100_000 for a, b in pairwise([0, *sent]))


def test_small_calls_are_answered() -> None:
    peer = Peer()
    peer.connect()
    peer.command("_checkbw", 2, None)
    peer.command("getStreamLength", 3, None, "KEY")
    peer.command("releaseStream", 4, None, "KEY")
    peer.command("somethingNew", 5, None)
    peer.command("somethingNew", 0, None)
    assert [peer.result(n)[0] for n in (2, 3, 4, 5)] == ["_result", "_result", "_result", "_error"]
    assert peer.result(3)[3] == 0.0
    assert len(peer.commands) == 5


def test_answers_to_calls_never_made_are_ignored() -> None:
    peer = publishing()
    before = len(peer.answers)
    for name in ("_result", "_error", "onStatus"):
        peer.command(name, 3, None)
    assert peer.events == []
    assert len(peer.answers) == before


def test_second_connect_and_second_publish_are_errors_not_ends() -> None:
    peer = publishing()
    peer.command("connect", 8, {"app": "live"})
    peer.command("publish", 9, None, "OTHER", stream=1)
    assert (peer.result(8)[0], peer.result(9)[0]) == ("_error", "_error")
    assert peer.server.state is State.PUBLISHING


def playing() -> Peer:
    """A peer whose wish to play was granted."""
    peer = Peer()
    peer.connect()
    assert peer.command("play", 0, None, "demo?key=abc", -2000.0, stream=1) == [PlayRequested("demo", {"key": "abc"})]
    peer.server.accept_play()
    peer.collect()
    return peer


def codes(peer: Peer) -> list[AmfValue]:
    return [info["code"] for name, *_, info in peer.commands if name == "onStatus" and isinstance(info, dict)]


def test_a_player_is_told_that_it_begins() -> None:
    peer = playing()
    assert peer.server.state is State.PLAYING
    assert codes(peer) == ["NetStream.Play.Reset", "NetStream.Play.Start"]
    assert peer.answers[-1].type_id == MessageType.DATA


def test_what_is_played_is_sent_on_its_stream() -> None:
    peer = playing()
    peer.server.send_video(40, b"\x17\x01picture")
    peer.server.send_audio(42, b"\xaf\x01sound")
    peer.collect()
    picture, sound = peer.answers[-2:]
    assert (picture.type_id, picture.stream_id, picture.timestamp, picture.payload) == (9, 1, 40, b"\x17\x01picture")
    assert (sound.type_id, sound.stream_id, sound.timestamp, sound.payload) == (8, 1, 42, b"\xaf\x01sound")


def test_nothing_is_played_to_who_has_not_asked() -> None:
    peer = Peer()
    peer.connect()
    before = len(peer.answers)
    peer.server.send_video(40, b"\x17\x01picture")
    peer.collect()
    assert len(peer.answers) == before


@pytest.mark.parametrize("name", ["closeStream", "deleteStream"])
def test_a_player_may_stop_and_stay(name: str) -> None:
    peer = playing()
    assert peer.command(name, 5, None, 1.0) == [PlayEnded()]
    assert peer.server.state is State.CONNECTED


@pytest.mark.parametrize("name", ["pause", "receiveAudio", "receiveVideo", "FCSubscribe"])
def test_what_players_say_besides_changes_nothing(name: str) -> None:
    peer = playing()
    assert peer.command(name, 6, None, True) == []
    assert peer.server.state is State.PLAYING


def test_a_player_does_not_time_out() -> None:
    assert playing().server.next_deadline() is None


def test_a_player_that_publishes_is_refused() -> None:
    peer = playing()
    assert peer.command("publish", 9, None, "KEY", "live", stream=1) == []
    assert peer.result(9)[0] == "_error"


def test_the_end_of_what_is_played_is_told() -> None:
    peer = playing()
    peer.server.end_play("The stream is over.")
    peer.collect()
    assert codes(peer)[-1] == "NetStream.Play.UnpublishNotify"
    assert peer.server.state is State.CLOSED


def test_a_play_is_refused_with_a_text() -> None:
    peer = Peer()
    peer.connect()
    peer.command("play", 0, None, "nobody", stream=3)
    peer.server.refuse_play("NetStream.Play.StreamNotFound", "There is no such stream.")
    peer.collect()
    assert peer.status() == {
        "level": "error",
        "code": "NetStream.Play.StreamNotFound",
        "description": "There is no such stream.",
    }
    assert peer.server.state is State.CLOSED


def test_a_play_without_a_name_is_refused() -> None:
    peer = Peer()
    peer.connect()
    assert failure(peer.command("play", 0, None, "", stream=3)) == "bad_name"
    assert peer.status()["code"] == "NetStream.Play.StreamNotFound"


def test_a_missing_key_is_refused_with_a_text() -> None:
    peer = Peer()
    peer.connect()
    assert failure(peer.command("publish", 3, None, "", "live", stream=1)) == "bad_name"
    assert peer.status() == {
        "level": "error",
        "code": "NetStream.Publish.BadName",
        "description": "The stream key is missing.",
    }


def test_refusal_is_an_error_status_and_the_end() -> None:
    peer = Peer()
    peer.publish()
    peer.server.refuse_publish("NetStream.Publish.BadName", "No such stream key.")
    peer.collect()
    assert peer.status()["level"] == "error"
    assert peer.status()["description"] == "No such stream key."
    assert peer.message(MessageType.VIDEO, b"x", stream=1) == []


def test_a_cut_says_why() -> None:
    peer = publishing()
    peer.server.end_publish("The key was rotated.")
    peer.commands.clear()
    peer.answers.clear()
    peer.server.end_publish("again")
    peer.collect()
    assert peer.status() == {
        "level": "error",
        "code": "NetStream.Publish.Rejected",
        "description": "The key was rotated.",
    }


@pytest.mark.parametrize("name", ["FCUnpublish", "deleteStream", "closeStream"])
def test_each_way_to_stop_ends_the_publication_once_and_allows_another(name: str) -> None:
    peer = publishing()
    peer.command(name, 5, None, 1.0)
    peer.command("deleteStream", 6, None, 1.0)
    assert peer.events == [PublishEnded(f"publisher sent {name}")]
    codes = [values[3]["code"] for values in peer.commands if values[0] == "onStatus" and isinstance(values[3], dict)]
    assert codes == ["NetStream.Publish.Start", "NetStream.Unpublish.Success"]
    assert peer.message(MessageType.VIDEO, b"late", stream=1) == []
    assert isinstance(peer.command("publish", 7, None, "AGAIN", stream=1)[0], PublishRequested)


def test_what_is_sent_ahead_of_the_grant_is_held_and_given_in_order() -> None:
    peer = Peer()
    assert len(peer.publish()) == 1
    assert peer.message(MessageType.VIDEO, b"1", stream=1) == []
    assert peer.message(MessageType.AUDIO, b"2", stream=1) == []
    assert peer.server.held_bytes > 0
    peer.accept()
    assert peer.server.held_events(0.0) == [VideoTag(0, b"1"), AudioTag(0, b"2")]
    assert peer.server.held_bytes == 0
    assert peer.message(MessageType.VIDEO, b"3", stream=1) == [VideoTag(0, b"3")]


def test_a_peer_that_left_before_the_grant_has_ended_after_it() -> None:
    peer = Peer()
    peer.publish()
    peer.command("deleteStream", 9, None, 1.0)
    peer.accept()
    assert peer.server.held_events(0.0) == [PublishEnded("publisher sent deleteStream")]


def test_too_much_ahead_of_the_grant_is_refused() -> None:
    peer = Peer(chunk_size=60_000)
    peer.publish()
    events: list[Event] = []
    for _ in range(MAX_HELD_BYTES // 1_000_000 + 1):
        events += peer.message(MessageType.VIDEO, bytes(1_000_000), stream=1)
    assert failure(events) == "too_much_ahead"


def test_aggregate_messages_are_taken_apart() -> None:
    def inner(kind: int, timestamp: int, body: bytes) -> bytes:
        head = bytes([kind]) + len(body).to_bytes(3, "big")
        head += (timestamp & 0xFFFFFF).to_bytes(3, "big") + bytes([timestamp >> 24]) + bytes(3)
        return head + body + (11 + len(body)).to_bytes(4, "big")

    peer = publishing()
    payload = inner(8, 0x01000010, b"a") + inner(9, 0x01000020, b"v") + inner(22, 0, b"x") + inner(18, 0x01000030, b"")
    events = peer.message(MessageType.AGGREGATE, payload, timestamp=5000, stream=1)
    assert events == [AudioTag(5000, b"a"), VideoTag(5016, b"v")]
    without_back_pointer = inner(9, 0, b"v")[:-4]
    assert peer.message(MessageType.AGGREGATE, without_back_pointer, timestamp=7, stream=1) == [VideoTag(7, b"v")]
    assert failure(peer.message(MessageType.AGGREGATE, payload[:20], stream=1)) == "bad_aggregate"


def test_unknown_message_types_are_ignored() -> None:
    peer = publishing()
    for kind in (3, 16, 19, 99):
        assert peer.message(kind, b"whatever", stream=1) == []


# Disorder


def test_media_before_publish_is_a_fault() -> None:
    peer = Peer()
    peer.connect()
    assert failure(peer.message(MessageType.VIDEO, b"x", stream=1)) == "media_before_publish"


@pytest.mark.parametrize("name", ["createStream", "publish", "deleteStream", "nonsense"])
def test_commands_before_connect_are_a_fault(name: str) -> None:
    assert failure(Peer().command(name, 1, None, "KEY")) == "bad_order"


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        (MessageType.COMMAND, b"", "bad_command"),
        (MessageType.COMMAND, amf.encode(5, "connect"), "bad_command"),
        (MessageType.COMMAND, b"\x02\xff\xffx", "bad_amf"),
        (MessageType.USER_CONTROL, b"\0", "bad_control"),
        (MessageType.WINDOW_ACK_SIZE, b"\0", "bad_control"),
    ],
)
def test_broken_messages_are_faults(kind: int, payload: bytes, reason: str) -> None:
    peer = Peer()
    peer.connect()
    assert failure(peer.message(kind, payload)) == reason
    assert peer.message(MessageType.COMMAND, b"more") == []


def test_large_messages_before_publish_are_a_fault() -> None:
    peer = Peer(chunk_size=60_000)
    peer.connect()
    assert failure(peer.message(MessageType.COMMAND, bytes(MAX_COMMAND_BYTES + 1))) == "message_too_large"


def test_another_protocol_is_a_fault() -> None:
    assert failure(RtmpConnection(0.0).receive_data(b"GET / HTTP/1.1\r\n", 0.0)) == "not_rtmp"


def test_events_before_a_fault_are_delivered() -> None:
    peer = publishing()
    good = peer.writer.write(3, Message(MessageType.VIDEO, 1, 0, b"v"))
    events = peer.send(good + bytes([3 << 6 | 50]))
    assert [type(event) for event in events] == [VideoTag, Failed]
    assert failure(events) == "bad_chunk"


@given(st.binary(max_size=300))
def test_any_bytes_after_the_handshake_give_events_or_a_failure(data: bytes) -> None:
    peer = Peer()
    peer.connect()
    for event in peer.send(data):
        assert isinstance(event, PublishRequested | Failed)
    peer.send(data)


@given(st.integers(3073, 4300), st.integers(1, 255))
def test_one_wrong_byte_in_a_real_publication_ends_in_events(at: int, flip: int) -> None:
    broken = bytearray(CAPTURE)
    broken[at] ^= flip
    events, server = replay(bytes(broken))
    assert sum(isinstance(event, Failed) for event in events) <= 1
    assert not any(isinstance(event, Failed) for event in events) or server.state is State.CLOSED


@given(
    kind=st.sampled_from([4, 5, 15, 17, 18, 20, 22]),
    name=st.sampled_from(["connect", "publish", "createStream", "FCUnpublish", "play", "onMetaData", "@setDataFrame"]),
    tail=st.binary(max_size=60),
    is_publishing=st.booleans(),
)
def test_any_message_gives_events_or_a_failure(kind: int, name: str, tail: bytes, is_publishing: bool) -> None:
    peer = publishing() if is_publishing else Peer()
    peer.message(kind, amf.encode(name, 1) + tail, stream=1)
    peer.message(kind, tail, stream=1)


# Time


def test_a_slow_handshake_times_out() -> None:
    server = RtmpConnection(100.0)
    assert server.next_deadline() == 100 + HANDSHAKE_S
    server.receive_data(HANDSHAKE[:-1], 105.0)
    assert server.handle_timeout(109.9) == []
    assert failure(server.handle_timeout(110.0)) == "handshake_timeout"
    assert server.next_deadline() is None


def test_connect_and_publish_share_one_deadline() -> None:
    server = RtmpConnection(0.0)
    server.receive_data(HANDSHAKE, 5.0)
    assert server.next_deadline() == 5 + PUBLISH_S
    connect = ChunkWriter().write(3, Message(MessageType.COMMAND, 0, 0, amf.encode("connect", 1, {})))
    server.receive_data(connect, 9.0)
    assert server.next_deadline() == 5 + PUBLISH_S
    assert failure(server.handle_timeout(15.0)) == "publish_timeout"


def test_no_deadline_runs_while_the_platform_decides() -> None:
    peer = Peer()
    peer.publish()
    assert peer.server.next_deadline() is None
    assert peer.server.handle_timeout(1e9) == []


def test_silence_while_publishing_times_out_whatever_else_is_sent() -> None:
    peer = publishing()
    assert peer.server.next_deadline() == SILENCE_S
    peer.message(MessageType.AUDIO, b"\xaf\1a", stream=1, now=7.0)
    peer.message(MessageType.USER_CONTROL, bytes.fromhex("0006 00000000"), now=20.0)
    assert peer.server.next_deadline() == 7 + SILENCE_S
    assert failure(peer.server.handle_timeout(27.0)) == "silent"


def test_after_unpublish_the_publish_deadline_runs_again() -> None:
    peer = publishing()
    peer.message(MessageType.COMMAND, amf.encode("FCUnpublish", 5, None, "KEY"), now=50.0)
    assert peer.server.next_deadline() == 50 + PUBLISH_S


# Our own client


def join(client: RtmpClient, server: RtmpConnection, answer: str = "") -> tuple[list[object], list[Event]]:
    """Carry bytes both ways until both are quiet; grant a publish request, or refuse it with `answer`."""
    said: list[object] = []
    events: list[Event] = []
    while True:
        outgoing = client.data_to_send()
        for data in outgoing:
            events += server.receive_data(data, 0.0)
        if server.state is State.AUTHORISING:
            if answer:
                server.refuse_publish("NetStream.Publish.BadName", answer)
            else:
                server.accept_publish()
        incoming = server.data_to_send()
        for data in incoming:
            said += client.receive_data(data)
        if not outgoing and not incoming:
            return said, events


@pytest.mark.parametrize("scheme", [None, 0, 1])
def test_two_cores_publish_in_memory(scheme: int | None) -> None:
    client = RtmpClient("live", "rtmp://h/live", "KEY?a=1", scheme=scheme)
    server = RtmpConnection(0.0)
    said, events = join(client, server)
    assert said == [Published()]
    assert isinstance(events[0], PublishRequested)
    assert (events[0].key, events[0].params) == ("KEY", {"a": "1"})
    client.send_metadata({"width": 1280.0})
    client.send_video(0, b"\x17\0")
    client.send_audio(0x1000000, b"\xaf" * 300_000)
    client.send_video((1 << 32) + 5, b"\x27\1")
    client.unpublish()
    said, events = join(client, server)
    assert events == [
        DataTag(0, "onMetaData", [{"width": 1280.0}]),
        VideoTag(0, b"\x17\0"),
        AudioTag(0x1000000, b"\xaf" * 300_000),
        VideoTag(5, b"\x27\1"),
        PublishEnded("publisher sent FCUnpublish"),
    ]
    assert said == []


def test_client_hears_a_refusal() -> None:
    client = RtmpClient("live", "rtmp://h/live", "WRONG")
    said, _ = join(client, RtmpConnection(0.0), "No such stream key.")
    assert said == [Rejected("NetStream.Publish.BadName", "No such stream key.")]
    assert not client.is_publishing


def test_client_hears_a_cut() -> None:
    client = RtmpClient("live", "rtmp://h/live", "KEY")
    server = RtmpConnection(0.0)
    join(client, server)
    server.end_publish("Ended by the owner.")
    assert join(client, server)[0] == [Rejected("NetStream.Publish.Rejected", "Ended by the owner.")]


def test_client_hears_what_the_server_announces() -> None:
    client = RtmpClient("live", "rtmp://h/live", "KEY", properties={"capsEx": 4})
    join(client, RtmpConnection(0.0))
    assert client.server_properties["capsEx"] == 4.0


def test_client_answers_pings() -> None:
    client = RtmpClient("live", "rtmp://h/live", "KEY")
    join(client, RtmpConnection(0.0))
    writer = ChunkWriter()
    client.receive_data(writer.write(2, Message(MessageType.USER_CONTROL, 0, 0, bytes.fromhex("0006 00000009"))))
    assert b"".join(client.data_to_send()).endswith(bytes.fromhex("0007 00000009"))


@given(st.binary(max_size=200))
def test_client_takes_any_bytes_or_raises_protocol_error(data: bytes) -> None:
    client = RtmpClient("live", "rtmp://h/live", "KEY")
    join(client, RtmpConnection(0.0))
    with suppress(ProtocolError):
        client.receive_data(data)
