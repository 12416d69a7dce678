"""What chat is made of, in events, in the database and in answers: camelCase JSON, times in ms since the epoch.

Places in a text count Unicode code points, `end` is the first behind: JavaScript counts UTF-16 units and converts.
"""

from typing import Annotated, Literal

import msgspec

from schemas.ids import ChannelId, UserId

Role = Literal["viewer", "vip", "moderator", "broadcaster"]
BadgeType = Literal["broadcaster", "moderator", "vip", "subscriber", "bot", "staff"]
AnnouncementColor = Literal["primary", "blue", "green", "orange", "purple"]

CONTENT_MAX = 500
"""Characters (code points) of a message."""
KEY_MAX = 64
"""Characters of an idempotency key."""
REASON_MAX = 500
TIMEOUT_MAX_S = 14 * 24 * 3600
SLOW_MAX_S = 3600
FOLLOWER_MAX_MINUTES = 129_600
"""90 days."""
TERMS_MAX, TERM_MAX = 500, 100
"""Blocked terms of a channel, and characters of one."""
COLOR_PATTERN = r"^#[0-9A-F]{6}\Z"


class Badge(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an author is to the channel. `version` of a subscriber: for how many months."""

    type: BadgeType
    version: int | None = None


class EmotePosition(msgspec.Struct, frozen=True, rename="camel"):
    """An emote in a text; its pictures are `/emotes/{id}/{1,2,4}.webp`."""

    id: str
    name: str
    start: int
    end: int


class Mention(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody who is named with @; the place includes the @."""

    user_id: UserId
    username: str
    start: int
    end: int


class ReplyTo(msgspec.Struct, frozen=True, rename="camel"):
    """The message that is answered, as it was; `thread_id` is the message that the thread began with."""

    message_id: str
    thread_id: str
    user_id: UserId
    username: str
    display_name: str
    content: str


class Authored(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A message before it has its place: what a process hands to the log.

    `picture_at` is the moment (PROGRAM-DATE-TIME, ms) its author had on the screen, as far as that is believed.
    """

    id: str
    channel_id: ChannelId
    user_id: UserId
    username: str
    display_name: str
    content: str
    badges: list[Badge]
    emotes: list[EmotePosition]
    color: str
    mentions: list[Mention] = []
    reply_to: ReplyTo | None = None
    is_action: bool = False
    """Said with /me."""
    is_first: bool = False
    """The first that its author says in the channel."""
    picture_at: int | None = None


class ChatMessage(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A message in its place. Fields of `Authored` first, then what the log adds."""

    id: str
    channel_id: ChannelId
    user_id: UserId
    username: str
    display_name: str
    content: str
    badges: list[Badge]
    emotes: list[EmotePosition]
    color: str
    timestamp: int
    seq: int
    epoch: str
    mentions: list[Mention] = []
    reply_to: ReplyTo | None = None
    is_action: bool = False
    is_first: bool = False
    picture_at: int | None = None


class ChatSettings(msgspec.Struct, frozen=True, rename="camel"):
    """A channel's modes. `slow_mode` in seconds, 0 is off. Lists of terms are null to who does not moderate."""

    slow_mode: int = 0
    subscriber_only: bool = False
    follower_only: bool = False
    follower_minutes: int = 0
    """For how long one must have followed."""
    emote_only: bool = False
    unique_chat: bool = False
    account_age_minutes: int = 0
    """How old accounts must be; 0 is any age."""
    links_allowed: bool = True
    """For everybody; VIPs and moderators may always."""
    hold_links: bool = False
    """Messages with links wait for a moderator, instead of being refused, where links are not allowed."""
    hold_first: bool = False
    """First messages of new chatters wait for a moderator."""
    blocked_terms: list[str] | None = None
    """Messages with one of these are refused; * stands for any letters."""
    held_terms: list[str] | None = None
    """Messages with one of these wait for a moderator."""


class You(msgspec.Struct, frozen=True, rename="camel"):
    """What the one who joined is in the channel. All null or empty for anonymous."""

    user_id: UserId | None
    username: str | None
    role: Role
    badges: list[Badge]
    color: str
    is_following: bool
    followed_at: int | None
    subscription_tier: int
    """0 is none."""
    banned_until: int | None
    """0 is for ever, null is not banned."""
    may_chat: bool
    """Signed in, and not banned now."""


class Pinned(msgspec.Struct, frozen=True, rename="camel"):
    """The message at the top; `until` null is until it is taken down."""

    message: ChatMessage
    pinned_by: str
    """Display name."""
    pinned_at: int
    until: int | None


Color = Annotated[str, msgspec.Meta(pattern=COLOR_PATTERN)]
