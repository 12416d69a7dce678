"""A disk that is full, gone, slow or torn: streams go on from memory, and what can be saved is saved."""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog.testing

from media.journal import backlog, writer
from media.journal.disk import SLOW_PAUSE_S, SLOW_WRITES, TROUBLE_PERIOD_S, Disk, Stopwatch
from media.journal.files import Entry, Written
from media.journal.reader import read_journal
from media.journal.writer import GIVE_UP_S, LATE_S, Journal
from schemas import journal
from schemas.journal import Record
from tests.media.journal.samples import BEGUN, PLANNED, begun, part, segment, whole, write


class Clock:
    """Passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.005)


@pytest.fixture
async def disk(clock: Clock) -> AsyncIterator[Disk]:
    with ThreadPoolExecutor(1) as thread:
        made = Disk(thread, clock)
        yield made
        made.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "session"


def create(directory: Path, disk: Disk, clock: Clock) -> Journal:
    written = Journal(directory, BEGUN.session_id, disk, clock=clock)
    written.add(BEGUN)
    written.add(PLANNED)
    written.commit()
    return written


async def until(is_met: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_met():
            await asyncio.sleep(0.002)


async def attempts(disk: Disk, count: int = 2) -> None:
    """Wait until the disk has failed so often from now on."""
    before = disk.failures
    await until(lambda: disk.failures >= before + count)


def records(directory: Path) -> list[Record]:
    contents = read_journal(directory / "journal")
    assert not contents.is_torn
    return contents.records


def fill(directory: Path, msn: int) -> Path:
    """Let the disk be full for this segment, as the kernel says it."""
    file = directory / f"video-{msn}.m4s"
    file.symlink_to("/dev/full")
    return file


# --- full ---------------------------------------------------------------------------------------------------


async def test_what_a_full_disk_does_not_take_is_written_later_in_order(
    directory: Path, disk: Disk, clock: Clock
) -> None:
    written = create(directory, disk, clock)
    write(written, segment(0))
    obstacle = fill(directory, 1)
    for msn in (1, 2, 3):
        write(written, segment(msn))
    assert written.is_behind
    assert written.take_stored() == [("video", 0)]
    assert disk.trouble == "No space left on device"
    assert disk.behind == 1
    await attempts(disk)
    assert len(records(directory)) == 2 + len(segment(0)) + 1, "the beginning of a segment has no bytes"
    obstacle.unlink()
    await until(lambda: not written.is_behind)
    assert disk.trouble == ""
    assert written.take_stored() == [("video", 1), ("video", 2), ("video", 3)]
    write(written, segment(4))
    assert records(directory)[2:] == [record for msn in range(5) for record, _ in segment(msn)]
    for msn in range(5):
        assert (directory / f"video-{msn}.m4s").read_bytes() == whole(msn)
    assert disk.lost_segments == 0


async def test_segments_that_left_the_live_window_are_lost_whole(directory: Path, disk: Disk, clock: Clock) -> None:
    written = create(directory, disk, clock)
    write(written, segment(0))
    away = directory.rename(directory.with_name("away"))
    kept = round(backlog.PENDING_S / 2)
    for msn in range(1, kept + 6):
        write(written, segment(msn))
    assert disk.lost_segments == 4
    away.rename(directory)
    await until(lambda: not written.is_behind)
    told = records(directory)
    lost = [record for record in told if isinstance(record, journal.SegmentLost)]
    assert lost == [journal.SegmentLost("video", msn, 1, 2.0 * msn, 1_700_000_000.0, 2.0) for msn in range(1, 5)]
    closed = [record.msn for record in told if isinstance(record, journal.SegmentClosed)]
    assert closed == [0, *range(5, kept + 6)]
    assert {path.name for path in directory.iterdir()} == {"journal", *(f"video-{msn}.m4s" for msn in closed)}
    order = [record.msn for record in told if isinstance(record, journal.SegmentBegun | journal.SegmentLost)]
    assert order == [0, 1, *range(1, kept + 6)], "the first had begun when the disk went"


async def test_a_segment_that_was_half_written_is_lost_after_its_beginning(
    directory: Path, disk: Disk, clock: Clock
) -> None:
    written = create(directory, disk, clock)
    write(written, segment(0)[:3])
    away = directory.rename(directory.with_name("away"))
    write(written, [(begun(0, "audio"), b""), (part(0, 0, 0, b"sound", "audio"), b"sound")])
    write(written, segment(0)[3:])
    for msn in range(1, 40):
        write(written, segment(msn))
    away.rename(directory)
    await until(lambda: not written.is_behind)
    video = [record for record in records(directory)[2:] if getattr(record, "rendition", "") == "video"]
    assert video[:3] == [record for record, _ in segment(0)[:3]]
    assert video[3] == journal.SegmentLost("video", 0, 1, 0.0, 1_700_000_000.0, 2.0)
    assert not (directory / "video-0.m4s").exists()
    assert (directory / "audio-0.m4s").read_bytes() == b"sound"


async def test_what_waits_is_bounded_even_if_nobody_can_see_it(
    directory: Path, disk: Disk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MAX_PENDING", 50)
    directory.parent.joinpath("session").write_bytes(b"in the way")
    written = create(directory, disk, clock)
    for number in range(300):
        written.add(journal.Resumed(float(number)))
        written.commit()
    await attempts(disk)
    directory.unlink()
    await until(lambda: not written.is_behind)
    told = records(directory)
    assert told[:2] == [BEGUN, PLANNED]
    assert [record.start_s for record in told[2:] if isinstance(record, journal.Resumed)][-1] == 299
    assert 40 <= len(told) <= 52


async def test_a_journal_that_could_not_begin_begins_later(directory: Path, disk: Disk, clock: Clock) -> None:
    directory.write_bytes(b"a file where the directory should be")
    written = create(directory, disk, clock)
    write(written, segment(0))
    await attempts(disk)
    directory.unlink()
    await until(lambda: not written.is_behind)
    assert records(directory)[:2] == [BEGUN, PLANNED]
    assert (directory / "video-0.m4s").read_bytes() == whole(0)


async def test_a_journal_that_another_took_away_is_not_written_into(directory: Path, disk: Disk, clock: Clock) -> None:
    written = create(directory, disk, clock)
    obstacle = fill(directory, 0)
    write(written, segment(0))
    (directory / "journal").write_bytes(b"")
    obstacle.unlink()
    await attempts(disk)
    assert (directory / "journal").read_bytes() == b""
    assert disk.trouble.startswith("the journal has 0 bytes")


async def test_a_torn_line_is_written_again(
    directory: Path, disk: Disk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = create(directory, disk, clock)
    for record, data in segment(0, 2):
        written.add(record, data)
    pwrite = os.pwrite
    is_torn = False

    def tearing(descriptor: int, data: bytes, offset: int) -> int:
        nonlocal is_torn
        if is_torn:
            raise OSError(28, "No space left on device")
        if data.count(b"\n") == 4:
            is_torn = True
            return pwrite(descriptor, data[: data.index(b"\n") + 50], offset)
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", tearing)
    written.commit()
    contents = read_journal(directory / "journal")
    assert contents.records == [BEGUN, PLANNED, segment(0)[0][0]]
    assert contents.is_torn
    await attempts(disk)
    monkeypatch.setattr(os, "pwrite", pwrite)
    await until(lambda: not written.is_behind)
    assert records(directory)[2:] == [record for record, _ in segment(0, 2)]


async def test_a_real_limit_of_the_system_tears_and_everything_is_saved(tmp_path: Path) -> None:
    """In a process of its own, which may write so many bytes into a file, and after a while any number."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.media.journal.limited", str(tmp_path / "session"), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    outcome = json.loads(output.splitlines()[-1])
    assert outcome["trouble"] == "File too large"
    assert outcome["failures"] >= 2
    assert outcome["torn"], "the limit cut a line"
    assert records(tmp_path / "session")[1:] == [record for msn in range(12) for record, _ in segment(msn)]
    for msn in range(12):
        assert (tmp_path / "session" / f"video-{msn}.m4s").read_bytes() == whole(msn)


# --- slow ---------------------------------------------------------------------------------------------------


def test_a_busy_machine_is_no_slow_disk() -> None:
    seconds = iter((0.0, 1.0))
    watch = Stopwatch(lambda: next(seconds))
    sum(range(100_000))
    assert watch.waited_s() == 0.0
    seconds = iter((0.0, 1.0))
    watch = Stopwatch(lambda: next(seconds))
    time.sleep(0.001)
    assert watch.waited_s() == 1.0


def slow_down(monkeypatch: pytest.MonkeyPatch, written: Journal, clock: Clock, seconds: float) -> list[str]:
    """Let each write take so long; return the threads that wrote."""
    threads: list[str] = []
    usual = written._files.write

    def slow(entries: list[Entry]) -> Written:
        threads.append(threading.current_thread().name)
        clock.now += seconds
        if seconds:
            time.sleep(0.001)  # only who really waits is held up by a disk
        return usual(entries)

    monkeypatch.setattr(written._files, "write", slow)
    return threads


async def test_a_slow_disk_holds_the_loop_up_a_few_times_only(
    directory: Path, disk: Disk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = create(directory, disk, clock)
    threads = slow_down(monkeypatch, written, clock, 0.2)
    for msn in range(10):
        write(written, segment(msn))
    assert len(threads) == SLOW_WRITES
    assert disk.trouble == "the disk is slow"
    await until(lambda: len(threads) > SLOW_WRITES)
    assert "MainThread" not in threads[SLOW_WRITES:]
    monkeypatch.undo()
    monkeypatch.setattr(writer, "RETRY_S", 0.005)

    def is_well() -> bool:
        clock.now += SLOW_PAUSE_S + 1
        return not written.is_behind

    await until(is_well)
    assert records(directory)[2:] == [record for msn in range(10) for record, _ in segment(msn)]


async def test_one_journal_learns_from_another_that_the_disk_is_slow(
    directory: Path, disk: Disk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = create(directory, disk, clock)
    other = create(directory.with_name("other"), disk, clock)
    threads = slow_down(monkeypatch, other, clock, 0.0)
    slow_down(monkeypatch, written, clock, 2.0)
    write(written, segment(0)[:1])
    write(other, segment(0))
    assert threads == []
    assert disk.behind == 1
    clock.now += SLOW_PAUSE_S + 1
    await until(lambda: not other.is_behind)
    assert threads[0] != "MainThread"


def test_now_and_then_a_slow_write_is_nothing(clock: Clock) -> None:
    with ThreadPoolExecutor(1) as thread:
        disk = Disk(thread, clock)
        for _ in range(5):
            for seconds in (0.2, 0.2, 0.01):
                disk.took(seconds)
        assert not disk.is_slow
        assert disk.slow_writes == 10
        for seconds in (0.2, 0.2, 0.2):
            disk.took(seconds)
        assert disk.is_slow


# --- what is said -------------------------------------------------------------------------------------------


def test_trouble_is_reported_once_per_period_and_its_end_once(clock: Clock) -> None:
    with ThreadPoolExecutor(1) as thread, structlog.testing.capture_logs() as logs:
        disk = Disk(thread, clock)
        for _ in range(100):
            for journal_of in ("one", "two"):
                disk.fell_behind(journal_of, "No space left on device")
            clock.now += TROUBLE_PERIOD_S / 50
        disk.lost_segments += 7
        disk.caught_up("one")
        disk.caught_up("one")
        disk.caught_up("two")
        disk.caught_up("two")
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("disk does not keep up, streams go on from memory", "error"),
        ("disk does not keep up, streams go on from memory", "error"),
        ("disk keeps up again", "info"),
    ]
    assert [entry.get("sessions") for entry in logs] == [1, 2, None]
    assert logs[-1]["seconds"] == 120
    assert logs[-1]["lost_segments"] == 7


def test_a_disk_that_comes_and_goes_does_not_fill_the_log(clock: Clock) -> None:
    with ThreadPoolExecutor(1) as thread, structlog.testing.capture_logs() as logs:
        disk = Disk(thread, clock)
        for _ in range(90):
            disk.fell_behind("one", "No space left on device")
            clock.now += 0.5
            disk.caught_up("one")
            clock.now += 0.5
        clock.now += TROUBLE_PERIOD_S
        disk.fell_behind("one", "Input/output error")
    assert [entry["log_level"] for entry in logs] == ["error", "info", "error", "info", "error"]
    assert disk.trouble == "Input/output error"


# --- the end ------------------------------------------------------------------------------------------------


async def test_what_waits_at_the_end_is_still_written(directory: Path, disk: Disk, clock: Clock) -> None:
    written = create(directory, disk, clock)
    obstacle = fill(directory, 0)
    write(written, segment(0))
    await attempts(disk)
    obstacle.unlink()
    written.add(journal.Ended("unpublished", 1))
    written.close()
    await until(lambda: not disk.behind)
    assert records(directory)[2:] == [*(record for record, _ in segment(0)), journal.Ended("unpublished", 1)]
    assert (directory / "video-0.m4s").read_bytes() == whole(0)


async def test_a_process_that_ends_writes_what_waits_behind_what_is_being_written(
    directory: Path, disk: Disk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = create(directory, disk, clock)
    release = threading.Event()
    usual = written._files.write
    is_first = True

    def stuck(entries: list[Entry]) -> Written:
        nonlocal is_first
        if threading.current_thread() is not threading.main_thread():
            release.wait(20)
        if is_first:
            is_first = False
            return Written(0, "stuck")
        return usual(entries)

    monkeypatch.setattr(written._files, "write", stuck)
    write(written, segment(0)[:3])
    await until(lambda: written._writing is not None)
    write(written, segment(0)[3:])
    written.add(journal.Ended("stopping", 1))
    written.close()
    release.set()
    await until(lambda: not disk.behind)
    assert records(directory)[2:] == [*(record for record, _ in segment(0)), journal.Ended("stopping", 1)]
    assert (directory / "video-0.m4s").read_bytes() == whole(0)


async def test_long_after_the_end_segments_are_lost_and_then_the_rest(
    directory: Path, disk: Disk, clock: Clock
) -> None:
    written = create(directory, disk, clock)
    obstacle = fill(directory, 0)
    write(written, segment(0))
    written.close()
    await attempts(disk)
    assert disk.lost_segments == 0
    clock.now += LATE_S + 1
    await until(lambda: disk.lost_segments == 1)
    await until(lambda: not disk.behind)
    assert records(directory)[2:] == [begun(0), journal.SegmentLost("video", 0, 1, 0.0, 1_700_000_000.0, 2.0)]
    assert not obstacle.is_symlink()


async def test_a_disk_that_never_comes_back_is_given_up(directory: Path, disk: Disk, clock: Clock) -> None:
    directory.write_bytes(b"a file where the directory should be")
    written = create(directory, disk, clock)
    written.add(part(0, 0, 0, b"x"), b"x")
    written.close()
    await attempts(disk)
    with structlog.testing.capture_logs() as logs:
        clock.now += GIVE_UP_S + 1
        await until(lambda: not disk.behind)
    assert "journal stays without its end" in [entry["event"] for entry in logs]
