"""One client of the event socket, without a socket."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.sockets.session import (
    BURST,
    JOINS_MAX,
    MESSAGE_MAX,
    MESSAGES_PER_S,
    REFUSALS_MAX,
    SAYS_MAX,
    Action,
    Answer,
    ChatSession,
    Close,
    Enter,
    Exit,
    Say,
)
from schemas.errors import ErrorBody, ErrorCode
from schemas.ids import ChannelId
from schemas.socket import Pong, SocketError

A, B = ChannelId("a"), ChannelId("b")


def make(*, is_signed_in: bool = False) -> ChatSession:
    return ChatSession(is_signed_in=is_signed_in, now=0.0)


def join(channel: str, **more: object) -> bytes:
    return msgspec.json.encode({"type": "join", "channelId": channel, **more})


def refusal(actions: list[Action]) -> SocketError:
    (action,) = actions
    assert isinstance(action, Answer)
    assert isinstance(action.message, SocketError)
    return action.message


def test_ping_is_answered() -> None:
    assert make().receive('{"type":"ping"}', 0.0) == [Answer(Pong())]


def test_a_join_enters_the_channel() -> None:
    session = make()
    assert session.receive(join("a"), 0.0) == [Enter(A)]
    assert session.channels == {A}


def test_a_second_join_leaves_the_first_channel() -> None:
    session = make()
    session.receive(join("a"), 0.0)
    assert session.receive(join("b"), 0.0) == [Exit(A), Enter(B)]
    assert session.channels == {B}


def test_a_multi_join_leaves_nothing() -> None:
    session = make()
    session.receive(join("a"), 0.0)
    assert session.receive(join("b", multi=True), 0.0) == [Enter(B)]
    assert session.channels == {A, B}


def test_joining_again_tells_the_state_again() -> None:
    session = make()
    session.receive(join("a"), 0.0)
    assert session.receive(join("a"), 0.0) == [Enter(A)]
    assert session.channels == {A}


def test_a_socket_joins_so_many_channels_and_no_more() -> None:
    session = make()
    for number in range(JOINS_MAX):
        assert session.receive(join(f"c{number}", multi=True), 0.0) == [Enter(ChannelId(f"c{number}"))]
    assert refusal(session.receive(join("one_more", multi=True), 0.0)).code is ErrorCode.INVALID_REQUEST
    assert session.receive(join("c0", multi=True), 0.0) == [Enter(ChannelId("c0"))]
    assert len(session.channels) == JOINS_MAX


def test_a_refused_join_makes_room() -> None:
    session = make()
    session.receive(join("a"), 0.0)
    session.refused(A)
    assert session.channels == set()


def test_leaving_works_once_and_only_for_what_was_joined() -> None:
    session = make()
    session.receive(join("a"), 0.0)
    assert session.receive('{"type":"leave","channelId":"b"}', 0.0) == []
    assert session.channels == {A}
    assert session.receive('{"type":"leave","channelId":"a"}', 0.0) == [Exit(A)]
    assert session.receive('{"type":"leave","channelId":"a"}', 0.0) == []


@pytest.mark.parametrize("text", ["", "{", "nonsense", b"\xff", "[" * 4_000])
def test_what_is_no_json_is_a_parse_error(text: str | bytes) -> None:
    assert refusal(make().receive(text, 0.0)).code in {ErrorCode.PARSE_ERROR, ErrorCode.INVALID_REQUEST}


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '{"type":"dance"}',
        '{"type":"join"}',
        '{"type":"join","channelId":1}',
        '{"type":"join","channelId":"a","lastSeq":"x"}',
        '{"type":"ping","more":1}',
    ],
)
def test_other_messages_are_invalid(text: str) -> None:
    assert refusal(make().receive(text, 0.0)).code is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("channel", ["", "x" * 65, "a\u0000", "a\n", "A", "a b"])
def test_a_name_that_can_be_no_channel_is_not_looked_up(channel: str) -> None:
    session = make()
    assert refusal(session.receive(join(channel), 0.0)).code is ErrorCode.NOT_FOUND
    assert session.channels == set()


def test_too_many_messages_are_refused_with_the_time_to_wait() -> None:
    session = make()
    for _ in range(BURST):
        assert session.receive('{"type":"ping"}', 0.0) == [Answer(Pong())]
    error = refusal(session.receive('{"type":"ping"}', 0.0))
    assert (error.code, error.retry_after_ms) == (ErrorCode.RATE_LIMITED, 1000 // MESSAGES_PER_S)
    assert session.receive('{"type":"ping"}', 1.0 / MESSAGES_PER_S) == [Answer(Pong())]


def test_the_allowed_rate_can_be_kept_up_for_ever() -> None:
    session = make()
    for number in range(500):
        assert session.receive('{"type":"ping"}', number / MESSAGES_PER_S) == [Answer(Pong())]


def test_who_does_not_stop_is_closed() -> None:
    session = make()
    for _ in range(BURST + REFUSALS_MAX):
        session.receive('{"type":"ping"}', 0.0)
    assert session.receive('{"type":"ping"}', 0.0) == [Close(1008, "too many messages")]


def test_a_clock_that_jumps_back_gives_nothing() -> None:
    session = make()
    for _ in range(BURST):
        session.receive('{"type":"ping"}', 100.0)
    assert refusal(session.receive('{"type":"ping"}', 50.0)).code is ErrorCode.RATE_LIMITED


@given(st.lists(st.one_of(st.text(), st.binary())))
def test_any_input_gives_actions(messages: list[str | bytes]) -> None:
    session = make()
    for message in messages:
        assert isinstance(session.receive(message, 0.0), list)


# --- messages ---


def message(channel: str = "a", key: str = "k", **more: object) -> bytes:
    fields = {"type": "message", "channelId": channel, "content": "hello", "idempotencyKey": key, **more}
    return msgspec.json.encode(fields)


def joined() -> ChatSession:
    session = make(is_signed_in=True)
    session.receive(join("a"), 0.0)
    return session


def test_a_message_is_to_be_said() -> None:
    (action,) = joined().receive(message(replyTo="m", pictureAt=5), 0.0)
    assert isinstance(action, Say)
    said = action.message
    assert (said.channel_id, said.content, said.idempotency_key, said.reply_to, said.picture_at) == (
        "a",
        "hello",
        "k",
        "m",
        5,
    )


def test_a_message_to_a_channel_that_was_not_joined_is_forbidden() -> None:
    session = joined()
    error = refusal(session.receive(message("b"), 0.0))
    assert (error.code, error.channel_id, error.idempotency_key) == (ErrorCode.FORBIDDEN, "b", "k")
    session.refused(A)
    assert refusal(session.receive(message("a"), 0.0)).code is ErrorCode.FORBIDDEN


def test_who_is_not_signed_in_is_told_to() -> None:
    session = make()
    session.receive(join("a"), 0.0)
    assert refusal(session.receive(message(), 0.0)).code is ErrorCode.UNAUTHORIZED


def test_so_many_messages_wait_for_their_answers() -> None:
    session = joined()
    says = [session.receive(message(key=str(number)), 0.0)[0] for number in range(SAYS_MAX)]
    error = refusal(session.receive(message(key="more"), 0.0))
    assert (error.code, error.idempotency_key) == (ErrorCode.RATE_LIMITED, "more")
    assert error.retry_after_ms
    assert isinstance(says[0], Say)
    assert session.answered(says[0].message, None) == []
    assert isinstance(session.receive(message(key="again"), 0.0)[0], Say)


def test_the_refusal_of_a_message_names_it() -> None:
    session = joined()
    (say,) = session.receive(message(key="k7"), 0.0)
    assert isinstance(say, Say)
    error = refusal(session.answered(say.message, ErrorBody(ErrorCode.SLOW_MODE, "Slow.", retry_after_ms=900)))
    assert error == SocketError(ErrorCode.SLOW_MODE, "Slow.", 900, A, "k7")


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        (message(content=1), ErrorCode.INVALID_REQUEST, "k"),
        (message(more=1), ErrorCode.INVALID_REQUEST, "k"),
        (message(content="x" * MESSAGE_MAX), ErrorCode.PAYLOAD_TOO_LARGE, "k"),
        (message(content="\u20ac" * (MESSAGE_MAX // 3)).decode(), ErrorCode.PAYLOAD_TOO_LARGE, "k"),
        (message(key="not printable \n", more=1), ErrorCode.INVALID_REQUEST, None),
        (message(key="k" * 65, more=1), ErrorCode.INVALID_REQUEST, None),
        (b'{"type":"message","idempotencyKey":["k"]}', ErrorCode.INVALID_REQUEST, None),
        (b'{"idempotencyKey":"k"', ErrorCode.PARSE_ERROR, None),
        (b'{"type":"dance","idempotencyKey":"k"}', ErrorCode.INVALID_REQUEST, "k"),
    ],
)
def test_a_bad_message_is_answered_under_its_key_where_that_can_be_told(
    text: str | bytes, code: ErrorCode, key: str | None
) -> None:
    error = refusal(joined().receive(text, 0.0))
    assert (error.code, error.idempotency_key) == (code, key)


def test_a_message_as_long_as_allowed_is_taken() -> None:
    spare = MESSAGE_MAX - len(message(content=""))
    assert isinstance(joined().receive(message(content="x" * spare), 0.0)[0], Say)
    assert isinstance(joined().receive(message(content="x" * (spare + 1)), 0.0)[0], Answer)


def test_too_many_messages_are_refused_under_their_keys() -> None:
    session = joined()
    for _ in range(BURST - 1):
        session.receive('{"type":"ping"}', 0.0)
    error = refusal(session.receive(message(key="late"), 0.0))
    assert (error.code, error.idempotency_key) == (ErrorCode.RATE_LIMITED, "late")


def test_binary_messages_are_refused() -> None:
    assert refusal(make().receive_binary(0.0)).code is ErrorCode.INVALID_REQUEST


def test_pings_are_answered_as_often_as_messages() -> None:
    session = make()
    for _ in range(BURST):
        assert session.receive_ping(0.0) == []
    for _ in range(REFUSALS_MAX):
        assert refusal(session.receive_ping(0.0)).code is ErrorCode.RATE_LIMITED
    assert session.receive_ping(0.0) == [Close(1008, "too many messages")]


@pytest.mark.parametrize("text", [b"{", b'{"type":"dance"}', message("b"), join("A"), b"x" * 5_000])
def test_who_sends_nothing_but_what_is_refused_is_closed(text: bytes) -> None:
    session = joined()
    for number in range(REFUSALS_MAX):
        assert isinstance(session.receive(text, number * 1.0)[0], Answer)
    assert session.receive(text, 1e6) == [Close(1008, "too many messages")]


def test_refusals_in_a_row_end_with_something_good() -> None:
    session = joined()
    for number in range(3 * REFUSALS_MAX):
        session.receive(b"{" if number % REFUSALS_MAX else b'{"type":"ping"}', number * 1.0)
    assert isinstance(session.receive(b"{", 1e6)[0], Answer)


def test_a_join_says_what_was_seen_and_how_it_was_opened() -> None:
    assert make().receive(join("a", lastSeq=5, epoch="e", key="secret"), 0.0) == [Enter(A, (5, "e"), "secret")]
    assert make().receive(join("a", lastSeq=0, epoch="e"), 0.0) == [Enter(A, (0, "e"))]
    assert make().receive(join("a", epoch="e"), 0.0) == [Enter(A)]
    for more in ({"lastSeq": -1, "epoch": "e"}, {"lastSeq": 5, "epoch": "e" * 65}, {"lastSeq": 5}):
        (action,) = make().receive(join("a", **more), 0.0)
        assert isinstance(action, Enter)
        assert action.place is not None
        assert action.place[1] == ""
    assert refusal(make().receive(join("a", key="k" * 101), 0.0)).code is ErrorCode.INVALID_REQUEST
