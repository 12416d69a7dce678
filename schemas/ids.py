"""The identifiers that cross processes: opaque strings outside, distinct types inside."""

import secrets
import time
from typing import NewType

UserId = NewType("UserId", str)
ChannelId = NewType("ChannelId", str)
SessionId = NewType("SessionId", str)
"""One publish of one channel, from `Publish.Start` to its end; also the id of the row in `streams`."""
NodeId = NewType("NodeId", str)
"""One ingest node: it lies in its spool, so that a process that is started again on it goes on as the same node."""
VodId = NewType("VodId", str)
ClipId = NewType("ClipId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case: no i, l, o, u
_TIME_DIGITS = 9  # 45 bits of milliseconds: until the year 3084
_RANDOM_DIGITS = 12  # 60 bits


def make_id() -> str:
    """Return a new id of 21 characters that sorts by its time of making and is safe in paths and file names."""
    value = (time.time_ns() // 1_000_000) << (5 * _RANDOM_DIGITS) | secrets.randbits(5 * _RANDOM_DIGITS)
    digits = _TIME_DIGITS + _RANDOM_DIGITS
    return "".join(_ALPHABET[(value >> (5 * place)) & 31] for place in range(digits - 1, -1, -1))
