"""One entry of a channel's log, and the JSON that clients get of it.

The log stores an event without its place, because the place is known only inside the script that appends it: the JSON
object is left open at its end (`head`), and `text` closes it with `timestamp`, `seq` and `epoch`. Of a message the
inner object (schemas.chat.ChatMessage) gets them too.
"""

from typing import Final

import msgspec

from schemas.chat import Authored
from schemas.ids import ChannelId
from schemas.socket import LoggedEvent

SPOKEN: Final = frozenset({"message", "announcement"})
"""Kinds that hold a `ChatMessage`; its object is the last of theirs, so that both are open at the end."""

_decoder: Final[msgspec.json.Decoder[LoggedEvent]] = msgspec.json.Decoder(LoggedEvent)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An event in its place. `prev` is the seq of the entry before it, 0 at the first; `kind` is its `type`."""

    seq: int
    prev: int
    epoch: str
    at_ms: int
    kind: str
    head: bytes


def text(entry: Entry) -> bytes:
    """Return the event as JSON."""
    place = b'"timestamp":%d,"seq":%d,"epoch":"%s"}' % (entry.at_ms, entry.seq, entry.epoch.encode("ascii"))
    if entry.kind in SPOKEN:
        return entry.head + b"," + place + b"," + place
    return entry.head + b"," + place


def event(entry: Entry) -> LoggedEvent:
    """Return the event decoded."""
    return _decoder.decode(text(entry))


def head_of_message(message: Authored) -> bytes:
    """Return the head of a `message`."""
    return b'{"type":"message","channelId":"%s","message":%s' % (
        message.channel_id.encode("ascii"),
        msgspec.json.encode(message)[:-1],
    )


def head_of_announcement(message: Authored, color: str) -> bytes:
    """Return the head of an `announcement`."""
    return b'{"type":"announcement","channelId":"%s","color":"%s","message":%s' % (
        message.channel_id.encode("ascii"),
        color.encode("ascii"),
        msgspec.json.encode(message)[:-1],
    )


def head(kind: str, channel: ChannelId, **fields: object) -> bytes:
    """Return the head of any other event. `fields` are those of its Struct, under their names in JSON."""
    assert kind not in SPOKEN
    return msgspec.json.encode({"type": kind, "channelId": channel, **fields})[:-1]
