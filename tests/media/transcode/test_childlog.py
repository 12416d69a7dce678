"""A child's log, which may be anything."""

import asyncio

import pytest

from media.transcode import childlog
from media.transcode.childlog import MOST_BYTES, MOST_LINES, ChildLog


class Pipe(asyncio.ReadTransport):
    """Knows whether it is read."""

    is_read = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> tuple[ChildLog, Pipe]:
    """A log with short periods, and its pipe."""
    monkeypatch.setattr(childlog, "PERIOD_S", 0.05)
    log, pipe = ChildLog(), Pipe()
    log.connection_made(pipe)
    return log, pipe


async def test_lines_come_out_whole_and_the_last_without_an_end(
    log: tuple[ChildLog, Pipe], capsys: pytest.CaptureFixture[str]
) -> None:
    for part in (b"one\ntw", b"o\nthree"):
        log[0].data_received(part)
    assert capsys.readouterr().err == "one\ntwo\n"
    log[0].connection_lost(None)
    assert capsys.readouterr().err == "three\n"


async def test_more_lines_than_a_log_can_bear_are_counted_for_each_period(
    log: tuple[ChildLog, Pipe], capsys: pytest.CaptureFixture[str]
) -> None:
    log[0].data_received(b"x\n" * (MOST_LINES + 7))
    assert capsys.readouterr().err == "x\n" * MOST_LINES
    await asyncio.sleep(0.1)
    log[0].data_received(b"y\n")
    assert capsys.readouterr().err == "7 lines of a transcoder are not shown\ny\n"
    log[0].connection_lost(None)
    assert capsys.readouterr().err == ""


async def test_a_child_that_writes_without_end_waits_for_the_next_period(log: tuple[ChildLog, Pipe]) -> None:
    reads = []
    for data in (bytes(MOST_BYTES), b"x"):
        log[0].data_received(data)
        reads.append(log[1].is_read)
    await asyncio.sleep(0.1)
    assert [*reads, log[1].is_read] == [True, False, True]
    log[0].connection_lost(None)
