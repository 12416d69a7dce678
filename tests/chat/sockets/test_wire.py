"""One socket's writes, and when it is dropped."""

import asyncio

import pytest

from chat.people import Identity
from chat.rooms.formats import FRAME_PER_EVENT
from chat.rooms.frames import PING
from chat.sockets import wire as wires
from chat.sockets.heartbeat import DEAD_S, Heartbeat
from chat.sockets.wire import UNSENT_MAX, Wire
from schemas.socket import Pong
from tests.chat.memory import A, frames


class Pipe(asyncio.Transport):
    """A transport whose reader takes what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.unsent = 0
        self.is_aborted = False

    def is_closing(self) -> bool:
        return self.is_aborted

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_aborted, "uvloop raises here"
        self.written += data
        self.unsent += len(data)

    def abort(self) -> None:
        self.is_aborted = True


def make() -> tuple[Wire, Pipe, list[str]]:
    pipe, dropped = Pipe(), list[str]()
    return Wire(pipe, FRAME_PER_EVENT, None, on_drop=dropped.append, now=0.0), pipe, dropped


def test_a_reader_that_is_too_far_behind_is_dropped_once() -> None:
    wire, pipe, dropped = make()
    wire.send(b"x" * UNSENT_MAX)
    wire.send(b"y")
    assert not dropped
    wire.send(b"z")
    wire.send(b"z")
    assert (dropped, pipe.is_aborted, bytes(pipe.written[-1:])) == (["slow reader"], True, b"y")


def test_what_was_missed_may_be_much_and_is_no_reason_to_be_dropped() -> None:
    wire, pipe, dropped = make()
    parts = [b"p" * 100_000] * 20
    wire.catch_up(parts)
    wire.send(b"live" * (UNSENT_MAX // 4))
    wire.send(b"!")
    assert (len(pipe.written), dropped) == (2_000_000 + UNSENT_MAX + 1, [])
    wire.send(b"!")
    assert dropped == ["slow reader"]


def test_once_it_was_read_the_usual_bound_holds_again() -> None:
    wire, pipe, dropped = make()
    wire.catch_up([b"p" * 1_000_000])
    wire.settle()
    pipe.unsent = UNSENT_MAX
    wire.settle()
    pipe.unsent = UNSENT_MAX + 1
    wire.send(b"!")
    assert dropped == ["slow reader"]


def test_a_closed_socket_takes_everything_in_silence() -> None:
    wire, pipe, dropped = make()
    pipe.is_aborted = True
    wire.send(b"a")
    wire.catch_up([b"b"])
    wire.tell(Pong())
    wire.drop("dead")
    wire.expelled(A)
    assert (bytes(pipe.written), dropped) == (b"", [])


def test_an_answer_is_one_frame() -> None:
    wire, pipe, _ = make()
    wire.tell(Pong())
    assert frames(bytes(pipe.written)) == [{"type": "pong"}]


async def test_a_sweep_pings_who_lives_and_drops_who_does_not() -> None:
    living, pipe, dropped = make()
    dead, _, dropped_too = make()
    living.seen_at = 2.0

    async def same(identity: Identity) -> Identity:
        return identity

    async def end(_wire: Wire) -> None:
        raise AssertionError

    heartbeat = Heartbeat(lambda: [living, dead], same, end, lambda *_: None, failures=())
    await heartbeat.sweep(DEAD_S + 1.0)
    assert (bytes(pipe.written), dropped, dropped_too) == (PING, [], ["dead"])
    await heartbeat.ask()


def test_sockets_hide_nothing_and_share_that() -> None:
    assert make()[0].hidden is make()[0].hidden is wires._NOTHING
    with pytest.raises(AttributeError):
        make()[0].more = 1  # type: ignore[attr-defined]  # slots: there are thousands
