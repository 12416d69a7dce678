"""Messages of the event socket `/ws/chat`: tagged unions on `type`, one for each direction.

Two kinds of events come on it. Those of a channel's log (`LoggedEvent`) carry `seq`, `epoch` and `timestamp`: every
client gets each of them once and in the same order, also across reconnects. The others say how things are right now
(`ChannelEvent`: live or not, how many watch) or answer the one who asked; they carry no place.
"""

from typing import Literal, Union

import msgspec

from schemas.chat import AnnouncementColor, ChatMessage, ChatSettings, Pinned, Role, You
from schemas.errors import ErrorCode
from schemas.ids import ChannelId, SessionId, UserId

STREAM_EVENTS = "stream_events"
"""Redis channel that carries a `ChannelEvent` as JSON to every web process."""


# --- from clients -------------------------------------------------------------------------------------------


class Join(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="join", forbid_unknown_fields=True):
    """Follow a channel's events; leaves the channel joined before unless `multi`.

    With `last_seq` and `epoch` of the last event that was seen, what came since is sent behind `joined`; where that is
    not possible `reset` says so. `key` is the token of a shared address of what is not public.
    """

    channel_id: ChannelId
    multi: bool = False
    last_seq: int | None = None
    epoch: str | None = None
    key: str | None = None


class Leave(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="leave", forbid_unknown_fields=True):
    """Stop following a channel."""

    channel_id: ChannelId


class SendMessage(
    msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="message", forbid_unknown_fields=True
):
    """Say something in a channel that was joined; `/timeout …` and the like are obeyed instead of said.

    The same key of the same account gets the same answer for 5 minutes, whatever has happened since. `picture_at`:
    the moment on the author's screen (PROGRAM-DATE-TIME, ms), so that replays show the message with it.
    """

    channel_id: ChannelId
    content: str
    idempotency_key: str
    reply_to: str | None = None
    picture_at: int | None = None


class Ping(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="ping", forbid_unknown_fields=True):
    """Ask for a `pong`."""


ClientMessage = Union[Join, Leave, SendMessage, Ping]  # noqa: UP007 (msgspec names the union in the schema)


# --- to clients: how things are right now ---------------------------------------------------------------------


class Joined(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="joined", kw_only=True):
    """The join took effect: how the channel is right now. Events from here on follow on the socket.

    `last_seq` and `epoch` are the place of the last event before those that follow. `is_resumed`: what was missed since
    the place that the join named follows as well; else history ends at `last_seq`.
    """

    channel_id: ChannelId
    is_live: bool
    session_id: SessionId | None
    started_at: str | None  # RFC 3339
    viewer_count: int
    is_reconnecting: bool = False
    epoch: str
    last_seq: int
    is_resumed: bool
    settings: ChatSettings
    you: You
    pinned: Pinned | None = None
    chatters: int = 0


class StreamOnline(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="stream_online"):
    """The channel's stream can be played from now on."""

    channel_id: ChannelId
    session_id: SessionId
    timestamp: int  # ms since the epoch


class StreamOffline(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="stream_offline"):
    """The channel's stream has ended."""

    channel_id: ChannelId
    session_id: SessionId
    timestamp: int  # ms since the epoch


class StreamInterrupted(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="stream_interrupted"):
    """The publisher is gone and may come back until `returns_until`; the stream goes on with a slate meanwhile."""

    channel_id: ChannelId
    session_id: SessionId
    returns_until: int  # ms since the epoch
    timestamp: int  # ms since the epoch


class StreamResumed(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="stream_resumed"):
    """The publisher is back."""

    channel_id: ChannelId
    session_id: SessionId
    timestamp: int  # ms since the epoch


class ChannelUpdated(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="channel_updated"):
    """The owner changed what the page shows: title, category, tags."""

    channel_id: ChannelId


class EmotesChanged(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="emotes_changed"):
    """Emotes came or went: of the channel, or everywhere when it is ""."""

    channel_id: ChannelId


class ViewerCount(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="viewer_count"):
    """How many watch the channel's stream, and how many are signed in to its chat."""

    channel_id: ChannelId
    count: int
    chatters: int = 0


# --- to clients: what is in the channel's log, each with its place ----------------------------------------------


class Placed(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An event of a channel's log."""

    channel_id: ChannelId
    timestamp: int
    seq: int
    epoch: str


class Message(Placed, frozen=True, tag_field="type", tag="message", kw_only=True):
    """Somebody said something."""

    message: ChatMessage


class Announcement(Placed, frozen=True, tag_field="type", tag="announcement", kw_only=True):
    """A moderator said something that is to be seen."""

    message: ChatMessage
    color: AnnouncementColor


class UserBanned(Placed, frozen=True, tag_field="type", tag="user_banned", kw_only=True):
    """May not chat any more; what they said is taken away."""

    user_id: UserId
    username: str
    moderator: str = ""
    """Username of who did it."""


class UserTimedOut(Placed, frozen=True, tag_field="type", tag="user_timed_out", kw_only=True):
    """May not chat until then; what they said is taken away."""

    user_id: UserId
    username: str
    duration_s: int
    until: int
    moderator: str = ""


class UserUnbanned(Placed, frozen=True, tag_field="type", tag="user_unbanned", kw_only=True):
    """May chat again, after a ban or a timeout."""

    user_id: UserId
    username: str
    moderator: str = ""


class MessageDeleted(Placed, frozen=True, tag_field="type", tag="message_deleted", kw_only=True):
    """One message is taken away."""

    message_id: str
    user_id: UserId
    username: str
    moderator: str = ""


class ClearChat(Placed, frozen=True, tag_field="type", tag="clear_chat", kw_only=True):
    """Everything that was said before is taken away."""

    moderator: str = ""


class SlowMode(Placed, frozen=True, tag_field="type", tag="slow_mode", kw_only=True):
    """Slow mode changed: seconds, 0 is off. `settings_changed` follows."""

    duration: int


class SettingsChanged(Placed, frozen=True, tag_field="type", tag="settings_changed", kw_only=True):
    """The modes of the channel, without its lists of terms."""

    settings: ChatSettings
    moderator: str = ""


class RoleChanged(Placed, frozen=True, tag_field="type", tag="role_changed", kw_only=True):
    """Somebody was made moderator or VIP, or is it no more (`viewer`)."""

    user_id: UserId
    username: str
    role: Role


class MessagePinned(Placed, frozen=True, tag_field="type", tag="message_pinned", kw_only=True):
    """A message is at the top now, in place of another; null: none is any more."""

    pinned: Pinned | None


class NewSubscriber(Placed, frozen=True, tag_field="type", tag="new_subscriber", kw_only=True):
    """Somebody subscribes, for so many months by now."""

    user_id: UserId
    username: str
    display_name: str
    tier: int
    months: int = 1
    is_gift: bool = False


class Raid(Placed, frozen=True, tag_field="type", tag="raid", kw_only=True):
    """The viewers of one channel are sent to another: `in` they come here, `out` they go there."""

    direction: Literal["in", "out"]
    other_channel_id: ChannelId
    other_name: str
    other_display_name: str
    viewer_count: int


LoggedEvent = Union[  # noqa: UP007
    Message,
    Announcement,
    UserBanned,
    UserTimedOut,
    UserUnbanned,
    MessageDeleted,
    ClearChat,
    SlowMode,
    SettingsChanged,
    RoleChanged,
    MessagePinned,
    NewSubscriber,
    Raid,
]
"""What a channel's log holds."""


# --- to one client: answers -----------------------------------------------------------------------------------


class Ack(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="ack", omit_defaults=True):
    """A message has its place, or a command was obeyed (then without `message_id`, and `notice` says what was done)."""

    channel_id: ChannelId
    idempotency_key: str
    message_id: str = ""
    seq: int = 0
    epoch: str = ""
    notice: str = ""


class Held(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="held"):
    """A message waits for a moderator; it gets its place when one approves it."""

    channel_id: ChannelId
    idempotency_key: str
    held_id: str


class HeldDecided(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="held_decided"):
    """A moderator decided; to the author and to moderators. What is approved comes as a message as well."""

    channel_id: ChannelId
    held_id: str
    user_id: UserId
    is_approved: bool
    moderator: str


class MessageHeld(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="message_held"):
    """To moderators: something waits for them. GET channels/{id}/chat/held has all of it."""

    channel_id: ChannelId
    held_id: str
    user_id: UserId
    username: str
    display_name: str
    content: str
    reason: str
    timestamp: int


class ReportFiled(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="report_filed"):
    """To moderators: somebody reported somebody."""

    channel_id: ChannelId
    report_id: str


class Reset(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="reset"):
    """What the client has cannot be continued: load history (which ends at `last_seq`) instead of what is shown."""

    channel_id: ChannelId
    epoch: str
    last_seq: int


class SocketError(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="error", omit_defaults=True):
    """A client message was refused; the socket stays open. `idempotency_key` when it answers a message."""

    code: ErrorCode
    message: str
    retry_after_ms: int | None = None
    channel_id: ChannelId | None = None
    idempotency_key: str | None = None


class Reconnect(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="reconnect"):
    """This process is about to stop: open a new socket after `after_ms` (spread, so that not all come at once)."""

    after_ms: int


class Pong(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="pong"):
    """The answer to `ping`."""


ServerMessage = Union[  # noqa: UP007
    Joined,
    StreamOnline,
    StreamOffline,
    StreamInterrupted,
    StreamResumed,
    ChannelUpdated,
    EmotesChanged,
    ViewerCount,
    Message,
    Announcement,
    UserBanned,
    UserTimedOut,
    UserUnbanned,
    MessageDeleted,
    ClearChat,
    SlowMode,
    SettingsChanged,
    RoleChanged,
    MessagePinned,
    NewSubscriber,
    Raid,
    Ack,
    Held,
    HeldDecided,
    MessageHeld,
    ReportFiled,
    Reset,
    SocketError,
    Reconnect,
    Pong,
]
ChannelEvent = Union[  # noqa: UP007
    StreamOnline, StreamOffline, StreamInterrupted, StreamResumed, ChannelUpdated, EmotesChanged, ViewerCount
]
"""What web processes tell each other over `STREAM_EVENTS`."""
ModeratorEvent = Union[MessageHeld, HeldDecided, ReportFiled]  # noqa: UP007
"""What only moderators hear (and of a decision, the author); over Redis `chat.log.keys.moderators_channel`."""
