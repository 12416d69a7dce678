"""What the database knows of a channel whose log Redis does not have: never used, long idle, or lost."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from schemas.chat import ChatSettings
from schemas.ids import ChannelId, UserId


class Recalled(msgspec.Struct, frozen=True):
    """What a log begins with."""

    seq: int
    """The highest number that was written down, 0 if none ever was."""
    bans: Mapping[UserId, int]
    """Those in force: user to ms, 0 for ever."""
    settings: Mapping[str, int]
    """`modes_of` the channel's settings."""


Recall = Callable[[ChannelId], Awaitable[Recalled]]
"""Raises `ApiError` NOT_FOUND for a channel that does not exist (else anybody could fill Redis); as databases do."""


def modes_of(settings: ChatSettings, version: int) -> dict[str, int]:
    """Return what the script checks of a channel's settings; `version` is that of the row in chat_settings."""
    return {
        "slow_mode": settings.slow_mode,
        "subscriber_only": int(settings.subscriber_only),
        "follower_only": int(settings.follower_only),
        "follower_minutes": settings.follower_minutes,
        "emote_only": int(settings.emote_only),
        "unique_chat": int(settings.unique_chat),
        "account_age_minutes": settings.account_age_minutes,
        "version": version,
    }
