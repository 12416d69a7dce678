"""Claims of media.links.outbox: what is put goes out in its order, in bounded batches, and too much is refused."""

import asyncio

import pytest

from media.links import outbox as module
from media.links.outbox import Outbox


class Wire:
    """Takes batches; not before `go` is set."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.go = asyncio.Event()
        self.go.set()

    async def send(self, data: bytes) -> None:
        await self.go.wait()
        self.sent.append(data)


async def test_what_is_there_together_goes_as_one() -> None:
    wire = Wire()
    outbox = Outbox(wire.send, 100)
    for word in (b"one", b"two", b"three"):
        assert outbox.put(word)
    assert outbox.unsent_bytes == 11
    outbox.finish()
    await outbox.run()
    assert (wire.sent, outbox.unsent_bytes) == ([b"onetwothree"], 0)


async def test_batches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BATCH_BYTES", 4)
    wire = Wire()
    outbox = Outbox(wire.send, 100)
    for word in (b"abc", b"def", b"ghijkl", b"m"):
        outbox.put(word)
    outbox.finish()
    await outbox.run()
    assert wire.sent == [b"abcdef", b"ghijkl", b"m"]


async def test_too_much_is_refused_until_some_has_gone() -> None:
    wire = Wire()
    wire.go.clear()
    outbox = Outbox(wire.send, 10)
    running = asyncio.create_task(outbox.run())
    assert outbox.put(b"12345678")
    await asyncio.sleep(0)
    assert not outbox.put(b"abc")
    assert outbox.put(b"ab")
    wire.go.set()
    while outbox.unsent_bytes:
        await asyncio.sleep(0)
    assert outbox.put(b"abc")
    outbox.finish()
    await running
    assert b"".join(wire.sent) == b"12345678ababc"


async def test_what_is_dropped_is_not_sent() -> None:
    wire = Wire()
    outbox = Outbox(wire.send, 10)
    outbox.put(b"abc")
    outbox.drop()
    await outbox.run()
    assert wire.sent == []


async def test_a_fault_of_the_way_ends_it() -> None:
    async def send(_data: bytes) -> None:
        raise ConnectionResetError

    outbox = Outbox(send, 10)
    outbox.put(b"abc")
    with pytest.raises(ConnectionResetError):
        await outbox.run()
