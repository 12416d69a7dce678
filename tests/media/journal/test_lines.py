"""Lines of journals: what is written is read, and nothing else."""

from binascii import crc32
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.journal.lines import BadLine, OtherVersion, begun_of, line_of, record_of
from schemas import journal
from tests.media.journal.samples import BEGUN, RECORDS


def test_every_kind_of_record_survives_its_line() -> None:
    assert {type(record) for record in RECORDS} == set(get_args(journal.Record))
    for record in RECORDS:
        line = line_of(record)
        assert line.count(b"\n") == 1
        assert record_of(line.removesuffix(b"\n")) == record


def test_a_line_looks_as_the_format_says() -> None:
    text = b'{"t":"resumed","startS":1.5}'
    assert line_of(journal.Resumed(1.5)) == b"%08x " % crc32(text) + text + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"00000000",
        b"00000000 ",
        line_of(BEGUN)[1:-1],
        line_of(BEGUN)[:-2],
        line_of(BEGUN)[:-1].upper(),
        b"+" + line_of(BEGUN)[1:-1],
        b"%08x " % crc32(b'{"t":"unknown"}') + b'{"t":"unknown"}',
        b"%08x " % crc32(b'{"t":"resumed"}') + b'{"t":"resumed"}',
        b"%08x " % crc32(b"\xff\xfe") + b"\xff\xfe",
        b'%08x {"t":"ended","reason":"\xff","atMs":1}' % crc32(b'{"t":"ended","reason":"\xff","atMs":1}'),
    ],
)
def test_what_is_no_line_is_a_bad_line(line: bytes) -> None:
    with pytest.raises(BadLine):
        record_of(line)
    with pytest.raises(BadLine):
        begun_of(line)


def test_any_flipped_bit_of_a_line_makes_it_bad() -> None:
    line = line_of(BEGUN)[:-1]
    for place in range(len(line)):
        for bit in range(8):
            flipped = line[:place] + bytes((line[place] ^ 1 << bit,)) + line[place + 1 :]
            with pytest.raises(BadLine):
                record_of(flipped)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_a_bad_line(line: bytes) -> None:
    for each in (line, b"%08x " % crc32(line) + line):
        with pytest.raises(BadLine):
            record_of(each)


def test_a_newer_version_is_known_by_its_first_line_whatever_else_it_says() -> None:
    text = b'{"t":"begun","version":2,"session":{"id":"x"}}'
    with pytest.raises(OtherVersion, match="version 2, not 1"):
        begun_of(b"%08x " % crc32(text) + text)


def test_a_journal_begins_with_nothing_else() -> None:
    for record in RECORDS[1:]:
        with pytest.raises(BadLine, match="beginning"):
            begun_of(line_of(record)[:-1])
