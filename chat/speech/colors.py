"""The colours of names: readable on dark and on light after what pages do to them, told apart at a glance."""

import hashlib
from typing import Final

from chat.people import Person

PALETTE: Final = (
    "#E5484D",
    "#E54666",
    "#D6409F",
    "#AB4ABA",
    "#8E4EC6",
    "#6E56CF",
    "#3E63DD",
    "#0090FF",
    "#00A2C7",
    "#12A594",
    "#30A46C",
    "#46A758",
    "#978365",
    "#F76B15",
    "#C99B00",
)
"""Of those who chose none."""


def color_of(person: Person) -> str:
    """Return "#RRGGBB": what somebody chose, or one that follows from the id."""
    if person.color:
        return person.color
    return PALETTE[hashlib.blake2s(person.id.encode(), digest_size=2).digest()[0] % len(PALETTE)]
