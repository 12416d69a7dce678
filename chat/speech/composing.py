"""Makes the message that everybody sees of what somebody typed: emotes, mentions, the answered message, badges."""

from typing import Final

import msgspec

from chat.people import Person, Standing
from chat.speech.colors import color_of
from chat.speech.emotes import Emotes, is_only_emotes
from chat.speech.names import Names
from chat.speech.text import Spoken
from chat.speech.words import named, words
from schemas.chat import Authored, ChatMessage, ReplyTo
from schemas.ids import ChannelId, make_id

QUOTED_MAX: Final = 120
"""Characters of the answered message that go along."""


class Composed(msgspec.Struct, frozen=True):
    """A message without its place, and what the channel's modes ask about it."""

    message: Authored
    is_only_emotes: bool


class Composer:
    """One per process."""

    def __init__(self, emotes: Emotes, names: Names) -> None:
        self._emotes = emotes
        self._names = names

    async def compose(
        self,
        spoken: Spoken,
        person: Person,
        standing: Standing,
        channel: ChannelId,
        *,
        reply_to: ReplyTo | None = None,
        picture_at: int | None = None,
        message_id: str = "",
    ) -> Composed:
        """Return the message. Without a `message_id` it gets a new one."""
        content = spoken.content
        typed = words(content)
        positions = await self._emotes.find(typed, person, standing, channel)
        message = Authored(
            id=message_id or make_id(),
            channel_id=channel,
            user_id=person.id,
            username=person.username,
            display_name=person.display_name,
            content=content,
            badges=standing.badges,
            emotes=positions,
            color=color_of(person),
            mentions=await self._names.mentions(named(content)),
            reply_to=reply_to,
            is_action=spoken.is_action,
            is_first=not standing.has_chatted,
            picture_at=picture_at,
        )
        return Composed(message, is_only_emotes(typed, positions))


def answer_to(parent: ChatMessage) -> ReplyTo:
    """Return what an answer says of the message that it answers."""
    content = parent.content
    return ReplyTo(
        message_id=parent.id,
        thread_id=parent.reply_to.thread_id if parent.reply_to else parent.id,
        user_id=parent.user_id,
        username=parent.username,
        display_name=parent.display_name,
        content=content if len(content) <= QUOTED_MAX else content[: QUOTED_MAX - 1].rstrip() + "…",
    )
