"""Puts the default emotes into the database, once; what an administrator deletes stays deleted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chat.store import Database, emotes
from chat.store.emotes import Picture

NAMES: Final = (
    "tallyWave",
    "tallyLove",
    "tallyLol",
    "tallyCry",
    "tallyWow",
    "tallyCool",
    "tallyThink",
    "tallyHype",
    "tallyGG",
    "tallySip",
    "tallySleep",
    "tallyRage",
)
HERE: Final = Path(__file__).parent
HEIGHT: Final = 28
SCALES: Final = (1, 2, 4)


def id_of(name: str) -> str:
    """Return the id of a default emote: the same in every installation."""
    return name.lower()


def pictures_of(name: str) -> Iterator[Picture]:
    """Return the pictures of a default emote; they are square."""
    for scale in SCALES:
        content = (HERE / "pictures" / f"{name}-{scale}.webp").read_bytes()
        yield Picture(scale, HEIGHT * scale, HEIGHT * scale, content)


async def load(db: Database) -> list[str]:
    """Add those that were never there and return their names. Any number of processes may call this at once."""
    missing = await emotes.never_there(db, {id_of(name): name for name in NAMES})
    for emote, name in missing.items():
        await emotes.add_default(db, emote, name, list(pictures_of(name)))
    return list(missing.values())
