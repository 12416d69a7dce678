"""What moderators and the platform do in a channel: effects and events that belong together."""

from collections.abc import Mapping, Sequence

import msgspec

from schemas.ids import ChannelId, UserId


class ActEvent(msgspec.Struct, frozen=True):
    """One event of an act, and what changes in Redis at that point. JSON-safe: chat_acts.events keeps it.

    `kind` "" has effects only: nothing is appended.
    """

    kind: str
    head: str = ""
    """See chat/entry.py, decoded: UTF-8 text."""
    bans: Mapping[UserId, int] = {}
    """User to the ms until which they may not chat, 0 for ever. A later one takes the place of an earlier."""
    unbans: Sequence[UserId] = ()
    settings: Mapping[str, int] | None = None
    """`modes_of` the new settings. Older ones (by `version`) than the log knows are passed over."""


class Act(msgspec.Struct, frozen=True):
    """One decision. Told twice under the same id it takes effect once (remembered for 7 days)."""

    id: str
    channel: ChannelId
    events: Sequence[ActEvent]
    """At most `ACT_EVENTS_MAX`, with `ACT_BANS_MAX` bans and unbans together: a script holds Redis up."""


ACT_EVENTS_MAX = 100
ACT_BANS_MAX = 10_000
