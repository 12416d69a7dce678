"""The one-pass matcher, against regular expressions that say the same slowly."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.moderation.terms import Terms, is_of_word


def expression(term: str) -> re.Pattern[str]:
    """What a term means: `*` is anything without spaces, and lifts the edge at its end."""
    body = r"\S*".join(re.escape(piece) for piece in re.split(r"\*+", term))
    before, after = (
        "" if term.startswith("*") else _edge_before(term[0]),
        "" if term.endswith("*") else _edge_after(term[-1]),
    )
    return re.compile(before + body + after)


def _edge_before(first: str) -> str:
    return r"(?<![a-z0-9])" if is_of_word(first) else ""


def _edge_after(last: str) -> str:
    return r"(?![a-z0-9])" if is_of_word(last) else ""


WORDS = st.text("ab -*", min_size=1, max_size=8).filter(lambda term: term.replace("*", "").strip())


@given(st.lists(WORDS, min_size=1, max_size=4), st.text("ab -", max_size=24))
def test_finds_what_regular_expressions_find(terms: list[str], text: str) -> None:
    terms = [re.sub(r"\s+", " ", term).strip() for term in terms]
    text = re.sub(r"\s+", " ", text).strip()
    expected = any(expression(term).search(text) for term in terms)
    assert Terms(terms).found_in(text) is expected


@pytest.mark.parametrize(
    ("term", "found", "not_found"),
    [
        ("bad", ["bad", "so bad!", "bad, really", "(bad)", "bad_word"], ["badly", "abad", "b ad", "ba"]),
        ("bad*", ["bad", "badly", "a badword"], ["abad", "notbad"]),
        ("*bad", ["bad", "notbad"], ["badly"]),
        ("*bad*", ["bad", "notbadly"], ["ba d"]),
        ("b*d", ["bd", "bad", "b--d"], ["b d", "bad1", "abd"]),
        ("buy * now", ["buy followers now", "buy all-of-it now"], ["buy now", "buy the followers now", "rebuy it now"]),
        ("free*skins", ["freeskins", "free-csgo-skins"], ["free skins"]),
        (":)", [":)", "x:)", ":):"], [":", ")"]),
        ("c++", ["c++", "c++!"], ["c+", "cc++"]),
        ("🍆", ["🍆", "a🍆b"], ["🍑"]),
        ("垃圾", ["这是垃圾话"], ["垃 圾"]),
        ("바보", ["이바보야"], ["바 보"]),
    ],
)
def test_what_a_term_means(term: str, found: list[str], not_found: list[str]) -> None:
    terms = Terms([term])
    assert [text for text in found if not terms.found_in(text)] == []
    assert [text for text in not_found if terms.found_in(text)] == []


def test_one_of_many_is_enough_and_none_is_found_in_another() -> None:
    terms = Terms(["ab", "cd", "bc*"])
    assert terms.found_in("x cd")
    assert not terms.found_in("a b c d")
    assert not terms.found_in("abbc")
    assert not terms.found_in("abc d")  # the end of one term and the beginning of the next one


@pytest.mark.parametrize("term", ["", "*", "***"])
def test_a_term_without_letters_finds_nothing(term: str) -> None:
    assert not Terms([term])
    assert not Terms([term]).found_in("anything * at all")


def test_the_worst_that_moderators_and_chatters_can_do_takes_no_time() -> None:
    """Backtracking would not end here before the sun does; CPU seconds, and far from the bound."""
    terms = Terms(f"*{'a*' * 45}{number}" for number in range(500))
    started = time.process_time()
    assert not terms.found_in("a" * 500)
    assert time.process_time() - started < 2.0
