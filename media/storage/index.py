"""All events of a session as one object, for whoever lost some: made again from its journal and its notes."""

from pathlib import Path

import msgspec

from media.journal.reader import JournalTail
from media.storage.boards import Boards
from media.storage.catalog import Catalog
from media.storage.ledger import Kept, Ledger
from media.storage.telling import Telling
from schemas.journal import JOURNAL_FILE, UPLOADS_FILE, Ended, PictureStored
from schemas.storage import MediaEvent


def write_index(folder: Path, ended: Ended) -> tuple[str, bytes]:
    """Return name and text of the index of a session that is over. Blocks; raises `OSError`."""
    events = events_of(folder, ended)
    return f"index-{len(events)}.json", msgspec.json.encode(events)


def events_of(folder: Path, ended: Ended) -> list[MediaEvent]:
    """Return everything that web is told of a session but its end, in order."""
    catalog, boards = Catalog(), Boards()
    tail = JournalTail(folder / JOURNAL_FILE)
    while records := tail.read():
        catalog.add(records, 0.0)
    catalog.finish(ended, 0.0)
    for tile in catalog.new_tiles:
        boards.add(tile)
    telling = Telling(catalog)
    started = telling.start()
    events = [] if started is None else [started]
    ledger = Ledger(folder / UPLOADS_FILE)
    ledger.close()
    for note in ledger.notes:
        piece = catalog.pieces.get(note.name) if isinstance(note, Kept) else None
        sheet = piece.fact if piece is not None else None
        if isinstance(sheet, PictureStored) and sheet.kind == "sheet" and (listed := boards.list(sheet)) is not None:
            catalog.add_text(*listed, 0.0)
        events += telling.take(note)
    return events
