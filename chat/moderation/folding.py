"""Texts brought to one form, so that terms are found however they are dressed up.

`plain` undoes case, accents, invisible characters, fancy alphabets and letters of other scripts that look like Latin
ones. `leet` also reads figures and signs inside words as the letters they stand for: h4x, b@d.
"""

import re
import unicodedata
from typing import Final

# Lower case, as they stand after casefold. Both texts and terms are folded, so nothing is lost to who writes Russian.
_LOOKALIKES: Final = str.maketrans(
    {
        # Cyrillic
        **dict(zip("асеһіјкморѕтуѵхԁԝԛвн", "acehijkmopstyvxdwqbh", strict=True)),
        # Greek
        **dict(zip("αεικνορτυχ", "aeikvoptux", strict=True)),
        # Latin letters that have no decomposition
        **dict(zip("ıłøđħŧɡɩʀɴ", "ilodhtgirn", strict=True)),
    }
)
_LEET: Final = str.maketrans("013457@$!", "oieastasi")
_DRESSED: Final = re.compile(r"[@$]?[^\W_]+(?:[@$!]+[^\W_]+)*\$*")
"""A word with figures and signs in it. The classes exclude each other, so that it takes linear time."""
_INVISIBLE: Final = frozenset({"Mn", "Me", "Cf", "Cc"})


def plain(text: str) -> str:
    """Return the text folded, its runs of white space as single spaces."""
    spaced = " ".join(text.split())
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", spaced).casefold())
    if not decomposed.isascii():
        decomposed = "".join(c for c in decomposed if unicodedata.category(c) not in _INVISIBLE)
    return " ".join(decomposed.translate(_LOOKALIKES).split())


def leet(folded: str) -> str:
    """Return a text that was folded by `plain` with its figures and signs read as letters. Numbers stay numbers."""
    return _DRESSED.sub(_undress, folded)


def _undress(word: re.Match[str]) -> str:
    text = word.group()
    return text.translate(_LEET) if any(c.isalpha() for c in text) else text
