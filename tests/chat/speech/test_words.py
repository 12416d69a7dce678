"""Who is named in a text, and whether it leads elsewhere."""

import time

import pytest

from chat.speech.words import MENTIONS_MAX, NAMES_MAX, Named, Word, has_link, named, words
from schemas.chat import CONTENT_MAX


def test_names_are_found_where_they_stand() -> None:
    assert named("@Anna and 😀 @bob_1!") == [Named("anna", 0, 5), Named("bob_1", 12, 18)]


@pytest.mark.parametrize("content", ["a@anna.com", "@an", "@@anna", "@anna_with_a_name_too_long_x", "@añna", ".@anna"])
def test_not_every_at_is_a_name(content: str) -> None:
    assert named(content) == []


def test_only_so_many_names_are_looked_up_but_each_wherever_it_stands() -> None:
    content = " ".join(f"@name{n}" for n in range(NAMES_MAX + 3)) + " @name0"
    found = named(content)
    assert len({one.username for one in found}) == NAMES_MAX
    assert found[-1].username == "name0"
    assert len(named("@anna " * 80)) == MENTIONS_MAX


def test_words_have_their_places_in_code_points() -> None:
    assert words("😀😀 hi\u3000you") == [Word("😀😀", 0, 2), Word("hi", 3, 5), Word("you", 6, 9)]


@pytest.mark.parametrize(
    "content",
    [
        "https://x", "HTTP://EXAMPLE.COM/a?b", "ftp://x", "steam://run", "example.com", "see:example.com,then",
        "(example.com)", "www.whatever", "sub.domain.example.co.uk/path", "example。com", "ｅｘａｍｐｌｅ．ｃｏｍ",
        "exam\u200bple.com", "1.2.3.4", "1.2.3.4:8080", "user@example.com", "mailto:me@example.org", "twitch.tv",
        "bücher.de", "example﹒com", "xn--bcher-kva.xn--p1ai", "example.com.", "go to example.com!",
    ],
)  # fmt: skip
def test_addresses_are_found(content: str) -> None:
    assert has_link(content)


@pytest.mark.parametrize(
    "content",
    ["hello", "wait.what", "ok...no", "i.e. this", "e.g. that", "v1.2.3", "1.2.3", "300.1.1.1", "3.14", "@anna", "x://",
     "://", "a.b", ".com", "...", "12:30", "-.com"],
)  # fmt: skip
def test_other_dots_are_not(content: str) -> None:
    assert not has_link(content)


@pytest.mark.parametrize(
    "content", ["a." * 250, "@" * 500, "a-" * 250, "://" * 166, ":" * 500, "www." * 125, "@a" * 250]
)
def test_nothing_that_is_typed_takes_long(content: str) -> None:
    assert len(content) <= CONTENT_MAX
    started = time.process_time()
    for _ in range(20):
        named(content)
        has_link(content)
    assert time.process_time() - started < 2
