"""Lines for one client: greeting, joins, what somebody and a channel are, notices.

Server name and masks are the dialect's: libraries look at them (tmi.js takes lines of `tmi.twitch.tv` for the server's
and no others).
"""

from collections.abc import Sequence
from typing import Final

from chat.irc.capabilities import Capability
from chat.irc.lines import one_line, tagged
from chat.people import Identity
from chat.speech.colors import color_of
from schemas.chat import Badge, ChatSettings
from schemas.ids import ChannelId

HOST: Final = "tmi.twitch.tv"
NETWORK: Final = "tallylight"
_BADGES: Final = {"bot": "bot-badge"}


def mask(login: str) -> str:
    """Return who a line is from."""
    return f"{login}!{login}@{login}.{HOST}"


def numeric(code: str, nick: str, *params: str, text: str) -> str:
    """Return a numbered reply (RFC 1459, section 6)."""
    return f":{HOST} {' '.join((code, nick or '*', *params))} :{one_line(text)}"


def greeting(nick: str) -> list[str]:
    """Return what says that the client is in."""
    return [
        numeric("001", nick, text="Welcome, GLHF!"),
        numeric("002", nick, text=f"Your host is {HOST}"),
        numeric("003", nick, text="This server is rather new"),
        numeric("004", nick, text="-"),
        numeric("375", nick, text="-"),
        numeric("372", nick, text=f"This is {NETWORK}. Join #name to read the chat of a channel."),
        numeric("376", nick, text=">"),
    ]


def joined(nick: str, channel: str) -> list[str]:
    """Return what says that the client is in a channel."""
    return [
        f":{mask(nick)} JOIN #{channel}",
        f":{nick}.{HOST} 353 {nick} = #{channel} :{nick}",
        f":{nick}.{HOST} 366 {nick} #{channel} :End of /NAMES list",
    ]


def parted(nick: str, channel: str) -> str:
    """Return what says that the client is in a channel no more."""
    return f":{mask(nick)} PART #{channel}"


def badges(held: Sequence[Badge]) -> dict[str, str]:
    """Return the tags of badges: each with its version, and for how many months somebody subscribes."""
    months = next((badge.version for badge in held if badge.type == "subscriber"), None)
    return {
        "badges": ",".join(f"{_BADGES.get(badge.type, badge.type)}/{badge.version or 1}" for badge in held),
        "badge-info": f"subscriber/{months or 1}" if any(badge.type == "subscriber" for badge in held) else "",
    }


def author(held: Sequence[Badge], name: str, color: str) -> dict[str, str | int]:
    """Return the tags of who says something or is told what they are."""
    types = {badge.type for badge in held}
    return {
        **badges(held),
        "color": color,
        "display-name": name,
        "mod": int("moderator" in types),
        "subscriber": int("subscriber" in types),
        "turbo": 0,
        "user-type": "admin" if "staff" in types else "mod" if "moderator" in types else "",
    }


def global_user_state(identity: Identity, capabilities: Capability) -> list[str]:
    """Return what tells a client who it is; nothing for one that has not asked for such lines."""
    if Capability.COMMANDS not in capabilities:
        return []
    person = identity.person
    held = [Badge("staff")] if person.is_admin else []
    tags = {**author(held, person.display_name, color_of(person)), "emote-sets": "0", "user-id": person.id}
    return [f"{_before(capabilities, tags)}:{HOST} GLOBALUSERSTATE"]


def user_state(
    identity: Identity, held: Sequence[Badge], channel: str, capabilities: Capability, **more: str
) -> list[str]:
    """Return what tells a client what it is in a channel. `more`: tags about what it said, _ for -."""
    if Capability.COMMANDS not in capabilities:
        return []
    person = identity.person
    tags: dict[str, str | int] = {**author(held, person.display_name, color_of(person)), "emote-sets": "0"}
    tags.update({name.replace("_", "-"): value for name, value in more.items() if value})
    return [f"{_before(capabilities, tags)}:{HOST} USERSTATE #{channel}"]


def modes(settings: ChatSettings) -> dict[str, str | int]:
    """Return the tags of a channel's modes."""
    return {
        "emote-only": int(settings.emote_only),
        "followers-only": settings.follower_minutes if settings.follower_only else -1,
        "r9k": int(settings.unique_chat),
        "slow": settings.slow_mode,
        "subs-only": int(settings.subscriber_only),
    }


def room_state(channel: str, channel_id: ChannelId, tags: dict[str, str | int], capabilities: Capability) -> list[str]:
    """Return what tells the modes of a channel, all or those that changed."""
    if Capability.COMMANDS not in capabilities:
        return []
    return [f"{_before(capabilities, {**tags, 'room-id': channel_id})}:{HOST} ROOMSTATE #{channel}"]


def notice(where: str, message_id: str, text: str, capabilities: Capability) -> str:
    """Return a notice in a channel (`#name`), or with `*` on the connection. `message_id` is for programs."""
    before = _before(capabilities, {"msg-id": message_id}) if message_id else ""
    return f"{before}:{HOST} NOTICE {where} :{one_line(text)}"


def _before(capabilities: Capability, tags: dict[str, str | int]) -> str:
    return tagged(tags) if Capability.TAGS in capabilities else ""
