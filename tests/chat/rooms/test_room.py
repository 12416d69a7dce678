"""A room's members and the order of what they get."""

from chat.log.places import Position
from chat.people import Identity
from chat.rooms.formats import FRAME_PER_TICK, RoomEvent
from chat.rooms.past import Past
from chat.rooms.ring import Ring
from chat.rooms.room import WAITING_MAX, Room, Visit
from chat.rooms.tail import Tail
from schemas.chat import ChatSettings
from schemas.ids import UserId
from schemas.socket import Joined, ViewerCount
from tests.chat.memory import NOBODY, A, Ear, MemoryLog, identity

START = Position("e1", 10)


async def _nothing(_channel: object) -> None:
    pass


def make(base: Position = START) -> Room:
    log, ring = MemoryLog(), Ring(base)
    tail = Tail(
        A,
        log,
        subscribe=_nothing,
        on_open=ring.clear,
        on_entry=lambda _: None,
        on_reset=lambda _: None,
        on_gap=lambda: None,
        trouble=lambda *_: None,
    )
    return Room(A, tail, Past(A, ring, log), ring)


def logged(seq: int, epoch: str = "e1") -> RoomEvent:
    return RoomEvent(A, "clear_chat", b'{"type":"clear_chat","seq":%d}' % seq, seq=seq, epoch=epoch)


def state(count: int) -> RoomEvent:
    return RoomEvent.of_state(ViewerCount(A, count))


def admit(room: Room, ear: Ear, place: Position | None = None, who: Identity | None = None) -> None:
    end = room.ring.end
    joined = Joined(
        channel_id=A,
        is_live=False,
        session_id=None,
        started_at=None,
        viewer_count=0,
        epoch=end.epoch,
        last_seq=end.seq,
        is_resumed=place is not None and room.ring.knows(place),
        settings=ChatSettings(),
        you=NOBODY,
    )
    assert room.admit(ear, Visit(who, place=place), joined)


def flush(room: Room) -> None:
    events = room.take()
    for kind, group in room.members().items():
        for member in group:
            member.send(kind.encode(events))


def happen(room: Room, *events: RoomEvent) -> None:
    for event in events:
        room.add(event)
    flush(room)


def test_states_between_enter_and_admit_come_behind_joined() -> None:
    room, ear = make(), Ear()
    room.enter(ear)
    happen(room, state(1))
    assert ear.written == []
    admit(room, ear)
    happen(room, state(2))
    assert [message.get("count") for message in ear.heard] == [None, 1, 2]


def test_what_was_taken_before_the_admission_is_history_and_what_is_pending_follows() -> None:
    room, ear = make(), Ear()
    room.enter(ear)
    happen(room, logged(11))
    room.add(logged(12))
    admit(room, ear)
    flush(room)
    assert (ear.heard[0]["lastSeq"], ear.seqs) == (11, [12])


def test_who_comes_back_gets_what_was_missed_once_and_then_what_is_pending() -> None:
    room, ear = make(), Ear()
    happen(room, *(logged(seq) for seq in range(11, 211)))
    room.add(logged(211))
    room.enter(ear)
    admit(room, ear, Position("e1", 100))
    flush(room)
    assert ear.heard[0]["isResumed"] is True
    assert ear.seqs == list(range(101, 212))


def test_who_has_seen_all_is_resumed_with_nothing() -> None:
    room, ear = make(), Ear()
    room.enter(ear)
    admit(room, ear, START)
    assert (ear.types, ear.heard[0]["isResumed"]) == (["joined"], True)


def test_who_cannot_be_continued_is_told_to_load_history() -> None:
    for place in (Position("e0", 10), Position("e1", 9), Position("e1", 99)):
        room, ear = make(), Ear()
        room.enter(ear)
        admit(room, ear, place)
        assert (ear.types, ear.heard[0]["isResumed"]) == (["joined", "reset"], False)
        assert (ear.heard[1]["epoch"], ear.heard[1]["lastSeq"]) == ("e1", 10)


def test_a_reset_comes_in_its_order_and_the_past_before_it_is_gone() -> None:
    room, ear, late = make(), Ear(), Ear(FRAME_PER_TICK)
    room.enter(ear)
    admit(room, ear)
    room.add(logged(11))
    room.reset(Position("e2", 1_000_011))
    room.add(logged(1_000_012, "e2"))
    flush(room)
    assert ear.types == ["joined", "clear_chat", "reset", "clear_chat"]
    room.enter(late)
    admit(room, late, Position("e2", 1_000_011))
    assert [event["seq"] for event in late.heard[1]] == [1_000_012]
    assert not room.ring.knows(Position("e1", 11))


def test_a_member_that_left_while_waiting_is_not_admitted() -> None:
    room, ear = make(), Ear()
    room.enter(ear)
    room.leave(ear)
    joined = Joined(
        channel_id=A,
        is_live=False,
        session_id=None,
        started_at=None,
        viewer_count=0,
        epoch="",
        last_seq=0,
        is_resumed=False,
        settings=ChatSettings(),
        you=NOBODY,
    )
    assert not room.admit(ear, Visit(), joined)
    happen(room, state(1))
    assert (ear.written, room.is_empty) == ([], True)


def test_joining_again_orders_events_behind_the_new_joined() -> None:
    room, ear = make(), Ear()
    room.enter(ear)
    admit(room, ear)
    room.enter(ear)
    happen(room, state(1))
    admit(room, ear)
    assert ear.types == ["joined", "joined", "viewer_count"]


def test_a_room_is_empty_when_all_have_left() -> None:
    room, ears = make(), [Ear(), Ear(FRAME_PER_TICK, user="u")]
    for ear in ears:
        room.enter(ear)
        admit(room, ear)
    assert (room.count, room.users()) == (2, {UserId("u")})
    room.leave(ears[0])
    assert not room.is_empty
    room.leave(ears[1])
    room.leave(ears[1])
    assert room.is_empty


def test_what_waits_is_bounded_and_ends_with_the_newest() -> None:
    room, ear = make(), Ear()
    room.enter(ear)
    happen(room, *(state(number) for number in range(WAITING_MAX + 10)))
    admit(room, ear)
    counts = [message["count"] for message in ear.heard[1:]]
    assert counts == list(range(10, WAITING_MAX + 10))


def test_who_moderates_follows_the_roles_except_for_those_who_always_do() -> None:
    room, owner, helper, viewer = make(), Ear(user="o"), Ear(user="h"), Ear(user="v")
    program = Ear(user="h")
    for ear in (owner, helper, viewer):
        room.enter(ear)
        admit(room, ear, who=identity(str(ear.user_id)))
    room.enter(program)
    admit(room, program, who=identity("h", frozenset({"chat:read"})))
    room.appoint(owner, is_fixed=True)
    room.change_role(UserId("h"), "moderator")
    assert set(room.moderators_and(None)) == {owner, helper}
    assert set(room.moderators_and(UserId("v"))) == {owner, helper, viewer}
    room.change_role(UserId("h"), "vip")
    room.change_role(UserId("o"), "viewer")
    assert room.moderators_and(None) == [owner]
    room.leave(owner)
    assert room.moderators_and(None) == []
