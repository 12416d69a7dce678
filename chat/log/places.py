"""Where something stands in a channel's log, and what else a message may be answered."""

import msgspec


class Place(msgspec.Struct, frozen=True, gc=False):
    """An event has its place. `id` is that of the message, or of the act."""

    id: str
    seq: int
    epoch: str
    at_ms: int
    is_repeat: bool = False
    """This was answered before: nothing was appended now. `id` is the one of then."""


class Held(msgspec.Struct, frozen=True, gc=False):
    """A message waits for a moderator; the log remembers its key only."""

    held_id: str
    is_repeat: bool = False
    """This was answered before; `held_id` is the one of then, of which the row may be missing if somebody died."""


class Position(msgspec.Struct, frozen=True, gc=False):
    """The end of a log: its last entry, or the number that the first one will follow."""

    epoch: str
    seq: int
