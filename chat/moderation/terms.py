"""Finds any of many terms in a text, in one pass that takes the same time whatever is typed.

A term is found as whole words; `*` stands for any characters without white space, so that `bad*` also finds "badly",
and at an end it lifts the demand for whole words there. Bit-parallel matching after Baeza-Yates and Gonnet
("shift-and"), with the wildcards of Navarro and Raffinot: a bit says that the term up to its character is matched, and
`*` lets the bit before it stay.
"""

import re
from collections.abc import Iterable
from typing import Final

_STARS: Final = re.compile(r"\s*\*[\s*]*\*\s*|\*")
_UNSPACED: Final = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Myanmar
    ("\u1100", "\u11ff"),  # Hangul letters
    ("\u1780", "\u17ff"),  # Khmer
    ("\u3040", "\u30ff"),  # kana
    ("\u3400", "\u9fff"),  # Han
    ("\uac00", "\ud7af"),  # Hangul
)
"""Scripts that put no spaces between words, or glue endings to them: there a word may begin anywhere."""


def is_of_word(char: str) -> bool:
    """Whether the character is inside a word, so that words end only where it meets one that is not."""
    return char.isalnum() and (char < "\u0e00" or not any(first <= char <= last for first, last in _UNSPACED))


class Terms:
    """A set of terms, folded already. Those without a character beside `*` find nothing."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._masks: dict[str, int] = {}
        self._loops = 0  # bits that `*` behind them lets stay
        self._starts_anywhere, self._starts_at_edge = 0, 0
        self._ends_anywhere, self._ends_at_edge = 0, 0
        self._size = 0
        for term in sorted(set(terms)):
            self._add(term)
        self._not_last = ~(self._ends_anywhere | self._ends_at_edge)

    def __bool__(self) -> bool:
        return self._size > 0

    def _add(self, term: str) -> None:
        pieces = term.split("*")
        literals = [piece for piece in pieces if piece]
        if not literals:
            return
        first = 1 << self._size
        if pieces[0]:
            self._starts_at_edge |= first
        else:
            self._starts_anywhere |= first
        for piece in literals:
            for char in piece:
                self._masks[char] = self._masks.get(char, 0) | 1 << self._size
                self._size += 1
            self._loops |= 1 << (self._size - 1)
        last = 1 << (self._size - 1)
        self._loops &= ~last
        if pieces[-1]:
            self._ends_at_edge |= last
        else:
            self._ends_anywhere |= last

    def found_in(self, text: str) -> bool:
        """Whether a text that was folded as the terms were has one of them."""
        masks, loops = self._masks, self._loops
        state, was_of_word = 0, False
        for char in text:
            of_word = is_of_word(char)
            is_edge = not (was_of_word and of_word)
            if is_edge and state & self._ends_at_edge:
                return True
            start = self._starts_anywhere | (self._starts_at_edge if is_edge else 0)
            stays = 0 if char == " " else state & loops
            state = (((state & self._not_last) << 1 | start) & masks.get(char, 0)) | stays
            if state & self._ends_anywhere:
                return True
            was_of_word = of_word
        return bool(state & self._ends_at_edge)
