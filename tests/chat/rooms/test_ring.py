"""What a ring keeps, finds and hands out."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.entry import Entry, head_of_message
from chat.log.places import Position
from chat.rooms import ring as rings
from chat.rooms.formats import FRAME_PER_EVENT, RoomEvent
from chat.rooms.ring import PART, Ring
from schemas.chat import Authored
from schemas.ids import UserId
from tests.chat.memory import A, frames

START = Position("e", 0)


def event(seq: int, epoch: str = "e", kind: str = "clear_chat", **more: str) -> RoomEvent:
    fields = "".join(f',"{name}":"{value}"' for name, value in more.items())
    return RoomEvent(A, kind, b'{"type":"%s","seq":%d%s}' % (kind.encode(), seq, fields.encode()), seq=seq, epoch=epoch)


def spoken(seq: int, message_id: str) -> RoomEvent:
    message = Authored(message_id, A, UserId("u"), "u", "U", "hello", [], [], "#FFFFFF")
    return RoomEvent.of_entry(A, Entry(seq, seq - 1, "e", 1, "message", head_of_message(message)))


def filled(count: int, base: Position = START) -> Ring:
    ring = Ring(base)
    for seq in range(base.seq + 1, base.seq + 1 + count):
        ring.append(event(seq))
    return ring


def seqs(parts: Sequence[bytes]) -> list[int]:
    return [message["seq"] for part in parts for message in frames(part)]


@given(st.integers(0, 400), st.integers(0, 400))
def test_since_gives_each_event_behind_a_place_once_and_in_order(count: int, after: int) -> None:
    ring = filled(count)
    place = Position("e", after)
    assert ring.knows(place) == (after <= count)
    if after <= count:
        assert seqs(ring.since(place, FRAME_PER_EVENT)) == list(range(after + 1, count + 1))


def test_a_place_of_another_epoch_is_not_known() -> None:
    ring = filled(3)
    ring.append(event(1_000_003, "f"))
    assert not ring.knows(Position("f", 3))
    assert not ring.knows(Position("e", 1_000_003))
    assert seqs(ring.since(Position("e", 3), FRAME_PER_EVENT)) == [1_000_003]


def test_a_number_that_was_never_given_is_not_known() -> None:
    ring = Ring(Position("e", 4))
    ring.append(event(7))
    assert not ring.knows(Position("e", 5))
    assert ring.knows(Position("e", 4))


def test_parts_are_encoded_once_for_all_who_come_back() -> None:
    encoded: list[int] = []

    class Counting:
        def encode(self, events: Sequence[RoomEvent]) -> bytes:
            encoded.append(len(events))
            return FRAME_PER_EVENT.encode(events)

    ring, kind = filled(10 * PART + 5), Counting()
    first = ring.since(Position("e", PART // 2), kind)
    again = ring.since(Position("e", PART // 2 + 1), kind)
    assert encoded == [PART // 2, *[PART] * 9, 5, PART // 2 - 1, 5]
    assert [one is other for one, other in zip(first[1:-1], again[1:-1], strict=True)] == [True] * 9


def test_a_part_is_not_kept_when_its_events_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "EVENTS_MAX", 3 * PART)
    ring = filled(3 * PART)
    ring.since(START, FRAME_PER_EVENT)
    for seq in range(3 * PART + 1, 5 * PART + 1):
        ring.append(event(seq))
    assert (len(ring), ring.base, ring.has_dropped) == (3 * PART, Position("e", 2 * PART), True)
    assert seqs(ring.since(ring.base, FRAME_PER_EVENT)) == list(range(2 * PART + 1, 5 * PART + 1))
    assert len(ring._parts) == 3


def test_a_ring_keeps_so_many_bytes() -> None:
    size = len(event(1).frame)
    ring = Ring(START, bytes_max=10 * size)
    for seq in range(1, 9):
        ring.append(event(seq))
    assert len(ring) == 8
    for seq in range(100, 120):
        ring.append(event(seq))
    assert len(ring) in (8, 9)
    assert ring.end == Position("e", 119)


@given(st.integers(1, 200), st.integers(0, 200))
def test_what_came_before_can_be_put_before(past: int, count: int) -> None:
    ring = filled(count, Position("e", past))
    ring.since(ring.base, FRAME_PER_EVENT)
    ring.prepend([event(seq) for seq in range(1, past + 1)], Position("", 0))
    assert seqs(ring.since(Position("e", 1), FRAME_PER_EVENT)) == list(range(2, past + count + 1))
    assert not ring.knows(Position("e", 0))
    ring.base = Position("e", 0)
    assert seqs(ring.since(Position("e", 0), FRAME_PER_EVENT)) == list(range(1, past + count + 1))


def test_a_past_that_does_not_end_where_the_ring_begins_is_not_taken() -> None:
    ring = filled(3, Position("e", 10))
    ring.prepend([event(8), event(9)], Position("", 7))
    assert (len(ring), ring.base) == (3, Position("e", 10))


def test_the_newest_of_a_long_past_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "EVENTS_MAX", 10)
    ring = filled(4, Position("e", 100))
    ring.prepend([event(seq) for seq in range(1, 101)], Position("", 0))
    assert (len(ring), ring.base, ring.has_dropped) == (10, Position("e", 94), True)
    ring.append(event(105))
    assert seqs(ring.since(Position("e", 95), FRAME_PER_EVENT)) == list(range(96, 106))


def test_messages_are_found_by_id_until_they_are_taken_away() -> None:
    ring = Ring(START)
    ring.append(spoken(1, "m1"))
    ring.append(spoken(2, "m2"))
    found = ring.message("m1")
    assert found is not None
    assert (found.seq, found.message_id) == (1, "m1")
    assert ring.message("m") is None
    ring.append(event(3, kind="message_deleted", messageId="m1"))
    assert ring.message("m1") is None
    assert ring.message("m2") is not None
    ring.append(event(4, kind="user_banned", userId="another"))
    assert ring.message("m2") is not None
    ring.append(event(5, kind="user_timed_out", userId="u"))
    assert ring.message("m2") is None
    ring.append(spoken(6, "m3"))
    assert ring.message("m3") is not None
    ring.append(event(7))
    assert ring.message("m3") is None
