"""Hears what is appended to the logs of this process's rooms: one connection, only the channels of those rooms."""

from collections.abc import Callable

from chat.entry import Entry
from schemas.ids import ChannelId

OnEntry = Callable[[ChannelId, Entry], None]
OnModerators = Callable[[ChannelId, bytes], None]
"""Is given a `schemas.socket.ModeratorEvent` as JSON."""
OnFresh = Callable[[ChannelId], None]
Trouble = Callable[[str, BaseException], None]


class Listener:
    """Callbacks come in the loop, in the order in which Redis sent things, and must not block.

    Redis forgets what is published while nobody listens: `on_fresh` comes after each confirmed subscription, also when
    a lost connection was made again, and what may have been missed must be read from the log then.
    """

    def __init__(
        self, redis_url: str, on_entry: OnEntry, on_moderators: OnModerators, on_fresh: OnFresh, trouble: Trouble
    ) -> None:
        self._url = redis_url
        self._on_entry = on_entry
        self._on_moderators = on_moderators
        self._on_fresh = on_fresh
        self._trouble = trouble

    async def subscribe(self, channel: ChannelId) -> None:
        """Listen to a channel; returns when Redis has confirmed (at once if it did before): now fill from the log.

        Raises `ApiError` UNAVAILABLE after `CONFIRM_S`; the channel stays wanted until `unsubscribe`.
        """
        raise NotImplementedError

    def unsubscribe(self, channel: ChannelId) -> None:
        """Listen to a channel no more. Nothing of it comes after this call."""
        raise NotImplementedError

    async def run(self) -> None:
        """Listen until cancelled."""
        raise NotImplementedError
