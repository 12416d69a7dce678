"""Segments on disk, written behind the loop's back."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog.testing

from media.spool import MAX_WAITING_WRITES, Spool
from schemas.ids import SessionId

ONE, TWO = SessionId("one"), SessionId("two")


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path / "spool")
    yield spool
    spool.close()


async def store(spool: Spool, session: SessionId, name: str, *chunks: bytes) -> bool:
    """Store a file and wait for the outcome."""
    outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    assert spool.store(session, name, chunks, outcome.set_result)
    async with asyncio.timeout(5):
        return await outcome


async def test_a_stored_file_is_read_whole_and_in_pieces(spool: Spool, tmp_path: Path) -> None:
    assert await store(spool, ONE, "video-0.m4s", b"abc", b"defg")
    assert (tmp_path / "spool/one/video-0.m4s").read_bytes() == b"abcdefg"
    assert await spool.read(ONE, "video-0.m4s", 0, 7) == b"abcdefg"
    assert await spool.read(ONE, "video-0.m4s", 3, 4) == b"defg"


async def test_only_the_owner_may_look_into_it(spool: Spool, tmp_path: Path) -> None:
    await store(spool, ONE, "video-0.m4s", b"abc")
    for directory in (tmp_path / "spool", tmp_path / "spool/one"):
        assert directory.stat().st_mode & 0o777 == 0o700


async def test_what_is_not_there_or_too_short_is_an_error(spool: Spool) -> None:
    await store(spool, ONE, "video-0.m4s", b"abc")
    with pytest.raises(OSError, match="video-9"):
        await spool.read(ONE, "video-9.m4s", 0, 1)
    with pytest.raises(OSError, match="2 bytes at 1, not 3"):
        await spool.read(ONE, "video-0.m4s", 1, 3)


async def test_removing_a_session_removes_what_was_handed_over_before(spool: Spool, tmp_path: Path) -> None:
    for number in range(20):
        spool.store(ONE, f"video-{number}.m4s", [b"x"], lambda _: None)
    spool.store(TWO, "video-0.m4s", [b"x"], lambda _: None)
    spool.remove(ONE)
    assert await store(spool, TWO, "video-1.m4s", b"x")
    assert sorted(path.name for path in (tmp_path / "spool").rglob("*")) == ["two", "video-0.m4s", "video-1.m4s"]
    spool.forget(TWO, "video-0.m4s")
    spool.forget(TWO, "video-7.m4s")
    assert await store(spool, TWO, "video-2.m4s", b"x")
    assert not (tmp_path / "spool/two/video-0.m4s").exists()


def test_what_an_earlier_process_left_is_removed(tmp_path: Path) -> None:
    stale = tmp_path / "spool/old"
    stale.mkdir(parents=True)
    (stale / "video-0.m4s").write_bytes(b"x")
    Spool(tmp_path / "spool").close()
    assert list((tmp_path / "spool").iterdir()) == []


async def test_a_disk_that_fails_is_reported_once_and_used_again_when_it_works(spool: Spool, tmp_path: Path) -> None:
    obstacle = tmp_path / "spool/one"
    obstacle.write_bytes(b"a file where the directory should be")
    with structlog.testing.capture_logs() as logs:
        for number in range(5):
            assert not await store(spool, ONE, f"video-{number}.m4s", b"x")
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("spool not writable, keeping segments in memory", "error")
    ]
    assert logs[0]["reason"] == "File exists"
    obstacle.unlink()
    assert await store(spool, ONE, "video-5.m4s", b"x")


async def test_a_file_that_could_not_be_finished_is_not_there(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "spool/one/video-0.m4s/in the way").mkdir(parents=True)  # the last step, the renaming, fails
    assert not await store(spool, ONE, "video-0.m4s", b"x")
    assert [path.name for path in (tmp_path / "spool/one").iterdir()] == ["video-0.m4s"]


async def test_a_closed_spool_has_finished_and_takes_nothing(spool: Spool, tmp_path: Path) -> None:
    for number in range(20):
        spool.store(ONE, f"video-{number}.m4s", [b"x"], lambda _: None)
    spool.close()
    assert len(list((tmp_path / "spool/one").iterdir())) == 20
    assert not spool.store(ONE, "video-20.m4s", [b"x"], lambda _: None)
    spool.forget(ONE, "video-0.m4s")
    spool.remove(ONE)
    assert len(list((tmp_path / "spool/one").iterdir())) == 20


async def test_a_slow_disk_fills_the_queue_and_no_more(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    written: list[str] = []

    def slow(_directory: Path, name: str, _chunks: object) -> None:
        release.wait(5)
        written.append(name)

    monkeypatch.setattr(spool, "_write", slow)
    outcomes: list[bool] = []
    try:
        taken = [spool.store(ONE, str(number), [b"x"], outcomes.append) for number in range(MAX_WAITING_WRITES + 3)]
        assert taken == [True] * MAX_WAITING_WRITES + [False] * 3
        assert spool.waiting_writes == MAX_WAITING_WRITES
    finally:
        release.set()
    async with asyncio.timeout(5):
        while spool.waiting_writes:
            await asyncio.sleep(0.001)
    assert outcomes == [True] * MAX_WAITING_WRITES
    assert len(written) == MAX_WAITING_WRITES
