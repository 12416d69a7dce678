"""The pages of a channel's chat that people read: what is in PostgreSQL, and behind it what only the log has so far."""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from chat.entry import Entry
from chat.keeping.batch import Draft, Unreadable
from chat.keeping.gathering import Gathering
from chat.store import history
from chat.store.history import KeptMessage, kept_of
from chat.store.messages import TAKEN_BACK_MS, Batch
from config.postgres import Pool
from schemas.ids import ChannelId

TAIL_USUAL: Final = 1_000
"""Entries that are read first of what is not written down: usually there are those of a quarter of a second."""
TAIL_MAX: Final = 10_000
"""While PostgreSQL has fallen behind. Of what is older than these, deletions show late."""


class Log(Protocol):
    """What is needed of `chat.log.ChatLog`."""

    async def read(self, channel: ChannelId, after: int, limit: int) -> list[Entry]:
        """Return the first entries behind a number, ascending."""

    async def before(self, channel: ChannelId, before: int | None, limit: int) -> list[Entry]:
        """Return the last entries before a number, ascending."""


class Question(msgspec.Struct, frozen=True):
    """What page: before a place (None: the newest), perhaps of one thread."""

    channel: ChannelId
    before: int | None
    limit: int
    thread: str | None = None


class Page(msgspec.Struct, frozen=True):
    """Messages oldest first, and whether there are older ones."""

    messages: list[KeptMessage]
    is_more: bool


class _Replying(msgspec.Struct, rename="camel"):
    thread_id: str = ""


class _Threaded(msgspec.Struct, rename="camel"):
    id: str
    reply_to: _Replying | None = None


_threaded: Final = msgspec.json.Decoder(_Threaded)


class History:
    """One per process."""

    def __init__(self, pool: Pool, log: Log) -> None:
        self._pool = pool
        self._log = log
        self._gathering: Gathering[Question, Page] = Gathering(self._look)

    async def page(self, question: Question) -> Page:
        """Return a page: all that the log had when this was called. Raises `ApiError`; as databases do."""
        return await self._gathering.ask(question)

    async def close(self) -> None:
        """End what is under way."""
        await self._gathering.close()

    async def _look(self, asked: Question) -> Page:
        # The database first: what it does not have is then in the log for certain.
        kept = await history.newest(self._pool, asked.channel, asked.before, asked.limit + 1, asked.thread)
        tail = _readable(asked.channel, await self._tail(asked.channel, kept.reached))
        messages = [*kept.messages, *(message for row in tail.messages if _is_asked(message := kept_of(row), asked))]
        is_more = len(messages) > asked.limit
        return Page(left_after(messages, tail)[-asked.limit :], is_more)

    async def _tail(self, channel: ChannelId, reached: int) -> Sequence[Entry]:
        """Return what of a log is not written down."""
        entries = await self._log.read(channel, reached, TAIL_USUAL)
        if len(entries) == TAIL_USUAL:
            entries = [entry for entry in await self._log.before(channel, None, TAIL_MAX) if entry.seq > reached]
        return entries


def _readable(channel: ChannelId, entries: Sequence[Entry]) -> Batch:
    draft = Draft()
    for entry in entries:
        try:
            draft.add(channel, entry)
        except Unreadable:  # the keeper says so, and gives it up
            continue
    return draft.batch()


def _is_asked(message: KeptMessage, asked: Question) -> bool:
    if asked.before is not None and message.seq >= asked.before:
        return False
    if asked.thread is None or message.id == asked.thread:
        return True
    reply = _threaded.decode(message.json).reply_to
    return reply is not None and reply.thread_id == asked.thread


def left_after(messages: Sequence[KeptMessage], acts: Batch) -> list[KeptMessage]:
    """Return the messages that these deletions, bans and clears leave: the same as PostgreSQL will (chat/store)."""
    deleted = {deletion.message_id for deletion in acts.deletions}
    cleared = max((clear.seq for clear in acts.clears), default=0)
    left = [message for message in messages if message.id not in deleted and message.seq > cleared]
    for purge in acts.purges:
        since_ms = purge.at_ms - TAKEN_BACK_MS
        left = [
            message
            for message in left
            if message.user_id != purge.user_id or message.seq >= purge.seq or message.at_ms <= since_ms
        ]
    return left
