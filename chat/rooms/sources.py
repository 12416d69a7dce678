"""What a join asks of others: who may read, what somebody is to a channel, how the channel is set."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chat.people import MayRead, Person, Standing
from chat.rooms.states import ReadStates
from schemas.chat import ChatSettings, Pinned, You
from schemas.ids import ChannelId

StandingOf = Callable[[Person, ChannelId], Awaitable[Standing]]
"""`chat.standings.Standings.of`."""
YouOf = Callable[[Person | None, ChannelId, int | None], Awaitable[You]]
"""`chat.standings.Standings.you`; the number is until when they are banned."""
SettingsOf = Callable[[ChannelId], Awaitable[ChatSettings]]
"""The modes of a channel, with its terms."""
PinnedOf = Callable[[ChannelId], Awaitable[Pinned | None]]
"""What is at the top of a channel's chat, read from the database."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """All of them. They raise `ApiError`, or what `failures` names when a database does not answer."""

    read_states: ReadStates
    may_read: MayRead
    standing_of: StandingOf
    you_of: YouOf
    settings_of: SettingsOf
    pinned_of: PinnedOf
    failures: tuple[type[Exception], ...] = (OSError, TimeoutError)
