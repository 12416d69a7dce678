"""What rows an entry comes to."""

import msgspec
import pytest

from chat.entry import Entry, event, head_of_announcement, head_of_message
from chat.keeping.batch import LATENCY_MS, Draft, Unreadable, drafted, picture_at
from chat.store.history import BELIEVED_MS, kept_of
from chat.store.messages import Batch
from schemas.chat import ChatMessage, ReplyTo
from schemas.socket import Announcement, Message
from tests.chat.keeping.logs import ALICE, BOB, NEWS, authored

AT_MS = 1_800_000_000_000


def entry(kind: str, head: bytes, seq: int = 7, at_ms: int = AT_MS) -> Entry:
    return Entry(seq, seq - 1, "e1", at_ms, kind, head)


@pytest.mark.parametrize(
    ("told_ms", "expected_ms"),
    [
        (None, AT_MS - LATENCY_MS),
        (AT_MS, AT_MS),
        (AT_MS - 30_000, AT_MS - 30_000),
        (AT_MS - BELIEVED_MS, AT_MS - BELIEVED_MS),
        (AT_MS - BELIEVED_MS - 1, AT_MS - LATENCY_MS),
        (AT_MS + 1, AT_MS - LATENCY_MS),
        (-(1 << 62), AT_MS - LATENCY_MS),
        (1 << 62, AT_MS - LATENCY_MS),
    ],
)
def test_a_player_is_believed_within_reason(told_ms: int | None, expected_ms: int) -> None:
    assert picture_at(AT_MS, told_ms) == expected_ms


def test_what_is_read_later_is_what_the_socket_sent() -> None:
    reply = ReplyTo("m1", "m0", ALICE, "alice", "Alice", "was machst du? 👋")
    said = authored("m7", BOB, 'grüße "du" \\ 🎉', reply_to=reply, is_action=True, picture_at=AT_MS - 5)
    spoken = entry("message", head_of_message(said))
    (row,) = drafted([(NEWS, spoken)]).messages
    sent = event(spoken)
    assert isinstance(sent, Message)
    assert msgspec.json.decode(kept_of(row).json, type=ChatMessage) == sent.message


def test_an_announcement_keeps_its_colour() -> None:
    spoken = entry("announcement", head_of_announcement(authored("m7", ALICE, "listen"), "orange"))
    (row,) = drafted([(NEWS, spoken)]).messages
    sent = event(spoken)
    assert isinstance(sent, Announcement)
    assert (kept_of(row).announcement, sent.color) == ("orange", "orange")


@pytest.mark.parametrize(
    "bad",
    [
        entry("message", b"{"),
        entry("message", b'{"type":"message","message":{"id":"x"'),
        entry("message", b'{"type":"message","message":{"id":1,"userId":"u"'),
        entry("message", b'{"type":"message","message":{"id":"\xff","userId":"u"'),
        entry("message_deleted", b'{"type":"message_deleted"'),
        entry("user_banned", b'{"userId":null'),
        entry("user_timed_out", b""),
        entry("slow_mode", b"{", at_ms=-1),
        entry("slow_mode", b"{", at_ms=1 << 43),
    ],
)
def test_an_unreadable_entry_leaves_nothing_in_the_batch(bad: Entry) -> None:
    draft = Draft()
    with pytest.raises(Unreadable):
        draft.add(NEWS, bad)
    assert draft.batch() == Batch([], [], [], [], [])


def test_a_batch_reaches_as_far_as_its_last_entry() -> None:
    reached = drafted([(NEWS, entry("slow_mode", b"{", seq)) for seq in (3, 9, 4)]).reached
    assert [(place.channel_id, place.seq) for place in reached] == [(NEWS, 9)]
