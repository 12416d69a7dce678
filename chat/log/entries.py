"""How an entry lies in the stream and in what is published."""

from collections.abc import Mapping
from typing import Final

from chat.entry import Entry

PREV: Final = b"p"
EPOCH: Final = b"e"
AT: Final = b"t"
KIND: Final = b"k"
HEAD: Final = b"h"
"""The fields of an entry in the stream; its id is `seq-0`. append.lua writes them."""


def entry_of(stream_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """Return an entry as XRANGE and XREADGROUP give it. Raises ValueError or KeyError for what is none."""
    return Entry(
        seq=int(stream_id.partition(b"-")[0]),
        prev=int(fields[PREV]),
        epoch=fields[EPOCH].decode("ascii"),
        at_ms=int(fields[AT]),
        kind=fields[KIND].decode("ascii"),
        head=fields[HEAD],
    )


def published(data: bytes) -> Entry:
    """Return an entry as it is published: `seq prev epoch at kind head`. Raises ValueError for what is none."""
    seq, prev, epoch, at_ms, kind, head = data.split(b" ", 5)
    return Entry(int(seq), int(prev), epoch.decode("ascii"), int(at_ms), kind.decode("ascii"), head)
