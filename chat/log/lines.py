"""What somebody wants to say, with all that the script must know to decide at once."""

from typing import Literal

import msgspec

from schemas.ids import ChannelId, UserId


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way. Rates: `burst` at once, then one each `interval_ms` (0: no limit)."""

    channel: ChannelId
    user: UserId
    key: str
    """The author's idempotency key: the same again gets the first answer, for 5 minutes."""
    id: str
    kind: Literal["message", "announcement"] = "message"
    head: bytes
    """See chat/entry.py."""
    digest: str
    """Of the text, folded as the caller sees fit: what makes two texts the same. "": is never a duplicate."""
    characters: int
    """Of the text: unique chat lets short ones (under `UNIQUE_MIN_CHARACTERS` in say.lua) pass."""
    is_privileged: bool
    """Modes, slow mode and duplicates are not looked at; bans and the rate are."""
    interval_ms: int
    burst: int
    follows_minutes: int = -1
    """For how long the author has followed; -1: does not."""
    is_subscriber: bool = False
    account_minutes: int = 0
    """How old the account is."""
    only_emotes: bool = False
    held_id: str = ""
    """Not "": a moderator shall see it first. Everything is checked, nothing is appended."""
