"""Writing journals: what lies where, what is written first, how one goes on after any interruption."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from media.journal.disk import Disk
from media.journal.reader import JournalTail, read_journal
from media.journal.writer import Journal
from schemas import journal
from schemas.journal import Record
from tests.media.journal.samples import BEGUN, INIT, PLANNED, RECORDS, content, segment, whole, write


@pytest.fixture
def disk() -> Iterator[Disk]:
    with ThreadPoolExecutor(1) as writer:
        yield Disk(writer)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "session"


def records(directory: Path) -> list[Record]:
    return read_journal(directory / "journal").records


async def test_records_are_in_the_journal_and_bytes_in_their_files(directory: Path, disk: Disk) -> None:
    written = Journal.create(directory, BEGUN, disk)
    data = {"init": b"init" * 175, "video": bytes(1000), "captions": b"WEBVTT\n" * 10}
    for record in RECORDS[1:]:
        match record:
            case journal.InitMade():
                written.add(record, data["init"])
            case journal.PartAdded():
                written.add(record, data["video"])
            case journal.CaptionsWritten():
                written.add(record, data["captions"])
            case _:
                written.add(record)
    written.commit()
    written.close()
    assert records(directory) == RECORDS
    assert {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "journal"} == {
        "video-init-1.mp4": data["init"],
        "video-0.m4s": data["video"],
        "captions-0.vtt": data["captions"],
    }
    assert directory.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in directory.iterdir())


async def test_nothing_is_written_before_the_commit(directory: Path, disk: Disk) -> None:
    written = Journal.create(directory, BEGUN, disk)
    for record, data in segment(0):
        written.add(record, data)
    assert records(directory) == [BEGUN]
    assert not (directory / "video-0.m4s").exists()
    written.commit()
    assert [type(record).__name__ for record in records(directory)[1:]] == [
        "SegmentBegun",
        *["PartAdded"] * 4,
        "SegmentClosed",
    ]
    assert written.take_stored() == [("video", 0)]
    assert written.take_stored() == []


async def test_a_line_is_never_there_before_its_bytes(
    directory: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Journal.create(directory, BEGUN, disk)
    tail = JournalTail(directory / "journal")
    pwrite = os.pwrite
    seen = 0

    def watched(descriptor: int, data: bytes, offset: int) -> int:
        nonlocal seen
        count = pwrite(descriptor, data, offset)
        for record in tail.read():
            if isinstance(record, journal.PartAdded):
                seen += 1
                file = (directory / f"video-{record.msn}.m4s").read_bytes()
                assert file[record.offset : record.offset + record.size] == content(record.msn, record.index)
        return count

    monkeypatch.setattr(os, "pwrite", watched)
    for msn in range(3):
        for record, data in segment(msn):
            written.add(record, data)
        written.commit()
    assert seen == 12


async def test_files_of_segments_are_open_only_while_they_grow(directory: Path, disk: Disk) -> None:
    before = len(os.listdir("/proc/self/fd"))
    written = Journal.create(directory, BEGUN, disk)
    for msn in range(5):
        write(written, segment(msn))
    assert len(os.listdir("/proc/self/fd")) == before + 1
    write(written, segment(5)[:2])
    assert len(os.listdir("/proc/self/fd")) == before + 2
    written.close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_nothing_follows_the_close(directory: Path, disk: Disk) -> None:
    written = Journal.create(directory, BEGUN, disk)
    written.close()
    written.add(PLANNED)
    written.commit()
    written.close()
    assert records(directory) == [BEGUN]


async def test_a_writer_that_resumes_at_a_cut_goes_on_validly(directory: Path, disk: Disk) -> None:
    written = Journal.create(directory, BEGUN, disk)
    entries: list[tuple[Record, bytes]] = [(PLANNED, b""), (INIT, b"init"), *segment(0)[:3]]
    for record, data in entries:
        written.add(record, data)
    written.commit()
    written.close()
    bytes_written = (directory / "journal").read_bytes()
    before = records(directory)
    size = len(content(0, 0))
    for cut in [*range(bytes_written.index(b"\n") + 1, len(bytes_written), 7), len(bytes_written)]:
        (directory / "journal").write_bytes(bytes_written[:cut])
        (directory / "video-0.m4s").write_bytes(whole(0))  # more than any line speaks of
        contents = read_journal(directory / "journal")
        resumed = Journal.resume(directory, contents, disk)
        parts = [record for record in contents.records if isinstance(record, journal.PartAdded)]
        if any(isinstance(record, journal.SegmentBegun) for record in contents.records):
            assert (directory / "video-0.m4s").stat().st_size == len(parts) * size
        resumed.add(journal.Ended("cut", cut))
        resumed.commit()
        resumed.close()
        again = read_journal(directory / "journal")
        assert again.records == [*before[: len(contents.records)], journal.Ended("cut", cut)]
        assert not again.is_torn


async def test_a_segment_in_progress_goes_on_where_it_was(directory: Path, disk: Disk) -> None:
    written = Journal.create(directory, BEGUN, disk)
    write(written, segment(0)[:3])
    written.close()
    with (directory / "video-0.m4s").open("ab") as file:
        file.write(b"bytes without a line")
    resumed = Journal.resume(directory, read_journal(directory / "journal"), disk)
    assert (directory / "video-0.m4s").read_bytes() == whole(0, 2)
    write(resumed, segment(0)[3:])
    assert (directory / "video-0.m4s").read_bytes() == whole(0)
    assert resumed.take_stored() == [("video", 0)]


async def test_bytes_without_a_line_are_written_over(directory: Path, disk: Disk) -> None:
    written = Journal.create(directory, BEGUN, disk)
    written.close()
    (directory / "video-0.m4s").write_bytes(b"of a process that was killed" * 100)
    resumed = Journal.resume(directory, read_journal(directory / "journal"), disk)
    write(resumed, segment(0))
    assert (directory / "video-0.m4s").read_bytes() == whole(0)


async def test_a_tail_follows_a_writer(directory: Path, disk: Disk) -> None:
    written = Journal.create(directory, BEGUN, disk)
    tail = JournalTail(directory / "journal")
    assert tail.read() == [BEGUN]
    for msn in range(3):
        for record, data in segment(msn):
            written.add(record, data)
            assert tail.read() == []
            written.commit()
            assert tail.read() == [record]


class Killed(BaseException):
    """Stands for the end of the process."""


async def test_killed_at_any_write_what_the_journal_says_is_true(
    directory: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite
    entries: list[tuple[Record, bytes]] = [(PLANNED, b""), (INIT, b"init"), *segment(0, 2), *segment(1, 3)]
    last = 0
    for count in range(60):
        target = directory / str(count)
        target.parent.mkdir(exist_ok=True)
        left = count

        def dying(descriptor: int, data: bytes, offset: int) -> int:
            nonlocal left
            if not left:
                pwrite(descriptor, data[: len(data) // 2], offset)
                raise Killed
            left -= 1
            return pwrite(descriptor, data, offset)

        monkeypatch.setattr(os, "pwrite", dying)
        try:
            written = Journal.create(target, BEGUN, disk)
            write(written, entries)
        except Killed:
            last = count
        monkeypatch.setattr(os, "pwrite", pwrite)
        contents = read_journal(target / "journal")
        for record in contents.records:
            if isinstance(record, journal.PartAdded):
                data = (target / f"video-{record.msn}.m4s").read_bytes()
                assert data[record.offset : record.offset + record.size] == content(record.msn, record.index)
        if contents.records:
            resumed = Journal.resume(target, contents, disk)
            write(resumed, entries[len(contents.records) - 1 :])
            resumed.close()
            assert records(target) == [BEGUN, *(record for record, _ in entries)]
            assert (target / "video-0.m4s").read_bytes() == whole(0, 2)
            assert (target / "video-1.m4s").read_bytes() == whole(1, 3)
    assert last == len(entries) + 6, "each line and each part with its bytes was cut once"


async def test_a_segment_in_progress_that_is_gone_is_not_made_again(directory: Path, disk: Disk) -> None:
    written = Journal.create(directory, BEGUN, disk)
    write(written, segment(0)[:3])
    written.close()
    (directory / "video-0.m4s").unlink()
    resumed = Journal.resume(directory, read_journal(directory / "journal"), disk)
    resumed.add(journal.Ended("", 1))
    resumed.close()
    assert not (directory / "video-0.m4s").exists()
    assert records(directory)[-1] == journal.Ended("", 1)
