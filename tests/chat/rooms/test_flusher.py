"""Passes over the members of rooms."""

import asyncio

from chat.entry import Entry, head_of_message
from chat.rooms import flusher as flushers
from chat.rooms.flusher import Flusher
from chat.rooms.formats import FRAME_PER_TICK, RoomEvent
from chat.rooms.room import Room
from schemas.chat import Authored
from schemas.ids import UserId
from tests.chat.memory import A, Ear
from tests.chat.rooms.test_room import admit, logged, make, state

WAIT_S = 20


def noted(subject: str, error: BaseException) -> None:
    raise AssertionError(subject) from error


def said(seq: int, message_id: str) -> RoomEvent:
    message = Authored(message_id, A, UserId("u"), "u", "U", "hello", [], [], "#FFFFFF")
    return RoomEvent.of_entry(A, Entry(seq, seq - 1, "e1", 1, "message", head_of_message(message)))


def member(room: Room, ear: Ear) -> Ear:
    room.enter(ear)
    admit(room, ear)
    ear.written.clear()
    return ear


async def test_all_that_is_pending_goes_in_one_write_that_all_share() -> None:
    room, flusher = make(), Flusher(lambda *_: None, noted)
    ears = [member(room, Ear()) for _ in range(3)]
    for seq in range(11, 15):
        room.add(logged(seq))
    flusher.note(room)
    assert await flusher.flush() == 3
    assert [len(ear.written) for ear in ears] == [1, 1, 1]
    assert ears[0].written[0] is ears[2].written[0]
    assert ears[0].seqs == [11, 12, 13, 14]
    assert await flusher.flush() == 0


async def test_a_batch_is_one_array() -> None:
    room, flusher = make(), Flusher(lambda *_: None, noted)
    ear = member(room, Ear(FRAME_PER_TICK))
    for event in (logged(11), state(5), logged(12)):
        room.add(event)
    flusher.note(room)
    await flusher.flush()
    assert [[event["type"] for event in batch] for batch in ear.heard] == [["clear_chat", "viewer_count", "clear_chat"]]


async def test_who_comes_while_a_pass_is_running_gets_nothing_twice_and_misses_nothing() -> None:
    room, flusher = make(), Flusher(lambda *_: None, noted)
    for _ in range(flushers.SLICE + 1):
        member(room, Ear())
    room.add(logged(11))
    flusher.note(room)
    passing = asyncio.create_task(flusher.flush())
    await asyncio.sleep(0)
    assert not passing.done()
    late = Ear()
    room.enter(late)
    room.add(logged(12))
    flusher.note(room)
    admit(room, late)
    await passing
    await flusher.flush()
    assert (late.heard[0]["lastSeq"], late.seqs) == (11, [12])


async def test_hidden_messages_are_left_out_for_that_member_once() -> None:
    room, flusher = make(), Flusher(lambda *_: None, noted)
    author, other = member(room, Ear()), member(room, Ear())
    author.hidden = {"m11", "m99"}
    for seq in (11, 12):
        room.add(said(seq, f"m{seq}"))
    flusher.note(room)
    await flusher.flush()
    assert (author.seqs, other.seqs, author.hidden) == ([12], [11, 12], {"m99"})
    author.hidden = {"m13"}
    room.add(said(13, "m13"))
    flusher.note(room)
    await flusher.flush()
    assert (len(author.written), len(other.written)) == (1, 2)


async def test_a_format_that_has_nothing_to_say_writes_nothing() -> None:
    class Silent:
        def encode(self, events: object) -> bytes:
            return b""

        def answer(self, message: object) -> bytes:
            return b"joined"

    room, flusher = make(), Flusher(lambda *_: None, noted)
    ear = Ear()
    ear.format = Silent()  # type: ignore[assignment]  # as IRC's
    member(room, ear)
    room.add(state(1))
    flusher.note(room)
    await flusher.flush()
    assert ear.written == []


async def test_the_tick_follows_how_long_passes_take() -> None:
    passes: list[tuple[float, int]] = []
    room, flusher = make(), Flusher(lambda took_s, written: passes.append((took_s, written)), noted)

    class Slow(Ear):
        def send(self, content: bytes) -> None:
            super().send(content)
            end = loop.time() + 0.03
            while loop.time() < end:
                pass

    loop = asyncio.get_running_loop()
    ear = member(room, Slow())
    running = asyncio.create_task(flusher.run())
    assert flusher.tick_s == flushers.TICK_MIN_S
    room.add(logged(11))
    flusher.note(room)
    async with asyncio.timeout(WAIT_S):
        while not passes:
            await asyncio.sleep(0.001)
    for seq in (12, 13, 14):
        room.add(logged(seq))
        flusher.note(room)
    async with asyncio.timeout(WAIT_S):
        while len(passes) < 2:
            await asyncio.sleep(0.001)
    assert 0.045 <= flusher.tick_s <= flushers.TICK_MAX_S
    assert (len(ear.written), ear.seqs) == (2, [11, 12, 13, 14])
    running.cancel()


async def test_a_member_or_a_format_that_fails_keeps_nothing_from_the_others() -> None:
    class Broken(Ear):
        def send(self, content: bytes) -> None:
            raise RuntimeError("handler is closed")

    class Unable:
        def encode(self, events: object) -> bytes:
            raise ZeroDivisionError

        def answer(self, message: object) -> bytes:
            return b""

    room, troubles = make(), list[str]()
    flusher = Flusher(lambda *_: None, lambda subject, _: troubles.append(subject))
    ears = [member(room, ear) for ear in (Ear(), Broken(), Ear())]
    unable = Ear()
    unable.format = Unable()  # type: ignore[assignment]
    member(room, unable)
    room.add(logged(11))
    flusher.note(room)
    await flusher.flush()
    assert [ear.seqs for ear in ears] == [[11], [], [11]]
    assert sorted(troubles) == ["chat format", "chat write"]
