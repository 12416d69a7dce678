"""Who may publish, in memory, kept fresh by events: for protocols that must decide without waiting (SRT).

Web is asked for all channels at the start, again every `RELOAD_S` and whenever events may have been missed; in between
it says which channels have changed. While it is away, what was known stays.
"""

import asyncio
import random
from collections.abc import Sequence
from hashlib import sha256

import msgspec
import structlog
from redis.asyncio import Redis

from config.redis import messages
from config.sealing import CannotOpen, Seal
from config.tasks import check_cancelled
from media.callbacks import Callbacks
from media.signed import TROUBLES, CallbackRefused
from schemas.ids import ChannelId
from schemas.ingest import KEY_CHANGES, KeyEntry, KeysChanged

log = structlog.get_logger()

RELOAD_S = 300.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
"""Between two tries; doubles from the first to the longest."""
MAX_CHANGED = 1_000
"""Channels that are asked for one by one; when more have changed, all are."""


class Entry(msgspec.Struct, frozen=True):
    """One channel. `passphrase` "" is none; None is one that cannot be read, with which nobody gets in."""

    channel_id: ChannelId
    channel_name: str
    key_digest: str
    passphrase: str | None


class KeyTable:
    """The table. Lookups may be made from any thread, and never wait."""

    def __init__(self, callbacks: Callbacks, redis: Redis, seal: Seal) -> None:
        self.is_loaded = False
        """Whether all channels have been known once."""
        self._callbacks = callbacks
        self._redis = redis
        self._seal = seal
        self._by_id: dict[str, Entry] = {}
        self._by_name: dict[str, Entry] = {}
        self._by_digest: dict[str, Entry] = {}
        self._changed: set[ChannelId] = set()
        self._is_stale = True
        self._has_news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._by_id)

    def with_key(self, key: str) -> Entry | None:
        """Return the channel whose key this is."""
        return self._by_digest.get(sha256(key.encode()).hexdigest())

    def channel(self, channel: str) -> Entry | None:
        """Return a channel by its id or its name."""
        return self._by_id.get(channel) or self._by_name.get(channel.lower())

    async def run(self) -> None:
        """Keep the table fresh until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="key changes")
            group.create_task(self._refresh_for_ever(), name="keys")

    async def _listen(self) -> None:
        async for data in messages(self._redis, KEY_CHANGES, self._interrupted):
            if data is None:
                self._is_stale = True  # what was said before is missed
            else:
                self._take_change(data)
            self._has_news.set()

    def _take_change(self, data: bytes) -> None:
        try:
            self._changed |= set(msgspec.json.decode(data, type=KeysChanged).channels)
        except msgspec.DecodeError as error:
            log.error("key change not understood", error=str(error))
            self._is_stale = True
        if len(self._changed) > MAX_CHANGED:
            self._is_stale = True

    @staticmethod
    def _interrupted(error: Exception) -> None:
        log.warning("key changes interrupted", error=repr(error))

    async def _refresh_for_ever(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._refresh()
                pause_s = FIRST_PAUSE_S
            except (*TROUBLES, CallbackRefused) as error:
                check_cancelled()
                log.debug("keys not heard", error=repr(error))
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            try:
                async with asyncio.timeout(RELOAD_S):
                    await self._has_news.wait()
            except TimeoutError:
                self._is_stale = True

    async def _refresh(self) -> None:
        """Ask for what has changed. What changes while an answer is on its way is asked for again."""
        self._has_news.clear()
        if self._is_stale:
            self._is_stale = False
            self._changed.clear()
            try:
                await self._reload()
            except BaseException:
                self._is_stale = True
                raise
        elif self._changed:
            changed, self._changed = self._changed, set()
            try:
                answer = await self._callbacks.keys(sorted(changed))
            except BaseException:
                self._changed |= changed
                raise
            self._replace(changed, answer.entries)

    async def _reload(self) -> None:
        entries: list[KeyEntry] = []
        is_last = False
        while not is_last:
            answer = await self._callbacks.keys(after=entries[-1].channel_id if entries else "")
            entries += answer.entries
            is_last = answer.is_last or not answer.entries
        self._replace(set(self._by_id), entries)
        if not self.is_loaded:
            log.info("keys loaded", channels=len(self))
        self.is_loaded = True

    def _replace(self, old: "set[ChannelId] | set[str]", entries: Sequence[KeyEntry]) -> None:
        """Put these in the place of the old ones: new keys are good before old ones are not."""
        before = [self._by_id[channel] for channel in old if channel in self._by_id]
        for each in entries:
            entry = self._opened(each)
            self._by_id[entry.channel_id] = self._by_name[entry.channel_name] = entry
            if entry.key_digest:
                self._by_digest[entry.key_digest] = entry
        kept = {each.channel_id for each in entries}
        for entry in before:
            if entry.channel_id not in kept:
                del self._by_id[entry.channel_id]
            _forget(self._by_name, entry.channel_name, entry)
            _forget(self._by_digest, entry.key_digest, entry)

    def _opened(self, entry: KeyEntry) -> Entry:
        passphrase: str | None = ""
        if entry.srt_passphrase:
            try:
                passphrase = self._seal.open(entry.srt_passphrase)
            except CannotOpen as error:
                log.error("passphrase of a channel cannot be read", channel=entry.channel_name, error=str(error))
                passphrase = None
        return Entry(entry.channel_id, entry.channel_name, entry.key_digest, passphrase)


def _forget(table: dict[str, Entry], name: str, entry: Entry) -> None:
    """Take an entry out, unless another has its place by now."""
    if table.get(name) is entry:
        del table[name]
