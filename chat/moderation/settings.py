"""The modes of channels as every message needs them."""

import msgspec

from chat.entry import Entry
from chat.moderation.filters import Filter
from chat.moderation.recent import Recent
from chat.store import Database
from chat.store import settings as store
from schemas.chat import ChatSettings
from schemas.ids import ChannelId


class ChannelSettings:
    """Reads and keeps settings and the filters that follow from them. Errors are the database's."""

    def __init__(self, pool: Database) -> None:
        self._pool = pool
        self._filters = Recent(self._read)

    async def of(self, channel: ChannelId) -> ChatSettings:
        """Return the settings with the lists of terms: for who moderates."""
        return (await self._filters.of(channel)).settings

    async def public(self, channel: ChannelId) -> ChatSettings:
        """Return the settings as everybody may see them: without the lists of terms."""
        return without_terms(await self.of(channel))

    async def filter_of(self, channel: ChannelId) -> Filter:
        """Return what judges the channel's messages."""
        return await self._filters.of(channel)

    def watch(self, channel: ChannelId, entry: Entry) -> None:
        """Take note of an entry of a log (`hub.watch`): what has changed is read again."""
        if entry.kind == "settings_changed":
            self.forget(channel)

    def forget(self, channel: ChannelId) -> None:
        """Have the settings read again."""
        self._filters.forget(channel)

    async def _read(self, channel: ChannelId) -> Filter:
        return Filter(await store.read(self._pool, channel))


def without_terms(settings: ChatSettings) -> ChatSettings:
    """Return settings as those may see them who do not moderate."""
    return msgspec.structs.replace(settings, blocked_terms=None, held_terms=None)
