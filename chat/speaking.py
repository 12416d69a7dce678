"""From a typed line to an event of the channel's log, by whatever way it came: socket, IRC, or the API.

The order matters: what nobody may say is refused first, then commands are obeyed, then it is looked at who speaks and
what the channel allows, and the log decides last, in one step with the append. A refusal uses up nothing: the same key
may be tried again, and gets the first answer once there was one.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from chat.people import Identity, Standing
from chat.standings import Standings
from schemas.chat import Authored, ChatMessage, ChatSettings
from schemas.ids import ChannelId
from schemas.socket import Ack, Held


class Said(msgspec.Struct, frozen=True):
    """What somebody typed. `reply_to` is the id of a message; `picture_at` (ms) what the author had on the screen."""

    channel_id: ChannelId
    content: str
    key: str
    reply_to: str | None = None
    picture_at: int | None = None


FindMessage = Callable[[ChannelId, str], Awaitable[ChatMessage | None]]
"""Finds a message that can be answered, by its id: in the room's ring or the database; not one that was taken away."""


class Rules(Protocol):
    """What a channel allows (chat/moderation)."""

    async def of(self, channel: ChannelId) -> ChatSettings:
        """Return the modes, with the lists of terms."""
        ...


class Moderators(Protocol):
    """Who obeys commands and keeps what waits (chat/moderation)."""

    async def obey(self, identity: Identity, standing: Standing, channel: ChannelId, command: str, key: str) -> str:
        """Do what a command says ("/timeout name 60"), once for a key; return what was done, in words.

        Raises `ApiError`.
        """
        ...

    async def hold(self, message: Authored, held_id: str, key: str, reason: str) -> None:
        """Keep a message for a moderator's decision, and tell them. Again with the same key: nothing new."""
        ...


class Speaking:
    """One per process."""

    def __init__(self, *, standings: Standings, rules: Rules, moderators: Moderators, find: FindMessage) -> None:
        self._standings = standings
        self._rules = rules
        self._moderators = moderators
        self._find = find

    async def say(self, identity: Identity | None, said: Said) -> Ack | Held:
        """Say it, or obey it if it is a command, and return the answer for the author.

        Raises `ApiError` and nothing else but cancellation: with the code and, where waiting helps, `retry_after_ms`.
        """
        raise NotImplementedError
