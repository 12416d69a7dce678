"""What one event looks like to clients of each kind."""

import msgspec
import pytest

from chat.entry import Entry, head, head_of_announcement, head_of_message
from chat.rooms.formats import FRAME_PER_EVENT, FRAME_PER_TICK, RoomEvent
from schemas.chat import Authored
from schemas.ids import UserId
from schemas.socket import Announcement, ClearChat, EmotesChanged, Message, Pong, Reset, ViewerCount
from tests.chat.memory import A, frames

SAID = Authored("m1", A, UserId("u1"), "u", 'U "userId":"x"', 'an "id":"fake"', [], [], "#FFFFFF")


def entry(kind: str, content: bytes) -> RoomEvent:
    return RoomEvent.of_entry(A, Entry(7, 6, "e", 5, kind, content))


def test_an_entry_has_its_place_in_every_format() -> None:
    event = entry("clear_chat", head("clear_chat", A, moderator="m"))
    expected = {"type": "clear_chat", "channelId": "a", "moderator": "m", "timestamp": 5, "seq": 7, "epoch": "e"}
    assert frames(FRAME_PER_EVENT.encode([event, event])) == [expected, expected]
    assert frames(FRAME_PER_TICK.encode([event, event])) == [[expected, expected]]
    assert event.event == ClearChat(channel_id=A, timestamp=5, seq=7, epoch="e", moderator="m")


def test_messages_and_announcements_tell_their_id_and_author() -> None:
    for event, kind in (
        (entry("message", head_of_message(SAID)), Message),
        (entry("announcement", head_of_announcement(SAID, "blue")), Announcement),
    ):
        assert (event.message_id, event.author_id) == ("m1", "u1")
        assert isinstance(event.event, kind)
        assert event.event is event.event
    assert entry("clear_chat", head("clear_chat", A)).message_id == ""


@pytest.mark.parametrize("state", [ViewerCount(A, 3, 2), EmotesChanged(A), Reset(A, "e", 5)])
def test_states_have_no_place(state: ViewerCount | EmotesChanged | Reset) -> None:
    event = RoomEvent.of_state(state)
    assert (event.seq, event.event, event.kind) == (0, state, msgspec.to_builtins(state)["type"])
    assert frames(event.frame) == [msgspec.to_builtins(state)]


def test_answers_are_written_as_events_are() -> None:
    assert frames(FRAME_PER_EVENT.answer(Pong())) == [{"type": "pong"}]
    assert frames(FRAME_PER_TICK.answer(Pong())) == [[{"type": "pong"}]]


def test_an_unknown_kind_is_passed_on_to_who_asks_for_json_only() -> None:
    event = entry("confetti", head("confetti", A))
    assert frames(event.frame)[0]["type"] == "confetti"
    with pytest.raises(msgspec.ValidationError):
        _ = event.event
