"""Who may do what to whom: the one table that routes, commands and IRC stand on."""

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Final, Literal

import msgspec

from chat.store.parties import Party
from schemas.errors import ApiError, ErrorCode

Action = Literal[
    "ban", "timeout", "unban", "untimeout", "delete", "clear", "settings", "announce", "pin", "unpin",
    "approve", "deny", "decide", "look", "raid", "grant", "revoke", "offer", "accept", "end", "report",
]  # fmt: skip


class Rank(IntEnum):
    """What counts between two people. VIPs are viewers here."""

    VIEWER = 0
    MODERATOR = 1
    BROADCASTER = 2
    ADMIN = 3
    """Of the installation: moderates everywhere."""


class Aim(Enum):
    """Whom an act may be aimed at."""

    NOBODY = "nobody"
    LOWER = "lower"
    """Somebody of a lower rank; never oneself, the broadcaster or an administrator."""
    WORDS = "words"
    """What somebody of a lower rank said, or oneself; to the broadcaster, anybody's."""
    OTHER = "other"
    """Anybody but oneself."""
    HELPER = "helper"
    """Anybody but the broadcaster, who has all rights already."""


class Rule(msgspec.Struct, frozen=True):
    """The lowest rank that may do it, and to whom."""

    least: Rank
    aim: Aim = Aim.NOBODY


RULES: Final[Mapping[Action, Rule]] = {
    "ban": Rule(Rank.MODERATOR, Aim.LOWER),
    "timeout": Rule(Rank.MODERATOR, Aim.LOWER),
    "unban": Rule(Rank.MODERATOR, Aim.OTHER),
    "untimeout": Rule(Rank.MODERATOR, Aim.OTHER),
    "delete": Rule(Rank.MODERATOR, Aim.WORDS),
    "clear": Rule(Rank.MODERATOR),
    "settings": Rule(Rank.MODERATOR),
    "announce": Rule(Rank.MODERATOR),
    "pin": Rule(Rank.MODERATOR),
    "unpin": Rule(Rank.MODERATOR),
    "approve": Rule(Rank.MODERATOR),
    "deny": Rule(Rank.MODERATOR),
    "decide": Rule(Rank.MODERATOR),
    "look": Rule(Rank.MODERATOR),
    "raid": Rule(Rank.BROADCASTER),
    "grant": Rule(Rank.BROADCASTER, Aim.HELPER),
    "revoke": Rule(Rank.BROADCASTER, Aim.HELPER),
    "offer": Rule(Rank.BROADCASTER),
    "accept": Rule(Rank.BROADCASTER),
    "end": Rule(Rank.BROADCASTER),
    "report": Rule(Rank.VIEWER, Aim.OTHER),
}


def rank_of(party: Party) -> Rank:
    """Return what counts of somebody."""
    if party.is_admin:
        return Rank.ADMIN
    return {"broadcaster": Rank.BROADCASTER, "moderator": Rank.MODERATOR}.get(party.role, Rank.VIEWER)


def check(action: Action, actor: Party, target: Party | None = None) -> None:
    """Raise `ApiError` FORBIDDEN (TIMED_OUT for a moderator who may not chat) when the rules say no."""
    rule, rank = RULES[action], rank_of(actor)
    if rank < rule.least:
        raise _no(_LACKS[rule.least])
    if rank is Rank.MODERATOR and actor.is_silenced:
        raise ApiError(ErrorCode.TIMED_OUT, "You do not moderate while you may not chat.")
    if target is not None and (reason := why_not(rule.aim, actor, target)):
        raise _no(reason)


_LACKS: Final = {
    Rank.MODERATOR: "You do not moderate this channel.",
    Rank.BROADCASTER: "Only the broadcaster may do this.",
}


def why_not(aim: Aim, actor: Party, target: Party) -> str:
    """Return why an act can't be aimed at somebody, "" when it can."""
    is_self = actor.id == target.id
    is_owner = target.role == "broadcaster"
    match aim:
        case Aim.NOBODY:
            return ""
        case Aim.OTHER:
            return "You can't do this to yourself." if is_self else ""
        case Aim.HELPER:
            return f"{target.username} is the broadcaster, who may do everything." if is_owner else ""
        case Aim.WORDS:
            if is_self or rank_of(actor) >= Rank.BROADCASTER or rank_of(target) < rank_of(actor):
                return ""
            return _above(target)
        case Aim.LOWER:
            if is_self:
                return "You can't do this to yourself."
            return "" if rank_of(target) < rank_of(actor) and not is_owner else _above(target)


def _above(target: Party) -> str:
    if target.role == "broadcaster":
        return f"{target.username} is the broadcaster here."
    if target.is_admin:
        return f"{target.username} is an administrator."
    return f"{target.username} moderates this channel too."


def _no(reason: str) -> ApiError:
    return ApiError(ErrorCode.FORBIDDEN, reason)
