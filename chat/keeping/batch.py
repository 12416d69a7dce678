"""What entries of logs come to in PostgreSQL.

Unreadable      an entry whose head is not what its kind says; it can be kept nowhere
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from chat.entry import SPOKEN, Entry
from chat.store.history import BELIEVED_MS
from chat.store.messages import Batch, Clear, Deletion, MessageRow, Purge, Reached
from schemas.ids import ChannelId, UserId

LATENCY_MS: Final = 2_000
"""How far behind the camera the picture of a usual viewer is: what is taken when an author's player does not say."""
AT_MAX_MS: Final = 1 << 43
"""The year 2248. Databases refuse times far behind it."""


class Unreadable(Exception):
    """This entry can't be written down, however often it is tried."""


class _Spoken(msgspec.Struct, gc=False):
    """The head of a `message` or `announcement`."""

    message: msgspec.Raw
    color: str = ""


class _Said(msgspec.Struct, gc=False, rename="camel"):
    """What has columns of its own."""

    id: str
    user_id: UserId
    picture_at: int | None = None


class _OfUser(msgspec.Struct, gc=False, rename="camel"):
    user_id: UserId


class _OfMessage(msgspec.Struct, gc=False, rename="camel"):
    message_id: str


_spoken: Final = msgspec.json.Decoder(_Spoken)
_said: Final = msgspec.json.Decoder(_Said)
_of_user: Final = msgspec.json.Decoder(_OfUser)
_of_message: Final = msgspec.json.Decoder(_OfMessage)


class Draft:
    """A batch in the making."""

    def __init__(self) -> None:
        self._batch = Batch([], [], [], [], [])
        self._reached: dict[ChannelId, Reached] = {}

    def add(self, channel: ChannelId, entry: Entry) -> None:
        """Take an entry in. Raises `Unreadable`, and then nothing of it is in the batch."""
        if not 0 <= entry.at_ms < AT_MAX_MS:
            raise Unreadable(f"at {entry.at_ms} ms")
        write = _WRITERS.get(entry.kind)
        if write is not None:
            try:
                write(self._batch, channel, entry)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Unreadable(str(error)) from error
        last = self._reached.get(channel)
        if last is None or last.seq < entry.seq:
            self._reached[channel] = Reached(channel, entry.seq, entry.epoch)

    def batch(self) -> Batch:
        """Return what was taken in."""
        return msgspec.structs.replace(self._batch, reached=list(self._reached.values()))


def drafted(entries: Iterable[tuple[ChannelId, Entry]]) -> Batch:
    """Return the batch of entries that are all readable."""
    draft = Draft()
    for channel, entry in entries:
        draft.add(channel, entry)
    return draft.batch()


def picture_at(at_ms: int, told_ms: int | None) -> int:
    """Return the moment of the stream that a message belongs to: what its author's player says, if that can be."""
    if told_ms is not None and at_ms - BELIEVED_MS <= told_ms <= at_ms:
        return told_ms
    return at_ms - LATENCY_MS


def _message(batch: Batch, channel: ChannelId, entry: Entry) -> None:
    spoken = _spoken.decode(entry.head + b"}}")
    said = _said.decode(spoken.message)
    batch.messages.append(
        MessageRow(
            channel_id=channel,
            seq=entry.seq,
            at_ms=entry.at_ms,
            epoch=entry.epoch,
            id=said.id,
            user_id=said.user_id,
            kind="announcement" if entry.kind == "announcement" else "message",
            color=spoken.color,
            picture_at_ms=picture_at(entry.at_ms, said.picture_at),
            message=bytes(spoken.message).decode(),
        )
    )


def _message_deleted(batch: Batch, channel: ChannelId, entry: Entry) -> None:
    deleted = _of_message.decode(entry.head + b"}")
    batch.deletions.append(Deletion(channel, deleted.message_id, entry.at_ms))


def _user_banned(batch: Batch, channel: ChannelId, entry: Entry) -> None:
    banned = _of_user.decode(entry.head + b"}")
    batch.purges.append(Purge(channel, banned.user_id, entry.seq, entry.at_ms))


def _clear_chat(batch: Batch, channel: ChannelId, entry: Entry) -> None:
    batch.clears.append(Clear(channel, entry.seq, entry.at_ms))


_WRITERS: Final[dict[str, Callable[[Batch, ChannelId, Entry], None]]] = {
    **dict.fromkeys(SPOKEN, _message),
    "message_deleted": _message_deleted,
    "user_banned": _user_banned,
    "user_timed_out": _user_banned,
    "clear_chat": _clear_chat,
}
"""By kind of event; the other kinds leave nothing but their place."""
