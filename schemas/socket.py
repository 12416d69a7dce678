"""Messages of the event socket `/ws/chat`: tagged unions on `type`, one for each direction.

Chat lines join these unions with the chat engine; today the socket carries what a page must know of a channel
without asking: that it went on or off the air and how many watch.
"""

from typing import Union

import msgspec

from schemas.errors import ErrorCode
from schemas.ids import ChannelId, SessionId

STREAM_EVENTS = "stream_events"
"""Redis channel that carries a `ChannelEvent` as JSON to every web process."""


class Join(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="join", forbid_unknown_fields=True):
    """Follow a channel's events; leaves the channel joined before unless `multi`."""

    channel_id: ChannelId
    multi: bool = False


class Leave(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="leave", forbid_unknown_fields=True):
    """Stop following a channel."""

    channel_id: ChannelId


class Ping(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="ping", forbid_unknown_fields=True):
    """Ask for a `pong`."""


ClientMessage = Union[Join, Leave, Ping]  # noqa: UP007 (msgspec names the union in the schema)


class Joined(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="joined"):
    """The join took effect: how the channel is right now. Events from here on follow on the socket."""

    channel_id: ChannelId
    is_live: bool
    session_id: SessionId | None
    started_at: str | None  # RFC 3339
    viewer_count: int
    is_reconnecting: bool = False


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


class ViewerCount(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="viewer_count"):
    """How many watch the channel's stream."""

    channel_id: ChannelId
    count: int


class SocketError(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="error"):
    """A client message was refused; the socket stays open."""

    code: ErrorCode
    message: str
    retry_after_ms: int | None = None


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
    ViewerCount,
    SocketError,
    Reconnect,
    Pong,
]
ChannelEvent = Union[  # noqa: UP007
    StreamOnline, StreamOffline, StreamInterrupted, StreamResumed, ChannelUpdated, ViewerCount
]
"""What web processes tell each other over `STREAM_EVENTS`."""
