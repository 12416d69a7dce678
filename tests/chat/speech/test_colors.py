"""The colours of names."""

import re

from chat.people import Person
from chat.speech.colors import PALETTE, color_of
from schemas.chat import COLOR_PATTERN
from schemas.ids import UserId


def person(id_: str, color: str = "") -> Person:
    return Person(UserId(id_), "anna", "Anna", color, 0)


def test_a_chosen_colour_is_taken() -> None:
    assert color_of(person("a", "#123456")) == "#123456"


def test_others_have_one_that_follows_from_the_id() -> None:
    colors = {color_of(person(f"user{n}")) for n in range(500)}
    assert colors == set(PALETTE)
    assert color_of(person("user7")) == color_of(person("user7"))


def test_all_are_colours() -> None:
    assert all(re.match(COLOR_PATTERN, color) for color in PALETTE)
