"""The pictures process without a process: messages in, messages out."""

import io

import msgspec
import pytest

from media.packets import CodecConfig, TrackKind
from media.pictures import stills, worker
from media.pictures.messages import Failed, Forget, FromChild, MakeSlate, Ready, Slate, Still, TakeStill, ToChild
from media.pictures.slates import SlateProfile
from media.wire import LENGTH, pack
from tests.media.pictures.material import keyframe

FAST = (("preset", "veryfast"),)


class Miser(io.RawIOBase):
    """A pipe that takes a thousand bytes at a time."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: "memoryview") -> int:  # type: ignore[override]  # typeshed's buffer protocol
        self.data += bytes(data[:1000])
        return min(1000, len(data))


def answers(*questions: ToChild, tail: bytes = b"") -> list[FromChild]:
    out = Miser()
    worker.serve(io.BytesIO(b"".join(map(pack, questions)) + tail), out)  # type: ignore[arg-type]  # RawIOBase is one
    found: list[FromChild] = []
    data = out.data
    while data:
        (size,) = LENGTH.unpack(data[:4])
        found.append(msgspec.msgpack.decode(data[4 : 4 + size], type=FromChild))
        data = data[4 + size :]
    assert found[0] == Ready()
    return found[1:]


def take(session: str) -> TakeStill:
    config, packet = keyframe("libx264", "avc1", size=(320, 180), options=FAST)
    return TakeStill(session, config, packet.data)


def tiles(answer: FromChild) -> int:
    assert isinstance(answer, Still)
    assert answer.sheet is not None
    return answer.sheet.tiles


def test_each_question_has_one_answer_in_order_and_forgetting_none() -> None:
    bad = TakeStill("a", CodecConfig(TrackKind.VIDEO, "avc1", b""), b"\0\0\0\1\x65")
    got = answers(take("a"), take("a"), bad, Forget("a"), take("a"), MakeSlate(SlateProfile(64, 64, 10), ""))
    assert [type(answer) for answer in got] == [Still, Still, Failed, Still, Slate]
    assert [tiles(got[place]) for place in (0, 1, 3)] == [1, 2, 1]


def test_damage_between_two_keyframes_keeps_the_sheet() -> None:
    config, packet = keyframe("libx264", "avc1", size=(320, 180), options=FAST)
    got = answers(take("a"), TakeStill("a", config, packet.data[:10]), take("a"))
    assert isinstance(got[1], Failed)
    assert got[1].reason.startswith("avc1: ")
    assert tiles(got[2]) == 2


@pytest.mark.parametrize("tail", [b"\0\0", b"\0\0\0\x09half"])
def test_the_end_of_ingest_in_the_middle_of_a_message_is_an_end(tail: bytes) -> None:
    assert len(answers(take("a"), tail=tail)) == 1


def test_what_is_no_message_ends_the_process() -> None:
    with pytest.raises(ValueError, match="a message of 4294967295 bytes"):
        answers(tail=b"\xff\xff\xff\xff")
    with pytest.raises(msgspec.MsgspecError):
        answers(tail=b"\0\0\0\x01\xc1")


def test_a_picture_without_memory_is_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> Still:
        raise MemoryError

    monkeypatch.setattr(stills, "take", exhausted)
    assert answers(take("a")) == [Failed("out of memory")]
