"""The modes of channels as every message needs them."""

from typing import Final

import msgspec

from chat.believed import Believed, Trouble
from chat.entry import Entry
from chat.moderation.filters import Filter
from chat.store import Database
from chat.store import settings as store
from schemas.chat import ChatSettings
from schemas.ids import ChannelId

BELIEVED_S: Final = 10.0
"""Rooms hear of changes at once; this is for channels that somebody writes to who is in no room here."""
KEPT_MAX: Final = 5_000
"""Channels in memory, up to some 200 KB each when they have a thousand terms; mostly 1 KB."""


class ChannelSettings:
    """Reads and keeps settings and the filters that follow from them. All that reads raises as `Believed.many`."""

    def __init__(self, db: Database, trouble: Trouble) -> None:
        self._db = db
        self._filters = Believed("chat settings", self._read, trouble, believed_s=BELIEVED_S, kept_max=KEPT_MAX)

    async def of(self, channel: ChannelId) -> ChatSettings:
        """Return the settings with the lists of terms: for who moderates."""
        return (await self.filter_of(channel)).settings

    async def public(self, channel: ChannelId) -> ChatSettings:
        """Return the settings as everybody may see them: without the lists of terms."""
        return without_terms(await self.of(channel))

    async def filter_of(self, channel: ChannelId) -> Filter:
        """Return what judges the channel's messages."""
        found = await self._filters.of(channel)
        assert found is not None  # a channel without a row has the defaults
        return found

    def watch(self, channel: ChannelId, entry: Entry) -> None:
        """Take note of an entry of a log (`hub.watch`): what has changed is read again."""
        if entry.kind == "settings_changed":
            self.forget(channel)

    def forget(self, channel: ChannelId) -> None:
        """Have the settings read again."""
        self._filters.forget(channel)

    async def close(self) -> None:
        """End what is under way."""
        await self._filters.close()

    async def _read(self, channels: list[ChannelId]) -> dict[ChannelId, Filter]:
        found = await store.read_many(self._db, channels)
        return {channel: Filter(settings) for channel, settings in found.items()}


def without_terms(settings: ChatSettings) -> ChatSettings:
    """Return settings as those may see them who do not moderate."""
    return msgspec.structs.replace(settings, blocked_terms=None, held_terms=None)
