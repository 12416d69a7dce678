"""Which sessions storage finds, and what it does with what is none."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from media.storage import spool as module
from media.storage.spool import ABANDONED, SpoolInUse, StoredSpool
from media.storage.stream import StoredStream
from schemas.journal import Ended
from tests.media.storage.written import WrittenSession


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[StoredSpool]:
    found = StoredSpool(tmp_path / "spool")
    yield found
    found.close()


def end_of(stream: StoredStream) -> Ended | None:
    return stream.catalog.ended


def make_old(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_new_sessions_and_new_lines_are_found(spool: StoredSpool, tmp_path: Path) -> None:
    assert spool.look(0.0) == []
    session = WrittenSession(tmp_path)
    assert [stream.session_id for stream in spool.look(0.1)] == [session.session]
    assert spool.look(0.2) == []
    session.plan()
    assert [stream.session_id for stream in spool.look(0.3)] == [session.session]
    assert spool.streams[session.session].waiting == 2


def test_a_session_whose_first_line_is_being_written_is_taken_later(spool: StoredSpool, tmp_path: Path) -> None:
    session = WrittenSession(tmp_path)
    whole = (session.folder / "journal").read_bytes()
    (session.folder / "journal").write_bytes(whole[:20])
    assert spool.look(0.0) == []
    (session.folder / "journal").write_bytes(whole)
    assert len(spool.look(0.1)) == 1


@pytest.mark.parametrize("journal", [None, b"", b"foreign\n", b"\x00\xff" * 100 + b"\n"])
def test_what_is_no_session_is_moved_aside_when_it_is_old(
    spool: StoredSpool, tmp_path: Path, journal: bytes | None
) -> None:
    folder = tmp_path / "spool" / "s1"
    folder.mkdir()
    (folder / "file").write_bytes(b"kept")
    if journal is not None:
        (folder / "journal").write_bytes(journal)
    assert spool.look(0.0) == []
    assert folder.exists()  # it may become one
    make_old(folder, 61)
    assert spool.look(0.1) == []
    (aside,) = (tmp_path / "spool" / "aside").iterdir()
    assert (aside / "file").read_bytes() == b"kept"
    assert spool.look(0.2) == []


def test_two_processes_cannot_have_one_spool(spool: StoredSpool, tmp_path: Path) -> None:
    with pytest.raises(SpoolInUse):
        StoredSpool(tmp_path / "spool")


def test_the_name_stays(tmp_path: Path) -> None:
    first = StoredSpool(tmp_path / "spool")
    first.close()
    second = StoredSpool(tmp_path / "spool")
    second.close()
    assert first.name == second.name


def test_a_journal_that_nobody_comes_back_to_is_ended_after_an_hour(
    spool: StoredSpool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = WrittenSession(tmp_path)
    session.plan()
    session.segment()
    make_old(session.folder / "journal", 4000)
    spool.look(0.0)
    stream = spool.streams[session.session]
    spool.look(3599.0)
    assert end_of(stream) is None
    spool.look(3700.0)
    ended = end_of(stream)
    assert ended is not None
    assert ended.reason == ABANDONED
    assert abs(ended.at_ms / 1000 - (time.time() - 4000)) < 5


def test_while_an_ingest_process_runs_nothing_is_abandoned(spool: StoredSpool, tmp_path: Path) -> None:
    session = WrittenSession(tmp_path)
    make_old(session.folder / "journal", 4000)
    held = module._locked(tmp_path / "spool" / "ingest.lock")
    for now in (0.0, 3700.0, 7400.0):
        spool.look(now)
    assert spool.streams[session.session].catalog.ended is None
    os.close(held)
    spool.look(7500.0)  # its time begins with the last look at which it ran
    assert spool.streams[session.session].catalog.ended is None


def test_a_journal_that_is_gone_ends_its_session(spool: StoredSpool, tmp_path: Path) -> None:
    session = WrittenSession(tmp_path)
    session.plan()
    spool.look(0.0)
    (session.folder / "journal").unlink()
    spool.look(0.1)
    assert spool.streams[session.session].catalog.ended is not None
