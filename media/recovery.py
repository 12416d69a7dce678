"""What an ingest process finds in its spool when it starts: sessions that go on, and those that are over."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from media.journal.writer import Journal
from media.resume import NothingToResume, Past
from media.spool import Found, Spool
from schemas.journal import Begun, Ended

log = structlog.get_logger()

TOO_LATE = "The server was away for longer than publishers are waited for."
NEVER_SHOWN = "The server was restarted before anything could be played."


class Recovered(msgspec.Struct, frozen=True):
    """A session that had not ended when its process did. Without a `past` there is nothing to go on with."""

    found: Found
    begun: Begun
    past: Past | None
    reason: str
    """Why it is over; "" when it goes on."""


def recover(spool: Spool, grace_s: float) -> list[Recovered]:
    """Return what is unfinished. Blocks: some seconds for streams of days."""
    return [_recovered(found, spool.directory(found.session_id), grace_s) for found in spool.unfinished()]


def _recovered(found: Found, directory: Path, grace_s: float) -> Recovered:
    begun = found.contents.records[0]
    assert isinstance(begun, Begun), "a journal is found by its beginning"
    reason = "" if found.silent_s < grace_s else TOO_LATE
    try:
        past = Past(found.contents.records, _reader(directory))
    except NothingToResume as error:
        log.warning("session cannot go on", session=found.session_id, reason=str(error))
        return Recovered(found, begun, None, reason or NEVER_SHOWN)
    return Recovered(found, begun, past, reason)


def _reader(directory: Path) -> Callable[[str], bytes]:
    return lambda file: (directory / file).read_bytes()


def finish(recovered: Recovered, journal: Journal) -> None:
    """End a session that is over: its renditions at one place, then its journal."""
    if recovered.past is not None:
        for record in recovered.past.settle():
            journal.add(record)
    journal.add(Ended(recovered.reason, time.time_ns() // 1_000_000))
    journal.close()
