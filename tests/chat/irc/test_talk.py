"""What IRC clients type."""

import pytest

from chat.irc import notices
from chat.irc.talk import as_typed
from schemas.errors import ErrorBody, ErrorCode


@pytest.mark.parametrize(
    ("content", "typed", "command"),
    [
        ("hello", "hello", ""),
        ("/timeout bob 60", "/timeout bob 60", "timeout"),
        (".timeout bob 60", "/timeout bob 60", "timeout"),
        (".MODS", "/MODS", "mods"),
        ("...", "...", ""),
        (".5 l", ".5 l", ""),
        ("/me waves", "/me waves", ""),
        (".me waves", "/me waves", ""),
        ("//shrug", "//shrug", ""),
        ("/dance", "/dance", "dance"),
    ],
)
def test_commands_begin_with_a_slash_or_a_dot(content: str, typed: str, command: str) -> None:
    assert as_typed(content) == (typed, command)


@pytest.mark.parametrize(
    ("code", "command", "message_id"),
    [
        (ErrorCode.TIMED_OUT, "", "msg_timedout"),
        (ErrorCode.BANNED, "", "msg_banned"),
        (ErrorCode.SLOW_MODE, "", "msg_slowmode"),
        (ErrorCode.INTERNAL_ERROR, "", "msg_rejected"),
        (ErrorCode.FORBIDDEN, "ban", "no_permission"),
        (ErrorCode.INVALID_REQUEST, "ban", "usage_ban"),
        (ErrorCode.INVALID_REQUEST, "dance", "unrecognized_cmd"),
        (ErrorCode.NOT_FOUND, "ban", "invalid_user"),
    ],
)
def test_refusals_have_the_ids_that_libraries_know(code: ErrorCode, command: str, message_id: str) -> None:
    assert notices.refusal(ErrorBody(code, ""), command) == message_id
