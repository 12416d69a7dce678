"""What happens in a channel, as lines of IRC: messages, what is taken away, modes, subscribers, raids."""

from collections.abc import Iterable
from typing import Final

import msgspec

from chat.irc import notices, replies
from chat.irc.capabilities import Capability
from chat.irc.lines import one_line, tagged
from chat.irc.replies import HOST, mask
from schemas.chat import ChatMessage, ChatSettings, EmotePosition, ReplyTo
from schemas.socket import (
    Announcement,
    ClearChat,
    LoggedEvent,
    Message,
    MessageDeleted,
    NewSubscriber,
    Placed,
    Raid,
    SettingsChanged,
    SlowMode,
    UserBanned,
    UserTimedOut,
)

GIFTER: Final = ("ananonymousgifter", "AnAnonymousGifter")
"""Who gave a subscription is not told."""
Tags = dict[str, str | int]


class Writer:
    """Writes events of channels whose names are given, for clients with the same capabilities."""

    def __init__(self, capabilities: Capability) -> None:
        self._tags = Capability.TAGS in capabilities
        self._commands = Capability.COMMANDS in capabilities
        self._capabilities = capabilities

    def write(self, event: LoggedEvent, channel: str, before: ChatSettings | None = None) -> list[str]:
        """Return the lines of an event. `before` are the settings before a change, as far as they are known."""
        match event:
            case Message():
                return [self._message(event.message, channel)]
            case Announcement() if not self._commands:
                return [self._message(event.message, channel)]
        return self._command(event, channel, before) if self._commands else []

    def _command(self, event: LoggedEvent, channel: str, before: ChatSettings | None) -> list[str]:
        match event:
            case Announcement():
                return [self._announcement(event, channel)]
            case UserBanned() | UserTimedOut():
                return [self._silenced(event, channel)]
            case MessageDeleted():
                tags: Tags = {"login": event.username, "target-msg-id": event.message_id}
                return [self._line(event, tags, f"CLEARMSG #{channel} :")]
            case ClearChat():
                return [self._line(event, {}, f"CLEARCHAT #{channel}")]
            case SlowMode():
                return self._modes(event, channel, {"slow": event.duration}, [notices.slow(event.duration)])
            case SettingsChanged():
                return self._settings(event, channel, before)
            case NewSubscriber():
                return [self._subscriber(event, channel)]
            case Raid():
                return [self._raid(event, channel)]
        return []  # roles and what is at the top are not told on IRC

    # --- messages ---

    def _message(self, message: ChatMessage, channel: str) -> str:
        content = one_line(message.content)
        text = f"\x01ACTION {content}\x01" if message.is_action else content
        before = tagged(_message_tags(message)) if self._tags else ""
        return f"{before}:{mask(message.username)} PRIVMSG #{channel} :{text}"

    def _announcement(self, event: Announcement, channel: str) -> str:
        message = event.message
        tags: Tags = {
            **_message_tags(message),
            "msg-id": "announcement",
            "msg-param-color": event.color.upper(),
            "login": message.username,
            "system-msg": "",
        }
        return self._line(event, tags, f"USERNOTICE #{channel} :{one_line(message.content)}")

    # --- what is taken away ---

    def _silenced(self, event: UserBanned | UserTimedOut, channel: str) -> str:
        tags: Tags = {"target-user-id": event.user_id}
        if isinstance(event, UserTimedOut):
            tags["ban-duration"] = event.duration_s
        return self._line(event, tags, f"CLEARCHAT #{channel} :{event.username}")

    # --- modes ---

    def _settings(self, event: SettingsChanged, channel: str, before: ChatSettings | None) -> list[str]:
        after, modes = event.settings, replies.modes(event.settings)
        if before is None:
            return self._modes(event, channel, modes, [])
        # slow mode has an event of its own
        told = notices.mode_changes(before, msgspec.structs.replace(after, slow_mode=before.slow_mode))
        old = replies.modes(before)
        changed: Tags = {name: value for name, value in modes.items() if value != old[name] and name != "slow"}
        return self._modes(event, channel, changed, told) if changed else []

    def _modes(self, event: Placed, channel: str, tags: Tags, told: Iterable[tuple[str, str]]) -> list[str]:
        lines = replies.room_state(channel, event.channel_id, tags, self._capabilities)
        return lines + [replies.notice(f"#{channel}", name, text, self._capabilities) for name, text in told]

    # --- what is celebrated ---

    def _subscriber(self, event: NewSubscriber, channel: str) -> str:
        plan, months = str(event.tier * 1000), event.months
        tags: Tags = {
            "msg-param-sub-plan": plan,
            "msg-param-sub-plan-name": f"Tier {event.tier}",
            "login": event.username,
            "display-name": event.display_name,
            "user-id": event.user_id,
        }
        if event.is_gift:
            tags |= {
                "msg-id": "subgift",
                "login": GIFTER[0],
                "display-name": GIFTER[1],
                "user-id": "",
                "msg-param-gift-months": 1,
                "msg-param-months": months,
                "msg-param-recipient-id": event.user_id,
                "msg-param-recipient-user-name": event.username,
                "msg-param-recipient-display-name": event.display_name,
                "system-msg": f"{event.display_name} was given a Tier {event.tier} subscription!",
            }
            return self._line(event, tags, f"USERNOTICE #{channel}")
        again = f" They've subscribed for {months} months!" if months > 1 else ""
        tags |= {
            "msg-id": "resub" if months > 1 else "sub",
            "msg-param-cumulative-months": months,
            "msg-param-months": 0,
            "msg-param-should-share-streak": 0,
            "system-msg": f"{event.display_name} subscribed at Tier {event.tier}.{again}",
        }
        return self._line(event, tags, f"USERNOTICE #{channel}")

    def _raid(self, event: Raid, channel: str) -> str:
        count, other = event.viewer_count, event.other_display_name
        if event.direction == "out":
            text = f"This channel raids {other} with {count} viewers."
            return replies.notice(f"#{channel}", "raid_started", text, self._capabilities)
        tags: Tags = {
            "msg-id": "raid",
            "login": event.other_name,
            "display-name": other,
            "user-id": "",
            "msg-param-login": event.other_name,
            "msg-param-displayName": other,
            "msg-param-viewerCount": count,
            "system-msg": f"{count} raiders from {other} have joined!",
        }
        return self._line(event, tags, f"USERNOTICE #{channel}")

    def _line(self, event: Placed, tags: Tags, rest: str) -> str:
        if not self._tags:
            return f":{HOST} {rest}"
        more: Tags = {"room-id": event.channel_id, "tmi-sent-ts": event.timestamp}
        if "msg-id" in tags and "id" not in tags:
            more["id"] = f"{event.channel_id}-{event.seq}"
        return f"{tagged({**more, **tags})}:{HOST} {rest}"


def _message_tags(message: ChatMessage) -> Tags:
    tags: Tags = {
        **replies.author(message.badges, message.display_name, message.color),
        "emotes": emotes(message.emotes),
        "first-msg": int(message.is_first),
        "flags": "",
        "id": message.id,
        "returning-chatter": 0,
        "room-id": message.channel_id,
        "tmi-sent-ts": message.timestamp,
        "user-id": message.user_id,
    }
    if any(badge.type == "vip" for badge in message.badges):
        tags["vip"] = 1  # elsewhere the tag is there for VIPs only
    if message.reply_to:
        tags |= _reply_tags(message.reply_to)
    return tags


def _reply_tags(parent: ReplyTo) -> Tags:
    return {
        "reply-parent-display-name": parent.display_name,
        "reply-parent-msg-body": parent.content,
        "reply-parent-msg-id": parent.message_id,
        "reply-parent-user-id": parent.user_id,
        "reply-parent-user-login": parent.username,
        "reply-thread-parent-msg-id": parent.thread_id,
    }


def emotes(found: Iterable[EmotePosition]) -> str:
    """Return the tag of emotes: each with its places in code points, the ends inclusive."""
    places: dict[str, list[str]] = {}
    for emote in found:
        places.setdefault(emote.id, []).append(f"{emote.start}-{emote.end - 1}")
    return "/".join(f"{name}:{','.join(at)}" for name, at in places.items())
