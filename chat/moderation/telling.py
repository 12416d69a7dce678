"""The events that acts make, as the log takes them."""

from collections.abc import Mapping, Sequence

from chat.entry import head, head_of_announcement, head_of_message
from chat.log.acts import ActEvent
from chat.store.parties import Party
from schemas.chat import AnnouncementColor, Authored, ChatSettings, Pinned, Role
from schemas.ids import ChannelId, UserId


def event(kind: str, channel: ChannelId, **fields: object) -> ActEvent:
    """Return an event without effects; `fields` under their names in JSON."""
    return ActEvent(kind, head(kind, channel, **fields).decode())


def said(message: Authored) -> ActEvent:
    """Return a message."""
    return ActEvent("message", head_of_message(message).decode())


def announced(message: Authored, color: AnnouncementColor) -> ActEvent:
    """Return an announcement."""
    return ActEvent("announcement", head_of_announcement(message, color).decode())


def banned(channel: ChannelId, target: Party, moderator: str) -> ActEvent:
    """Return a ban for ever."""
    about = head("user_banned", channel, userId=target.id, username=target.username, moderator=moderator)
    return ActEvent("user_banned", about.decode(), bans={target.id: 0})


def timed_out(channel: ChannelId, target: Party, moderator: str, *, duration_s: int, until_ms: int) -> ActEvent:
    """Return a timeout."""
    about = head(
        "user_timed_out",
        channel,
        userId=target.id,
        username=target.username,
        durationS=duration_s,
        until=until_ms,
        moderator=moderator,
    )
    return ActEvent("user_timed_out", about.decode(), bans={target.id: until_ms})


def unbanned(channel: ChannelId, target: Party, moderator: str) -> ActEvent:
    """Return that somebody may chat again."""
    about = head("user_unbanned", channel, userId=target.id, username=target.username, moderator=moderator)
    return ActEvent("user_unbanned", about.decode(), unbans=[target.id])


def quietly(bans: Mapping[UserId, int], unbans: Sequence[UserId] = ()) -> ActEvent:
    """Return bans that nobody is told of."""
    return ActEvent("", bans=bans, unbans=unbans)


def role_changed(channel: ChannelId, target: Party, role: Role) -> ActEvent:
    """Return that somebody has a role now, or none (`viewer`)."""
    return event("role_changed", channel, userId=target.id, username=target.username, role=role)


def settings_changed(channel: ChannelId, settings: ChatSettings, modes: Mapping[str, int], moderator: str) -> ActEvent:
    """Return the new modes; `settings` without terms, for everybody reads it."""
    about = head("settings_changed", channel, settings=settings, moderator=moderator)
    return ActEvent("settings_changed", about.decode(), settings=modes)


def pinned(channel: ChannelId, what: Pinned | None) -> ActEvent:
    """Return what is at the top now."""
    return event("message_pinned", channel, pinned=what)
