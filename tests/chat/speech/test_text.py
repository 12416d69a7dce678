"""What may be said at all, what is a command, and which texts are the same."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.speech.text import MARKS_MAX, Command, Spoken, check_key, clean, digest, read
from schemas.chat import CONTENT_MAX
from schemas.errors import ApiError, ErrorCode


def refusal(content: str) -> ErrorCode:
    with pytest.raises(ApiError) as caught:
        read(content)
    assert caught.value.body.fields is not None
    assert list(caught.value.body.fields) == ["content"]
    return caught.value.body.code


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hello", Spoken("hello")),
        ("  hello  ", Spoken("hello")),
        ("e\u0301te\u0301", Spoken("été")),
        ("/me waves", Spoken("waves", is_action=True)),
        ("/ME  waves", Spoken("waves", is_action=True)),
        ("/mention", Command("/mention")),
        ("/ban bob spam", Command("/ban bob spam")),
        ("//ban is a command", Spoken("/ban is a command")),
        ("/ not one", Spoken("/ not one")),
        ("/", Spoken("/")),
        ("/1 to 10", Spoken("/1 to 10")),
    ],
)
def test_a_line_is_spoken_an_action_or_a_command(typed: str, meant: Spoken | Command) -> None:
    assert read(typed) == meant


@pytest.mark.parametrize(
    "content",
    [
        "a\x00b", "a\nb", "a\rb", "a\tb", "a\x7fb", "a\x85b",
        "a\u202eb", "a\u202ab", "a\u2066b", "a\u2069b",
        "a\u2028b", "a\ufff9b", "a\ud800b", "a\udfff", "a\uffff", "a\ufdd0",
    ],
)  # fmt: skip
def test_what_moves_or_hides_other_text_is_refused(content: str) -> None:
    assert refusal(content) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("content", ["", "   ", "\u200b", "\u3164 \u3164", "\u2800", "\u0301", "/me", "/me  "])
def test_a_text_must_have_something_to_see(content: str) -> None:
    assert refusal(content) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(
    "content",
    [
        "שלום \u200fעולם",  # marks of direction belong to right-to-left texts
        "می\u200cخواهم",  # a zero-width non-joiner belongs to Persian
        "👨\u200d👩\u200d👧\u200d👦 ❤️ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "क्षत्रिय ที่นี่ Việt",
        "q" + "\u0323" * MARKS_MAX,
    ],
)
def test_every_script_may_be_written(content: str) -> None:
    assert read(content) == Spoken(unicodedata.normalize("NFC", content))


def test_towers_of_marks_are_refused() -> None:
    assert refusal("q" + "\u0323" * (MARKS_MAX + 1)) is ErrorCode.INVALID_REQUEST
    assert clean("\u0323".join("abcdefghijklmnop")) != ""


def test_length_is_counted_in_code_points_of_what_is_left() -> None:
    assert len(clean("  " + "😀" * CONTENT_MAX + "  ")) == CONTENT_MAX
    assert refusal("😀" * (CONTENT_MAX + 1)) is ErrorCode.PAYLOAD_TOO_LARGE
    assert refusal("x" * 100_000) is ErrorCode.PAYLOAD_TOO_LARGE
    # U+0958 is two code points in NFC
    assert refusal("\u0958" * CONTENT_MAX) is ErrorCode.PAYLOAD_TOO_LARGE


def test_what_chat_programs_add_to_say_a_thing_twice_is_taken_off() -> None:
    assert clean("hello \U000e0000") == "hello"
    assert clean("\u200b hello\u3164 ") == "hello"


@settings(deadline=None)
@given(st.text(max_size=CONTENT_MAX + 20))
def test_any_text_is_read_or_refused(content: str) -> None:
    try:
        meant = read(content)
    except ApiError:
        return
    said = meant.content if isinstance(meant, Spoken) else meant.line
    assert said
    assert len(said) <= CONTENT_MAX
    assert said == said.strip()
    assert clean(said) == said


@pytest.mark.parametrize("key", ["a", "~" * 64, "3f2504e0-4f89-11d3"])
def test_a_key_is_visible_ascii(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "ä", "a\n", "a\x00"])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_key(key)
    assert caught.value.body.fields is not None
    assert "idempotencyKey" in caught.value.body.fields


def test_texts_that_read_the_same_have_one_digest() -> None:
    same = ["Buy  now", "buy now", "BUY\u200b NOW", "ｂｕｙ now", "buy\ufe0f now\U000e0000", "bu\u00ady now"]
    assert len({digest(text) for text in same}) == 1
    assert digest("buy now") != digest("buy not")
    assert digest("é") != digest("e")
