"""One client of the event socket, without a socket."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.session import (
    BURST,
    JOINS_MAX,
    MESSAGES_PER_S,
    REFUSALS_MAX,
    Action,
    Answer,
    ChatSession,
    Close,
    Enter,
    Exit,
)
from schemas.errors import ErrorCode
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
