"""`make bench`: every table of figures, one after the other. `python -m tests.bench NAME` prints one, `sources` too."""

import sys

from tests.bench import (
    archive,
    chat_fanout,
    chat_keep,
    chat_log,
    clips,
    delivery,
    edges,
    feed,
    glass,
    ingest,
    journal,
    ladder,
    ordeal,
    sources,
    srt,
    storage,
    whep,
    whip,
)

TABLES = {
    "ingest": ingest.main,
    "feed": feed.main,
    "delivery": delivery.main,
    "edges": edges.main,
    "archive": archive.main,
    "glass": glass.main,
    "ladder": ladder.main,
    "journal": journal.main,
    "storage": storage.main,
    "clips": clips.main,
    "srt": srt.main,
    "whep": whep.main,
    "whip": whip.main,
    "chat_log": chat_log.main,
    "chat_keep": chat_keep.main,
    "chat_fanout": chat_fanout.main,
}


NAMED = {"sources": sources.main, "ordeal": ordeal.main}
"""Tables that take long and hold no figure of speed."""


def main() -> None:
    """Print the tables named on the command line, or all."""
    for name in sys.argv[1:] or TABLES:
        (TABLES | NAMED)[name]()


if __name__ == "__main__":
    main()
