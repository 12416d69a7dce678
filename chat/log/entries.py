"""How an entry lies in the stream and in what is published."""

from collections.abc import Mapping
from typing import Final

from chat.entry import Entry

PLACE: Final = b"p"
"""The field of an entry in the stream that holds `prev epoch at kind`; the id of the entry is `seq-0`."""
HEAD: Final = b"h"
"""The field with its head. append.lua writes both."""


def entry_of(stream_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """Return an entry as XRANGE and XREADGROUP give it. Raises ValueError or KeyError for what is none."""
    prev, epoch, at_ms, kind = fields[PLACE].split(b" ")
    seq = int(stream_id.partition(b"-")[0])
    return Entry(seq, int(prev), epoch.decode("ascii"), int(at_ms), kind.decode("ascii"), fields[HEAD])


def fields_of(entry: Entry) -> dict[bytes, bytes]:
    """Return the fields of an entry in the stream, as append.lua writes them."""
    place = b"%d %s %d %s" % (entry.prev, entry.epoch.encode("ascii"), entry.at_ms, entry.kind.encode("ascii"))
    return {PLACE: place, HEAD: entry.head}


def published(data: bytes) -> Entry:
    """Return an entry as it is published: `seq prev epoch at kind head`. Raises ValueError for what is none."""
    seq, prev, epoch, at_ms, kind, head = data.split(b" ", 5)
    return Entry(int(seq), int(prev), epoch.decode("ascii"), int(at_ms), kind.decode("ascii"), head)
