"""chat/log/entries.py, chat/log/recall.py and the texts of chat/log/answers.py, without a Redis."""

import pytest

from chat.entry import Entry
from chat.log import modes_of
from chat.log.answers import TEXTS, spoken
from chat.log.entries import entry_of, fields_of, published
from schemas.chat import ChatSettings
from schemas.errors import ApiError, ErrorCode
from tests.chat.log.material import line

ENTRY = Entry(1_000_002, 1, "aB-_9", 1_700_000_000_000, "message", b'{"a":"b c\n\xc3\xa9')


def test_an_entry_survives_the_stream() -> None:
    assert entry_of(b"1000002-0", fields_of(ENTRY)) == ENTRY


def test_an_entry_survives_publishing() -> None:
    assert published(b'1000002 1 aB-_9 1700000000000 message {"a":"b c\n\xc3\xa9') == ENTRY


@pytest.mark.parametrize("data", [b"", b"1 2 3", b"x 1 e 1 message {", b"1 1 e \xff message {"])
def test_what_is_no_entry_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (each part has its own words)
        published(data)


def test_modes_are_numbers_by_the_names_of_the_settings() -> None:
    modes = modes_of(ChatSettings(slow_mode=5, unique_chat=True, blocked_terms=["x"]), 3)
    assert modes == {
        "slow_mode": 5,
        "subscriber_only": 0,
        "follower_only": 0,
        "follower_minutes": 0,
        "emote_only": 0,
        "unique_chat": 1,
        "account_age_minutes": 0,
        "version": 3,
    }


@pytest.mark.parametrize("code", TEXTS)
def test_each_refusal_says_something(code: ErrorCode) -> None:
    with pytest.raises(ApiError) as error:
        spoken(line("a"), [b"refused", code.encode(), 5])
    assert (error.value.body.code, error.value.body.retry_after_ms) == (code, 5)
    assert error.value.body.message
