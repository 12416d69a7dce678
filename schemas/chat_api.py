"""Bodies and answers of the chat part of the HTTP API, in the same style as `schemas/api.py`."""

from typing import Annotated, Literal

import msgspec

from schemas.api import (
    EMOTE_NAME_PATTERN,
    ID_PATTERN,
    LINE_PATTERN,
    PAGE_DEFAULT,
    PAGE_MAX,
    DisplayName,
    Id,
    Name,
    Timestamp,
)
from schemas.chat import (
    CONTENT_MAX,
    FOLLOWER_MAX_MINUTES,
    KEY_MAX,
    REASON_MAX,
    SLOW_MAX_S,
    TERM_MAX,
    TERMS_MAX,
    TIMEOUT_MAX_S,
    AnnouncementColor,
    Badge,
    ChatMessage,
    Role,
)
from schemas.ids import ChannelId, UserId

TOKEN_NAME_MAX = 50
EMOTE_IMAGE_MAX = 1024 * 1024
"""Bytes of an uploaded picture."""
CURSOR_MAX = 200
ACCOUNT_AGE_MAX_MINUTES = 525_600

Cursor = Annotated[str, msgspec.Meta(max_length=CURSOR_MAX)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=1 << 52)]
Reason = Annotated[str, msgspec.Meta(max_length=REASON_MAX, pattern=LINE_PATTERN)]
Content = Annotated[str, msgspec.Meta(min_length=1, max_length=CONTENT_MAX)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_MAX, pattern=r"^[\u0021-\u007e]+\Z")]
Term = Annotated[str, msgspec.Meta(min_length=1, max_length=TERM_MAX, pattern=LINE_PATTERN)]
Terms = Annotated[list[Term], msgspec.Meta(max_length=TERMS_MAX)]
Scope = Literal["chat:read", "chat:write", "chat:moderate"]
UserRef = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]


# --- what clients send --------------------------------------------------------------------------------------


class PatchChatSettings(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """PATCH channels/{id}/chat/settings: what is absent stays as it is."""

    slow_mode: Annotated[int, msgspec.Meta(ge=0, le=SLOW_MAX_S)] | msgspec.UnsetType = msgspec.UNSET
    subscriber_only: bool | msgspec.UnsetType = msgspec.UNSET
    follower_only: bool | msgspec.UnsetType = msgspec.UNSET
    follower_minutes: Annotated[int, msgspec.Meta(ge=0, le=FOLLOWER_MAX_MINUTES)] | msgspec.UnsetType = msgspec.UNSET
    emote_only: bool | msgspec.UnsetType = msgspec.UNSET
    unique_chat: bool | msgspec.UnsetType = msgspec.UNSET
    account_age_minutes: Annotated[int, msgspec.Meta(ge=0, le=ACCOUNT_AGE_MAX_MINUTES)] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    links_allowed: bool | msgspec.UnsetType = msgspec.UNSET
    hold_links: bool | msgspec.UnsetType = msgspec.UNSET
    hold_first: bool | msgspec.UnsetType = msgspec.UNSET
    blocked_terms: Terms | msgspec.UnsetType = msgspec.UNSET
    held_terms: Terms | msgspec.UnsetType = msgspec.UNSET


class ListMessages(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET channels/{id}/chat/messages: those before a place, or the newest."""

    before: Seq | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = 50
    key: Annotated[str, msgspec.Meta(max_length=100)] | msgspec.UnsetType = msgspec.UNSET
    """The token of a shared address."""
    thread: Id | msgspec.UnsetType = msgspec.UNSET
    """Only this message and the answers in its thread."""


class PostMessage(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/chat/messages: as over the socket, for programs."""

    content: Content
    idempotency_key: Key
    reply_to: Id | None = None


class CreateBan(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/chat/bans."""

    user_id: UserRef
    reason: Reason = ""


class CreateTimeout(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/chat/timeouts."""

    user_id: UserRef
    duration_s: Annotated[int, msgspec.Meta(ge=1, le=TIMEOUT_MAX_S)]
    reason: Reason = ""


class Announce(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/chat/announcements."""

    content: Content
    color: AnnouncementColor = "primary"


class PinMessage(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """PUT channels/{id}/chat/pinned; without a duration until it is taken down."""

    message_id: Id
    duration_s: Annotated[int, msgspec.Meta(ge=30, le=86_400)] | None = None


class StartRaid(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/raid: send the viewers to that channel, named by name or id."""

    channel: Annotated[str, msgspec.Meta(pattern=ID_PATTERN)] | Name


class CreateReport(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/chat/reports: somebody, perhaps for one message."""

    user_id: UserRef
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_MAX, pattern=LINE_PATTERN)]
    message_id: Id | None = None


class DecideReport(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/chat/reports/{report}/decide."""

    outcome: Literal["acted", "dismissed"]


class ListPage(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of a list that has pages."""

    cursor: Cursor | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = PAGE_DEFAULT


class ListActs(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET channels/{id}/chat/acts; `user_id` keeps those that concern somebody."""

    user_id: UserRef | msgspec.UnsetType = msgspec.UNSET
    cursor: Cursor | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = PAGE_DEFAULT


class EndShare(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of DELETE channels/{id}/chat/ban-shares/{other}: the list that goes `to` the other channel, the one
    that comes `from` it, or both."""

    direction: Literal["to", "from"] | msgspec.UnsetType = msgspec.UNSET


class ListReplay(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET vods/{id}/chat and clips/{id}/chat: from a moment of the recording on, or behind a cursor."""

    from_ms: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 0
    cursor: Cursor | msgspec.UnsetType = msgspec.UNSET
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 200
    key: Annotated[str, msgspec.Meta(max_length=100)] | msgspec.UnsetType = msgspec.UNSET


class ListMyEmotes(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET me/emotes: what I may use in that channel."""

    channel: UserRef


class CreateEmote(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/emotes and POST emotes, as multipart/form-data. `tier`: what one must subscribe to, 0 is
    everybody (and for those that are everywhere the only one)."""

    name: Annotated[str, msgspec.Meta(pattern=EMOTE_NAME_PATTERN)]
    image: Annotated[bytes, msgspec.Meta(min_length=1, max_length=EMOTE_IMAGE_MAX)]
    """PNG, WebP, GIF or AVIF."""
    tier: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0


class CreateToken(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST tokens: for a program that acts as me, or as a bot of mine."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=TOKEN_NAME_MAX, pattern=LINE_PATTERN)]
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=3)]
    bot_id: UserRef | None = None
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None


class CreateBot(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST bots: an account without a password, that tokens of mine speak for."""

    username: Name
    display_name: DisplayName | None = None


# --- what the server answers ----------------------------------------------------------------------------------


class Sent(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to PostMessage: its place; or what waits for a moderator; or what a command did."""

    message_id: str | None
    seq: int | None
    epoch: str | None
    held_id: str | None
    notice: str | None


class ChatTicket(msgspec.Struct, frozen=True, rename="camel"):
    """POST chat/ticket: opens one chat socket, as `?token=`, until then."""

    ticket: str
    expires_at: Timestamp


class Chatter(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody who is signed in to the chat."""

    user_id: UserId
    username: str
    display_name: str
    role: Role


class Chatters(msgspec.Struct, frozen=True, rename="camel"):
    """GET channels/{id}/chat/chatters: how many, and some of them by name, those with a role first."""

    count: int
    chatters: list[Chatter]


class Ban(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody who may not chat; `until` null is for ever. `source_channel_id`: it came with a shared list."""

    user_id: UserId
    username: str
    display_name: str
    until: Timestamp | None
    reason: str
    moderator: str
    source_channel_id: ChannelId | None
    created_at: Timestamp


class RoleHolder(msgspec.Struct, frozen=True, rename="camel"):
    """A moderator or VIP."""

    user_id: UserId
    username: str
    display_name: str
    role: Role
    granted_at: Timestamp


class Act(msgspec.Struct, frozen=True, rename="camel"):
    """A line of the audit log. `details`: what belongs to that action, as words."""

    id: str
    action: str
    moderator: str
    target_id: UserId | None
    target_name: str
    message_id: str | None
    details: dict[str, str]
    created_at: Timestamp


class HeldMessage(msgspec.Struct, frozen=True, rename="camel"):
    """A message that waits for a moderator."""

    id: str
    user_id: UserId
    username: str
    display_name: str
    content: str
    reason: str
    created_at: Timestamp


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody reported somebody. `outcome` is null until a moderator decided."""

    id: str
    reporter_name: str
    user_id: UserId
    username: str
    display_name: str
    message: ChatMessage | None
    reason: str
    created_at: Timestamp
    outcome: Literal["acted", "dismissed"] | None
    decided_by: str


class UserCard(msgspec.Struct, frozen=True, rename="camel"):
    """GET channels/{id}/chat/users/{user}: who somebody is here. The fields of `history` are null to who does not
    moderate."""

    user_id: UserId
    username: str
    display_name: str
    color: str
    role: Role
    badges: list[Badge]
    is_bot: bool
    created_at: Timestamp
    followed_at: Timestamp | None
    subscribed_months: int
    history: "UserHistory | None"


class UserHistory(msgspec.Struct, frozen=True, rename="camel"):
    """What moderators see of somebody: counts, the ban that holds, the last messages (deleted too), newest first."""

    message_count: int
    first_message_at: Timestamp | None
    ban: Ban | None
    ban_count: int
    timeout_count: int
    messages: list["PastMessage"]
    acts: list[Act]


class PastMessage(msgspec.Struct, frozen=True, rename="camel"):
    """A message, and whether it was taken away."""

    message: ChatMessage
    is_deleted: bool


class BanShare(msgspec.Struct, frozen=True, rename="camel"):
    """A list of bans that goes from one channel to another, once that has accepted."""

    from_channel_id: ChannelId
    from_name: str
    to_channel_id: ChannelId
    to_name: str
    is_accepted: bool
    offered_at: Timestamp


class Emote(msgspec.Struct, frozen=True, rename="camel"):
    """An emote; `url` is its middle size, `/emotes/{id}/{1,2,4}.webp` are all. `channel_id` null: it is everywhere."""

    id: str
    channel_id: ChannelId | None
    name: str
    tier: int
    is_animated: bool
    url: str
    created_at: Timestamp


class UsableEmotes(msgspec.Struct, frozen=True, rename="camel"):
    """GET me/emotes: a group for each place they come from, the channel's first. `locked` ones need a higher tier."""

    groups: list["EmoteGroup"]


class EmoteGroup(msgspec.Struct, frozen=True, rename="camel"):
    """The emotes of one channel, or of the installation (`channel_id` null)."""

    channel_id: ChannelId | None
    title: str
    emotes: list[Emote]
    locked: list[Emote]


class HistoryMessage(ChatMessage, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A message of GET channels/{id}/chat/messages, oldest first. `announcement`: its colour, if it is one."""

    announcement: AnnouncementColor | None = None


class ReplayMessage(msgspec.Struct, frozen=True, rename="camel"):
    """A message, and when in the recording it is to be shown."""

    offset_ms: int
    message: ChatMessage
    announcement: AnnouncementColor | None = None


class Token(msgspec.Struct, frozen=True, rename="camel"):
    """A token for programs, as it is listed. `token` only in the answer that makes it."""

    id: str
    name: str
    scopes: list[Scope]
    user_id: UserId
    username: str
    created_at: Timestamp
    last_used_at: Timestamp | None
    expires_at: Timestamp | None
    token: str | None = None


class Bot(msgspec.Struct, frozen=True, rename="camel"):
    """An account that programs speak for."""

    user_id: UserId
    username: str
    display_name: str
    created_at: Timestamp
