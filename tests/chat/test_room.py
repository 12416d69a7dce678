"""A room's members and the order of what they get."""

from chat.room import WAITING_MAX, Room
from schemas.ids import ChannelId


class Ear:
    """A member that remembers."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.heard.append(frame)


def test_events_between_enter_and_admit_come_behind_joined() -> None:
    room, ear = Room(ChannelId("a")), Ear()
    room.enter(ear)
    room.broadcast(b"1")
    assert ear.heard == []
    room.admit(ear, b"joined")
    room.broadcast(b"2")
    assert ear.heard == [b"joined", b"1", b"2"]


def test_a_member_that_left_while_waiting_is_not_admitted() -> None:
    room, ear = Room(ChannelId("a")), Ear()
    room.enter(ear)
    room.leave(ear)
    room.admit(ear, b"joined")
    room.broadcast(b"1")
    assert ear.heard == []
    assert room.is_empty


def test_joining_again_orders_events_behind_the_new_joined() -> None:
    room, ear = Room(ChannelId("a")), Ear()
    room.enter(ear)
    room.admit(ear, b"joined")
    room.enter(ear)
    room.broadcast(b"1")
    room.admit(ear, b"joined again")
    assert ear.heard == [b"joined", b"joined again", b"1"]


def test_a_room_is_empty_when_all_have_left() -> None:
    room, ears = Room(ChannelId("a")), [Ear(), Ear()]
    for ear in ears:
        room.enter(ear)
        room.admit(ear, b"")
    room.leave(ears[0])
    assert not room.is_empty
    room.leave(ears[1])
    room.leave(ears[1])
    assert room.is_empty


def test_what_waits_is_bounded_and_ends_with_the_newest() -> None:
    room, ear = Room(ChannelId("a")), Ear()
    room.enter(ear)
    for number in range(WAITING_MAX + 10):
        room.broadcast(b"%d" % number)
    room.admit(ear, b"joined")
    assert len(ear.heard) == WAITING_MAX + 1
    assert (ear.heard[1], ear.heard[-1]) == (b"10", b"%d" % (WAITING_MAX + 9))
