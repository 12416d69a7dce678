"""Finds a message by its id, also one that was said just now and is not written down yet."""

from typing import Final, Protocol

import msgspec

from chat.entry import SPOKEN, Entry, event
from chat.store import Database, messages
from schemas.chat import ChatMessage
from schemas.ids import ChannelId
from schemas.socket import Announcement, ClearChat, Message, MessageDeleted, UserBanned, UserTimedOut

TAIL: Final = 1_000
"""Entries of the log that are looked through: more than a quarter of a second's, after which they are written down."""


class Log(Protocol):
    """What is needed of `chat.log.ChatLog`."""

    async def before(self, channel: ChannelId, before: int | None, limit: int) -> list[Entry]:
        """Return the last entries before a number, ascending."""
        ...


class Finder:
    """One per process."""

    def __init__(self, db: Database, log: Log) -> None:
        self._db = db
        self._log = log

    async def find(self, channel: ChannelId, message_id: str) -> ChatMessage | None:
        """Return a message that is there and was not taken away. Raises `ApiError` UNAVAILABLE; as databases do."""
        found = await messages.find(self._db, channel, message_id)
        if found is not None or not message_id:
            return found
        return find_in(await self._log.before(channel, None, TAIL), message_id)


def find_in(entries: list[Entry], message_id: str) -> ChatMessage | None:
    """Return a message of these entries (ascending), None when it is not there or is taken away in them."""
    wanted = message_id.encode()
    found: ChatMessage | None = None
    for entry in entries:
        if found is None:
            if entry.kind in SPOKEN and wanted in entry.head:
                found = _message(entry, message_id)
        elif entry.kind not in SPOKEN and _takes_away(entry, found):
            return None
    return found


def _message(entry: Entry, message_id: str) -> ChatMessage | None:
    try:
        said = event(entry)
    except msgspec.MsgspecError:
        return None  # of a newer version: it can't be shown here either
    assert isinstance(said, Message | Announcement)
    return said.message if said.message.id == message_id else None


def _takes_away(entry: Entry, message: ChatMessage) -> bool:
    try:
        done = event(entry)
    except msgspec.MsgspecError:
        return False
    match done:
        case MessageDeleted(message_id=message_id):
            return message_id == message.id
        case UserBanned(user_id=user) | UserTimedOut(user_id=user):
            return user == message.user_id
        case ClearChat():
            return True
        case _:
            return False
