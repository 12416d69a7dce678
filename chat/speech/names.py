"""Whose names there are: for mentions. Asked once in a while for each name, also for those that nobody has."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from chat.believed import Believed, Trouble
from chat.speech.words import Named
from chat.store import Database, people
from schemas.chat import Mention
from schemas.ids import UserId

BELIEVED_S: Final = 60.0
KEPT_MAX: Final = 50_000
"""Names in memory, some 200 bytes each."""


class Names:
    """One per process. `now` is a monotonic clock in seconds."""

    def __init__(self, db: Database, trouble: Trouble, now: Callable[[], float] = time.monotonic) -> None:
        async def read(names: list[str]) -> dict[str, UserId]:
            return await people.ids_by_name(db, names)

        self._believed = Believed("names", read, trouble, believed_s=BELIEVED_S, kept_max=KEPT_MAX, now=now)

    async def mentions(self, named: Sequence[Named]) -> list[Mention]:
        """Return those of the named who exist; while the database is away, those who are known."""
        if not named:
            return []
        known = await self._believed.at_best(one.username for one in named)
        return [
            Mention(user, one.username, one.start, one.end)
            for one in named
            if (user := known[one.username]) is not None
        ]

    async def close(self) -> None:
        """End what is under way."""
        await self._believed.close()
