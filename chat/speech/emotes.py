"""Which words are emotes: those of the channel, those that are everywhere, and those that the author brings along.

In a channel everybody may use its emotes of tier 0, its subscribers those up to their tier. In other channels one may
use the emotes of a channel that one subscribes to, up to that tier; owners use all of their own anywhere.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from chat.believed import Believed, Trouble
from chat.entry import Entry, event
from chat.people import Person, Standing
from chat.speech.words import Word
from chat.store import Database, emotes
from chat.store.emotes import EmoteRow
from schemas.chat import EmotePosition
from schemas.ids import ChannelId, UserId
from schemas.socket import ChannelEvent, EmotesChanged, NewSubscriber

EVERYWHERE: Final = ChannelId("")
BELIEVED_S: Final = 60.0
"""Changes are told at once (`forget`); this is for those that did not arrive, and for subscriptions."""
CHANNELS_MAX: Final = 5_000
"""Sets in memory, some 10 KB each."""
AUTHORS_MAX: Final = 20_000
POSITIONS_MAX: Final = 100
"""Emotes shown in one message: each costs every reader 80 bytes. The rest stays text."""

EmoteSet = Mapping[str, EmoteRow]
"""Emotes by name."""
Tiers = Mapping[ChannelId, int]
"""Up to which tier somebody may use the emotes of which channels."""


class Emotes:
    """One per process. `now` is a monotonic clock in seconds. While the database is away, words stay words."""

    def __init__(self, db: Database, trouble: Trouble, now: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._sets: Believed[ChannelId, EmoteSet] = Believed(
            "emotes", self._read_sets, trouble, believed_s=BELIEVED_S, kept_max=CHANNELS_MAX, now=now
        )
        self._tiers: Believed[UserId, Tiers] = Believed(
            "emotes", self._read_tiers, trouble, believed_s=BELIEVED_S, kept_max=AUTHORS_MAX, now=now
        )

    async def find(
        self, words: Sequence[Word], person: Person, standing: Standing, channel: ChannelId
    ) -> list[EmotePosition]:
        """Return the places of emotes among the words of a text."""
        tiers = await self.tiers(person)
        sets = await self.sets([channel, EVERYWHERE, *tiers])
        here = {**tiers, channel: emotes.tier_of(standing.role, standing.subscription_tier)}
        known: dict[str, EmoteRow | None] = {}
        found: list[EmotePosition] = []
        for word in words:
            if word.text not in known:
                known[word.text] = _lookup(word.text, channel, here, sets)
            emote = known[word.text]
            if emote is not None and len(found) < POSITIONS_MAX:
                found.append(EmotePosition(emote.id, emote.name, word.start, word.end))
        return found

    async def sets(self, channels: Iterable[ChannelId]) -> dict[ChannelId, EmoteSet]:
        """Return the emotes of channels, and of `EVERYWHERE`, by name."""
        found = await self._sets.at_best(channels)
        return {channel: emotes_there or {} for channel, emotes_there in found.items()}

    async def tiers(self, person: Person) -> Tiers:
        """Return up to which tier somebody may use the emotes of which channels, wherever they talk."""
        return (await self._tiers.at_best((person.id,)))[person.id] or {}

    def forget(self, channel: ChannelId) -> None:
        """Read the emotes of a channel (or those `EVERYWHERE`) again: they changed."""
        self._sets.forget(channel)

    def forget_author(self, user: UserId) -> None:
        """Read again what somebody subscribes to: it changed."""
        self._tiers.forget(user)

    def observe(self, _channel: ChannelId, entry: Entry) -> None:
        """Forget what an entry of a log changes: for `Hub.watch`."""
        if entry.kind == "new_subscriber":
            told = event(entry)
            assert isinstance(told, NewSubscriber)
            self.forget_author(told.user_id)

    def heard(self, told: ChannelEvent) -> None:
        """Forget what a `ChannelEvent` changes: for `Hub.watch_states`."""
        if isinstance(told, EmotesChanged):
            self.forget(told.channel_id)

    async def close(self) -> None:
        """End what is under way."""
        await self._sets.close()
        await self._tiers.close()

    async def _read_sets(self, channels: list[ChannelId]) -> Mapping[ChannelId, EmoteSet]:
        rows = await emotes.of_channels(self._db, [channel for channel in channels if channel != EVERYWHERE])
        if EVERYWHERE in channels:
            rows[EVERYWHERE] = await emotes.everywhere(self._db)
        return {channel: {row.name: row for row in some} for channel, some in rows.items()}

    async def _read_tiers(self, users: list[UserId]) -> Mapping[UserId, Tiers]:
        return await emotes.entitled(self._db, users)


def is_only_emotes(words: Sequence[Word], positions: Sequence[EmotePosition]) -> bool:
    """Return whether a text has nothing but emotes."""
    return bool(words) and len(words) == len(positions)


def _lookup(name: str, channel: ChannelId, tiers: Tiers, sets: Mapping[ChannelId, EmoteSet]) -> EmoteRow | None:
    """The channel's own go before those that are everywhere, these before what the author brings along."""
    own = sets[channel].get(name)
    if own is not None and own.tier <= tiers[channel]:
        return own
    if (general := sets[EVERYWHERE].get(name)) is not None:
        return general
    for other, tier in tiers.items():
        brought = sets[other].get(name)
        if brought is not None and brought.tier <= tier:
            return brought
    return None
