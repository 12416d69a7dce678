"""Who somebody is, and what a channel's moderators see of it."""

from datetime import datetime
from typing import Final

import msgspec

from chat.people import Person
from chat.store import Database, acts, bans, messages
from schemas.chat_api import UserHistory
from schemas.ids import ChannelId, UserId

MESSAGES_MAX, ACTS_MAX = 50, 20
_PERSON: Final = (
    "SELECT id, username, display_name, chat_color, round(extract(epoch FROM created_at) * 1000)::bigint, is_admin,"
    " bot_owner_id IS NOT NULL FROM users"
)


class Chatted(msgspec.Struct, frozen=True):
    """How much somebody has said in a channel."""

    messages: int
    first_at: datetime | None


async def person(db: Database, name_or_id: str) -> Person | None:
    """Return the account of that id, else of that name (which can't look like an id)."""
    row = await db.fetchrow(f"{_PERSON} WHERE id = $1 OR username = $1 ORDER BY id = $1 DESC LIMIT 1", name_or_id)
    return Person(*row) if row else None


async def named(db: Database, username: str) -> Person | None:
    """Return the account of that name."""
    row = await db.fetchrow(f"{_PERSON} WHERE username = $1", username)
    return Person(*row) if row else None


async def chatted(db: Database, channel: ChannelId, user: UserId) -> Chatted:
    """Return how much somebody has said."""
    row = await db.fetchrow(
        "SELECT messages, first_at FROM chat_chatters WHERE channel_id = $1 AND user_id = $2", channel, user
    )
    return Chatted(*row) if row else Chatted(0, None)


async def history(db: Database, channel: ChannelId, user: UserId) -> UserHistory:
    """Return what moderators see of somebody: messages and acts newest first."""
    said = await chatted(db, channel, user)
    return UserHistory(
        message_count=said.messages,
        first_message_at=said.first_at,
        ban=await bans.shown(db, channel, user),
        ban_count=await acts.count(db, channel, user, "ban"),
        timeout_count=await acts.count(db, channel, user, "timeout"),
        messages=await messages.of_user(db, channel, user, MESSAGES_MAX),
        acts=await acts.page(db, channel, target=user, after=None, limit=ACTS_MAX),
    )
