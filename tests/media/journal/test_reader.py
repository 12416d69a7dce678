"""Reading journals that are whole, torn, damaged, foreign, or still written."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.journal.lines import line_of
from media.journal.reader import READ_BYTES, Contents, ForeignJournal, JournalTail, read_journal
from schemas.journal import Begun, Resumed
from tests.media.journal.samples import BEGUN, RECORDS

LINES = [line_of(record) for record in RECORDS]
WHOLE = b"".join(LINES)
ENDS = [sum(map(len, LINES[: count + 1])) for count in range(len(LINES))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def read(path: Path, data: bytes) -> Contents:
    path.write_bytes(data)
    return read_journal(path)


def test_a_whole_journal_is_read_whole(path: Path) -> None:
    assert read(path, WHOLE) == Contents(RECORDS, len(WHOLE), is_torn=False)


def test_cut_anywhere_the_records_before_are_read(path: Path) -> None:
    for cut in range(len(WHOLE)):
        whole = sum(end <= cut for end in ENDS)
        valid = ENDS[whole - 1] if whole else 0
        assert read(path, WHOLE[:cut]) == Contents(RECORDS[:whole], valid, is_torn=valid < cut)


def test_with_any_byte_changed_the_records_before_it_are_read(path: Path) -> None:
    for place in range(len(WHOLE)):
        damaged = WHOLE[:place] + bytes((WHOLE[place] ^ 0x15,)) + WHOLE[place + 1 :]
        whole = sum(end <= place for end in ENDS)
        if whole:
            is_broken = place < len(WHOLE) - 1  # else it is torn
            assert read(path, damaged) == Contents(RECORDS[:whole], ENDS[whole - 1], is_torn=True, is_broken=is_broken)
        else:
            with pytest.raises(ForeignJournal):
                read(path, damaged)


@given(data=st.binary(max_size=400), kept=st.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_records_or_a_foreign_journal(path: Path, data: bytes, kept: int) -> None:
    try:
        contents = read(path, b"".join(LINES[:kept]) + data)
    except ForeignJournal:
        assert not kept
        assert b"\n" in data
    else:
        assert contents.records == RECORDS[:kept]
        assert contents.is_torn is bool(data)
        assert contents.is_broken is (b"\n" in data)


def test_another_version_is_foreign(path: Path) -> None:
    newer = line_of(Begun(2, BEGUN.grant, BEGUN.key_digest, BEGUN.node_id, BEGUN.started_at_ms))
    with pytest.raises(ForeignJournal, match="version 2") as caught:
        read(path, newer)
    assert caught.value.path == path


def test_what_is_not_there_is_an_os_error(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        JournalTail(path).read()


def test_a_tail_gives_each_record_once_as_soon_as_its_line_is_whole(path: Path) -> None:
    path.write_bytes(b"")
    tail = JournalTail(path)
    seen = []
    with path.open("ab", buffering=0) as file:
        for place in range(0, len(WHOLE), 37):
            file.write(WHOLE[place : place + 37])
            seen += tail.read()
            assert len(seen) == sum(end <= file.tell() for end in ENDS)
            assert tail.read() == []
    assert seen == RECORDS


def test_a_tail_goes_on_where_a_writer_cut_a_torn_line_off(path: Path) -> None:
    path.write_bytes(LINES[0] + LINES[1][:-5])
    tail = JournalTail(path)
    assert tail.read() == RECORDS[:1]
    assert tail.read() == []
    os.truncate(path, len(LINES[0]))
    assert tail.read() == []
    path.write_bytes(LINES[0] + LINES[2] + LINES[3])
    assert tail.read() == RECORDS[2:4]


def test_a_tail_says_that_a_damaged_line_stops_it(path: Path) -> None:
    path.write_bytes(LINES[0] + b"damaged\n" + LINES[1])
    tail = JournalTail(path)
    assert tail.read() == RECORDS[:1]
    assert tail.read() == []
    assert tail.is_broken
    path.write_bytes(LINES[0] + LINES[1])
    assert tail.read() == RECORDS[1:2]
    assert not tail.is_broken


def test_a_long_journal_is_read_in_pieces(path: Path) -> None:
    records = [Resumed(float(number)) for number in range(60_000)]
    path.write_bytes(LINES[0] + b"".join(map(line_of, records)))
    assert path.stat().st_size > 2 * READ_BYTES
    tail = JournalTail(path)
    assert 0 < len(tail.read()) < len(records)
    assert read_journal(path).records == [BEGUN, *records]
