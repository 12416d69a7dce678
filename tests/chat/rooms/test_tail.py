"""What a room's end of the log makes of entries that come late, twice, or from another log."""

import asyncio
from collections.abc import Sequence

from chat.entry import Entry
from chat.log.places import Position
from chat.rooms.room import Room
from chat.rooms.states import ChannelState, States
from schemas.ids import ChannelId
from schemas.socket import StreamOnline
from tests.chat.memory import OFF, S1, A, Ear, MemoryLog, World, on
from tests.chat.rooms.test_hub import joined
from tests.chat.rooms.test_room import make


class Late(MemoryLog):
    """A log whose answers are under way while more happens."""

    async def where(self, channel: ChannelId) -> Position:
        found = Position(self.epoch, self.seq)
        await self._ask("where")
        return found

    async def read(self, channel: ChannelId, after: int, limit: int) -> list[Entry]:
        found = [entry for entry in self.entries if entry.seq > after][:limit]
        await self._ask("read")
        return found


def late() -> World:
    world = World()
    log = Late()
    world.log = log
    world.hub._log = world.hub._joining._log = log
    return world


async def test_an_entry_of_while_the_end_was_asked_for_is_read_at_once() -> None:
    world, ear = late(), Ear()
    world.log.gate.clear()
    joining = asyncio.create_task(joined(world, ear))
    await world.settle()
    world.publish(world.log.append())
    world.log.gate.set()
    await joining
    await world.settle()
    assert (ear.heard[0]["lastSeq"], ear.seqs) == (0, [1])


async def test_what_came_while_a_gap_was_read_is_not_taken_for_a_loss() -> None:
    world, ear = late(), Ear()
    await joined(world, ear)
    entries = [world.log.append() for _ in range(3)]
    world.log.gate.clear()
    world.publish(entries[1])
    await world.settle()
    world.publish(entries[0])
    world.publish(entries[1])
    world.log.gate.set()
    await world.settle()
    assert ear.types == ["joined", *["clear_chat"] * 3]


async def test_a_number_that_fits_but_is_of_another_log_resets_the_room() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    for _ in range(5):
        world.publish(world.log.append())
    world.log.entries, world.log.epoch = [], "e2"
    entries = [world.log.append() for _ in range(6)]
    world.publish(entries[-1])
    await world.settle()
    assert ear.types[-1] == "reset"
    assert (ear.heard[-1]["epoch"], ear.heard[-1]["lastSeq"]) == ("e2", 6)


async def test_entries_that_the_log_has_no_more_reset_the_room() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    for _ in range(9):
        world.log.append()
    del world.log.entries[:4]
    world.ear.on_fresh(A)
    await world.settle()
    assert ear.types == ["joined", "reset"]
    assert ear.heard[-1]["lastSeq"] == 9


async def test_who_missed_more_than_is_kept_does_not_make_us_ask_the_log() -> None:
    world, first, ears = World(), Ear(), [Ear() for _ in range(5)]
    await joined(world, first)
    room = world.hub.rooms[A]
    for _ in range(3):
        world.publish(world.log.append())
    room.ring.bytes_max = 1
    await world.settle()
    world.log.asked.clear()
    for ear in ears:
        await joined(world, ear, Position("e1", 1))
        assert ear.types == ["joined", "reset"]
    assert world.log.asked == []


async def test_a_past_that_the_log_does_not_have_is_asked_for_once() -> None:
    world = World(seq=100)
    for number in range(5):
        ear = Ear()
        await joined(world, ear, Position("e1", 50 + number))
        assert ear.types == ["joined", "reset"]
        world.hub.rooms[A].enter(Ear())  # the room stays open
    assert world.log.asked.count("before") == 1


async def test_a_join_waits_for_the_pass_that_sends_what_its_client_has_already() -> None:
    world, first, ahead = World(), Ear(), Ear()
    await joined(world, first)
    for _ in range(3):
        world.log.append()
    joining = asyncio.create_task(joined(world, ahead, Position("e1", 2)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not joining.done()
    await world.hub.flusher.flush()
    await joining
    assert (ahead.heard[0]["isResumed"], ahead.seqs) == (True, [3])


async def test_a_state_that_was_asked_for_before_an_event_is_no_answer_behind_it() -> None:
    answers: list[ChannelState] = [OFF, on(S1)]
    gate = asyncio.Event()

    async def read(ids: Sequence[ChannelId]) -> dict[ChannelId, ChannelState]:
        answer = answers.pop(0)
        await gate.wait()
        return dict.fromkeys(ids, answer)

    room = make()
    rooms: dict[ChannelId, Room] = {A: room}
    states = States(rooms, read, lambda *_: None, lambda *_: None, failures=())
    before = asyncio.create_task(states.of(room))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    states.hear(room, StreamOnline(A, S1, 1))
    behind = asyncio.create_task(states.of(room))
    await asyncio.sleep(0)
    gate.set()
    assert (await before, await behind) == (OFF, on(S1))
