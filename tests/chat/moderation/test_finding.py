"""Messages in a log's last entries, which the database may not have yet."""

from chat.entry import Entry, head, head_of_message
from chat.moderation.finding import find_in
from schemas.chat import Authored
from schemas.ids import ChannelId, UserId

HOME = ChannelId("home")


def said(seq: int, message_id: str, user: str = "u1") -> Entry:
    message = Authored(message_id, HOME, UserId(user), user, user, "hi", [], [], "#FFFFFF")
    return Entry(seq, seq - 1, "e", seq, "message", head_of_message(message))


def done(seq: int, kind: str, **fields: object) -> Entry:
    return Entry(seq, seq - 1, "e", seq, kind, head(kind, HOME, **fields))


def banned(seq: int, user: str) -> Entry:
    return done(seq, "user_banned", userId=user, username=user)


def test_a_message_is_found_with_its_place() -> None:
    found = find_in([said(1, "m1"), said(2, "m2"), said(3, "m3")], "m2")
    assert found is not None
    assert (found.id, found.seq) == ("m2", 2)


def test_what_was_taken_away_is_not_found() -> None:
    deleted = done(3, "message_deleted", messageId="m1", userId="u1", username="u1")
    for entry in (deleted, banned(3, "u1"), done(3, "clear_chat")):
        assert find_in([said(1, "m1"), said(2, "m2", "u2"), entry], "m1") is None
    assert find_in([said(1, "m1"), said(2, "m2", "u2"), deleted, banned(4, "u3")], "m2") is not None


def test_what_was_said_after_it_was_cleared_is_found() -> None:
    assert find_in([done(1, "clear_chat"), banned(2, "u1"), said(3, "m1")], "m1") is not None


def test_an_id_in_a_text_is_no_message() -> None:
    message = Authored("m1", HOME, UserId("u1"), "u1", "u1", "look at m2", [], [], "#FFFFFF")
    assert find_in([Entry(1, 0, "e", 1, "message", head_of_message(message))], "m2") is None


def test_entries_of_newer_versions_are_passed_over() -> None:
    strange = Entry(2, 1, "e", 2, "confetti", b'{"type":"confetti"')
    broken = Entry(1, 0, "e", 1, "message", b'{"type":"message","message":{"id":"m1"')
    assert find_in([broken, strange], "m1") is None
    assert find_in([said(1, "m1"), strange], "m1") is not None
