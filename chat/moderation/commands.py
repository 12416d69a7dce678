"""Commands as they are typed: `/timeout name 10m spam`. The table is their syntax and their help."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from chat.moderation.ranks import Rank
from schemas.api import ID_PATTERN, NAME_PATTERN
from schemas.chat import FOLLOWER_MAX_MINUTES, REASON_MAX, SLOW_MAX_S, TERM_MAX, TIMEOUT_MAX_S
from schemas.errors import ApiError, ErrorCode

TIMEOUT_S: Final = 600
SLOW_S: Final = 30
PIN_MIN_S, PIN_MAX_S = 30, 86_400
_DURATION: Final = re.compile(r"(?:\d{1,9}[smhdw]?)(?:\d{1,9}[smhdw]){0,4}", re.IGNORECASE | re.ASCII)
_PART: Final = re.compile(r"(\d+)([smhdw]?)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NAME: Final = re.compile(NAME_PATTERN)
_ID: Final = re.compile(ID_PATTERN)


class Command(msgspec.Struct, frozen=True):
    """What was typed, understood. `number` is in the unit of its command; None where it was left out."""

    name: str
    user: str = ""
    text: str = ""
    number: int | None = None


class Malformed(Exception):
    """The words behind a command are not what it takes; the text says what is wrong, "" that the usage says it all."""


Words = Callable[[str, str], Command]
"""Reads what stands behind a command's name. Raises `Malformed`."""


class Syntax(msgspec.Struct, frozen=True):
    """A row of the table."""

    usage: str
    """What may stand behind the name: <must>, [may]."""
    help: str
    rank: Rank
    words: Words


def parse(line: str) -> Command:
    """Return the command in a line that begins with `/`. Raises `ApiError` INVALID_REQUEST with its usage."""
    typed, _, rest = line.removeprefix("/").partition(" ")
    name = ALIASES.get(typed.lower(), typed.lower())
    syntax = TABLE.get(name)
    if syntax is None:
        raise _refused(f"There is no command /{typed[:25]}. /help lists them.")
    try:
        return syntax.words(name, rest.strip())
    except Malformed as error:
        raise _refused(" ".join(filter(None, (str(error), f"Usage: {usage(name)}")))) from None


def usage(name: str) -> str:
    """Return how a command is typed."""
    return f"/{name} {TABLE[name].usage}".strip()


def help_text(name: str, rank: Rank) -> str:
    """Return what a command does, or with "" which ones somebody of a rank may use. Raises as `parse`."""
    name = ALIASES.get(name, name)
    if not name:
        return "Commands: " + " ".join(f"/{each}" for each, syntax in TABLE.items() if syntax.rank <= rank)
    if name not in TABLE:
        raise _refused(f"There is no command /{name[:25]}. /help lists them.")
    return f"{usage(name)}: {TABLE[name].help}"


def seconds(text: str, unit: str) -> int | None:
    """Return a duration such as 90, 10m or 1d12h in seconds, None for what is none. A bare number is of `unit`."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(int(number) * _SECONDS[letter or unit] for number, letter in _PART.findall(text.lower()))


def _refused(message: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_REQUEST, message)


# --- what may stand behind a name -----------------------------------------------------------------------------


def _nothing(name: str, rest: str) -> Command:
    if rest:
        raise Malformed
    return Command(name)


def _user(name: str, rest: str) -> Command:
    user, more = _user_and_rest(rest)
    if more:
        raise Malformed
    return Command(name, user)


def _user_and_reason(name: str, rest: str) -> Command:
    user, reason = _user_and_rest(rest)
    return Command(name, user, _at_most(reason, REASON_MAX))


def _user_time_and_reason(name: str, rest: str) -> Command:
    user, more = _user_and_rest(rest)
    first, _, reason = more.partition(" ")
    duration_s = seconds(first, "s")
    if duration_s is None:
        duration_s, reason = TIMEOUT_S, more  # as people type it: /timeout name spam
    elif not 1 <= duration_s <= TIMEOUT_MAX_S:
        raise Malformed("A timeout lasts between 1 second and 2 weeks.")
    return Command(name, user, _at_most(reason.strip(), REASON_MAX), duration_s)


def _user_and_rest(text: str) -> tuple[str, str]:
    name, _, rest = text.partition(" ")
    return _name(name), rest.strip()


def _name(text: str) -> str:
    name = text.removeprefix("@").lower()
    if not name:
        raise Malformed
    if not _NAME.fullmatch(name):
        raise Malformed(f"{text[:25]} is not a name.")
    return name


def _channel(name: str, rest: str) -> Command:
    return Command(name, text=_name(rest))


def _message(name: str, rest: str) -> Command:
    if not _ID.fullmatch(rest):
        raise Malformed
    return Command(name, text=rest)


def _message_and_time(name: str, rest: str) -> Command:
    message, _, duration = rest.partition(" ")
    number = seconds(duration.strip(), "s") if duration else None
    if not _ID.fullmatch(message) or (duration and number is None):
        raise Malformed
    if number is not None and not PIN_MIN_S <= number <= PIN_MAX_S:
        raise Malformed("A message is pinned for 30 seconds to a day, or until it is taken down.")
    return Command(name, text=message, number=number)


def _slow(name: str, rest: str) -> Command:
    number = seconds(rest, "s") if rest else SLOW_S
    if number is None or not 1 <= number <= SLOW_MAX_S:
        raise Malformed("Slow mode is 1 second to 1 hour.")
    return Command(name, number=number)


def _followers(name: str, rest: str) -> Command:
    number = seconds(rest, "m") if rest else 0
    if number is None or number > FOLLOWER_MAX_MINUTES * 60:
        raise Malformed("At most 90 days.")
    return Command(name, number=number // 60)


def _term(name: str, rest: str) -> Command:
    if not rest.replace("*", "").strip():
        raise Malformed
    return Command(name, text=_at_most(rest, TERM_MAX))


def _text(name: str, rest: str) -> Command:
    if not rest:
        raise Malformed
    return Command(name, text=rest)


def _maybe_command(name: str, rest: str) -> Command:
    return Command(name, text=rest.removeprefix("/").lower())


def _at_most(text: str, most: int) -> str:
    if len(text) > most:
        raise Malformed(f"At most {most} characters.")
    return text


_ANYBODY, _MODERATOR, _OWNER = Rank.VIEWER, Rank.MODERATOR, Rank.BROADCASTER

# fmt: off
TABLE: Final[Mapping[str, Syntax]] = {
    "help": Syntax("[command]", "says what a command does.", _ANYBODY, _maybe_command),
    "mods": Syntax("", "lists who moderates.", _ANYBODY, _nothing),
    "vips": Syntax("", "lists the VIPs.", _ANYBODY, _nothing),
    "user": Syntax("<name>", "says who somebody is.", _ANYBODY, _user),
    "timeout": Syntax("<name> [duration] [reason]", "silences somebody for 10 minutes, or as long as you say: "
                      "90, 10m, 1h, 1d12h. What they said is taken away.", _MODERATOR, _user_time_and_reason),
    "untimeout": Syntax("<name>", "ends a timeout.", _MODERATOR, _user),
    "ban": Syntax("<name> [reason]", "bans somebody for good. What they said is taken away.",
                  _MODERATOR, _user_and_reason),
    "unban": Syntax("<name>", "lifts a ban or a timeout.", _MODERATOR, _user),
    "delete": Syntax("<message id>", "takes a message away.", _MODERATOR, _message),
    "clear": Syntax("", "takes everything away that was said.", _MODERATOR, _nothing),
    "slow": Syntax("[duration]", "lets everybody write once in 30 seconds, or as long as you say.", _MODERATOR, _slow),
    "slowoff": Syntax("", "ends slow mode.", _MODERATOR, _nothing),
    "followers": Syntax("[duration]", "lets only followers write, who are it for that long: 30, 1h, 7d (a bare number "
                        "is minutes).", _MODERATOR, _followers),
    "followersoff": Syntax("", "lets everybody write, not only followers.", _MODERATOR, _nothing),
    "subscribers": Syntax("", "lets only subscribers write.", _MODERATOR, _nothing),
    "subscribersoff": Syntax("", "lets everybody write, not only subscribers.", _MODERATOR, _nothing),
    "emoteonly": Syntax("", "lets everybody write in emotes only.", _MODERATOR, _nothing),
    "emoteonlyoff": Syntax("", "lets everybody write in words again.", _MODERATOR, _nothing),
    "uniquechat": Syntax("", "refuses what was said before.", _MODERATOR, _nothing),
    "uniquechatoff": Syntax("", "lets people repeat each other.", _MODERATOR, _nothing),
    "announce": Syntax("<text>", "says something that is to be seen; /announceblue, green, orange, purple colour it.",
                       _MODERATOR, _text),
    "announceblue": Syntax("<text>", "announces in blue.", _MODERATOR, _text),
    "announcegreen": Syntax("<text>", "announces in green.", _MODERATOR, _text),
    "announceorange": Syntax("<text>", "announces in orange.", _MODERATOR, _text),
    "announcepurple": Syntax("<text>", "announces in purple.", _MODERATOR, _text),
    "pin": Syntax("<message id> [duration]", "keeps a message at the top.", _MODERATOR, _message_and_time),
    "unpin": Syntax("", "takes the pinned message down.", _MODERATOR, _nothing),
    "block": Syntax("<term>", "refuses messages with it; * stands for any letters.", _MODERATOR, _term),
    "unblock": Syntax("<term>", "allows it again.", _MODERATOR, _term),
    "mod": Syntax("<name>", "makes somebody a moderator.", _OWNER, _user),
    "unmod": Syntax("<name>", "makes a moderator a viewer again.", _OWNER, _user),
    "vip": Syntax("<name>", "makes somebody a VIP.", _OWNER, _user),
    "unvip": Syntax("<name>", "makes a VIP a viewer again.", _OWNER, _user),
    "raid": Syntax("<channel>", "sends your viewers to that channel.", _OWNER, _channel),
}
# fmt: on
ALIASES: Final = {
    "slowmode": "slow",
    "emoteonlymode": "emoteonly",
    "subscribersonly": "subscribers",
    "followersonly": "followers",
    "r9kbeta": "uniquechat",
    "r9kbetaoff": "uniquechatoff",
    "unfollowers": "followersoff",
}
"""Other names that chatters' fingers know."""
