"""Names in Redis, all of one channel under the same hash tag."""

from schemas.ids import ChannelId, UserId


def state(channel: ChannelId) -> str:
    """A hash: epoch, seq, base and the modes that the script checks."""
    return f"chat:{{{channel}}}:state"


def log(channel: ChannelId) -> str:
    """The stream of entries; the id of an entry is `seq-0`."""
    return f"chat:{{{channel}}}:log"


def bans(channel: ChannelId) -> str:
    """A sorted set: user ids with the ms until which they may not chat, `FOR_EVER` for bans."""
    return f"chat:{{{channel}}}:bans"


def answered(channel: ChannelId, user: UserId, key: str) -> str:
    """What the message with this idempotency key was answered."""
    return f"chat:{{{channel}}}:i:{user}:{key}"


def rate(channel: ChannelId, user: UserId) -> str:
    """When the sender's allowance is full again."""
    return f"chat:{{{channel}}}:r:{user}"


def slow(channel: ChannelId, user: UserId) -> str:
    """There while the sender has to wait for slow mode."""
    return f"chat:{{{channel}}}:s:{user}"


def said(channel: ChannelId, digest: str) -> str:
    """There while this text may not be said again."""
    return f"chat:{{{channel}}}:u:{digest}"


def told(channel: ChannelId, act: str) -> str:
    """What the act with this id was answered."""
    return f"chat:{{{channel}}}:a:{act}"


def staged(channel: ChannelId, nonce: str) -> str:
    """Bans on their way into a log that begins."""
    return f"chat:{{{channel}}}:b:{nonce}"


def events_channel(channel: ChannelId) -> str:
    """Where entries are published."""
    return f"chat:{{{channel}}}"


def moderators_channel(channel: ChannelId) -> str:
    """Where `schemas.socket.ModeratorEvent`s are published."""
    return f"chat:{{{channel}}}:mods"


DIRTY = "chat:dirty"
"""A set: channels whose log has entries that are not in PostgreSQL."""
FOR_EVER = 9_007_199_254_740_991
"""The score of a ban: exact in a double."""
