"""The spool: whose it is, what is found in it, pictures written behind the loop's back."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog.testing

from media.spool import MAX_WAITING_WRITES, Spool, SpoolInUse
from schemas.ids import SessionId
from schemas.journal import Begun, Ended
from tests.media.material import begin

ONE, TWO = SessionId("one"), SessionId("two")


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path / "spool")
    begin(spool, ONE).close()
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


async def test_one_file_is_removed_after_what_was_handed_over_before(spool: Spool, tmp_path: Path) -> None:
    for number in range(20):
        spool.store(ONE, f"thumbnail-{number}.jpg", [b"x"], lambda _: None)
        spool.forget(ONE, f"thumbnail-{number}.jpg")
    spool.forget(ONE, "thumbnail-77.jpg")
    assert await store(spool, ONE, "thumbnail-20.jpg", b"x")
    assert sorted(path.name for path in (tmp_path / "spool/one").iterdir()) == ["journal", "thumbnail-20.jpg"]


async def test_a_session_that_storage_has_removed_does_not_come_back(spool: Spool, tmp_path: Path) -> None:
    assert not await store(spool, TWO, "thumbnail-1.jpg", b"x")
    assert not (tmp_path / "spool/two").exists()


async def test_a_disk_that_fails_is_reported_once_and_used_again_when_it_works(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "spool/one").rename(tmp_path / "away")
    with structlog.testing.capture_logs() as logs:
        for number in range(5):
            assert not await store(spool, ONE, f"video-{number}.m4s", b"x")
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("spool takes no pictures, keeping the newest in memory", "error")
    ]
    assert logs[0]["reason"] == "No such file or directory"
    (tmp_path / "away").rename(tmp_path / "spool/one")
    assert await store(spool, ONE, "video-5.m4s", b"x")


async def test_a_file_that_could_not_be_finished_is_not_there(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "spool/one/video-0.m4s/in the way").mkdir(parents=True)  # the last step, the renaming, fails
    assert not await store(spool, ONE, "video-0.m4s", b"x")
    assert {path.name for path in (tmp_path / "spool/one").iterdir()} == {"journal", "video-0.m4s"}


async def test_a_closed_spool_has_finished_and_takes_nothing(spool: Spool, tmp_path: Path) -> None:
    for number in range(20):
        spool.store(ONE, f"video-{number}.m4s", [b"x"], lambda _: None)
    spool.close()
    assert len(list((tmp_path / "spool/one").iterdir())) == 21
    assert not spool.store(ONE, "video-20.m4s", [b"x"], lambda _: None)
    spool.forget(ONE, "video-0.m4s")
    assert len(list((tmp_path / "spool/one").iterdir())) == 21


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


# --- what an earlier process left ---------------------------------------------------------------------------


def test_one_process_at_a_time_has_it(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool")
    with pytest.raises(SpoolInUse, match="another ingest process uses it"):
        Spool(tmp_path / "spool")
    first.close()
    Spool(tmp_path / "spool").close()


def test_the_node_keeps_its_id(tmp_path: Path) -> None:
    ids = []
    for _ in range(2):
        spool = Spool(tmp_path / "spool")
        ids.append(spool.node_id)
        spool.close()
    assert ids[0] == ids[1]
    (tmp_path / "spool/node").write_text("no id\n")
    spool = Spool(tmp_path / "spool")
    spool.close()
    assert spool.node_id not in {"no id", ids[0]}
    assert (tmp_path / "spool/node").read_text() == f"{spool.node_id}\n"


async def test_sessions_without_an_end_are_found_and_go_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    begin(spool, ONE).close()
    ended = begin(spool, TWO)
    ended.add(Ended("unpublished", 1))
    ended.close()
    path = tmp_path / "spool/one/journal"
    with path.open("ab") as file:
        file.write(b"torn")
    os.utime(path, (time.time() - 100, time.time() - 100))
    spool.close()
    spool = Spool(tmp_path / "spool")
    [found] = spool.unfinished()
    assert found.session_id == ONE
    assert isinstance(found.contents.records[0], Begun)
    assert 100 <= found.silent_s < 200
    journal = spool.resume(ONE, found.contents)
    journal.add(Ended("ingest was restarted", 2))
    journal.close()
    assert spool.unfinished() == []
    assert not (tmp_path / "spool/aside").exists()
    spool.close()


async def test_what_is_foreign_is_moved_aside_with_a_line(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    spool = Spool(root)
    begin(spool, ONE).close()
    (root / "foreign").mkdir()
    (root / "foreign/journal").write_bytes(b"a diary\n")
    (root / "nothing-begun").mkdir()
    (root / "nothing-begun/journal").write_bytes(b"01234567 {")
    (root / "pictures").mkdir()
    (root / "pictures/cat.jpg").write_bytes(b"cat")
    (root / "empty").mkdir()
    (root / "copy").mkdir()
    (root / "copy/journal").write_bytes((root / "one/journal").read_bytes())
    with structlog.testing.capture_logs() as logs:
        assert [found.session_id for found in spool.unfinished()] == [ONE]
    moved = {path.name.rpartition("-")[0]: path for path in (root / "aside").iterdir()}
    assert set(moved) == {"foreign", "nothing-begun", "pictures", "copy"}
    assert (moved["pictures"] / "cat.jpg").read_bytes() == b"cat"
    assert [entry["event"] for entry in logs] == ["foreign directory in the spool moved aside"] * 4
    assert {path.name for path in root.iterdir()} == {"one", "aside", "node", "ingest.lock"}
    spool.close()


async def test_a_damaged_journal_is_kept_before_it_is_cut(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    spool = Spool(root)
    begin(spool, ONE).close()
    path = root / "one/journal"
    damaged = path.read_bytes() + b"damaged\n" + path.read_bytes()
    path.write_bytes(damaged)
    with structlog.testing.capture_logs() as logs:
        [found] = spool.unfinished()
    assert [entry["event"] for entry in logs] == ["damaged journal goes on from before the damage"]
    [kept] = (root / "aside").iterdir()
    assert kept.read_bytes() == damaged
    journal = spool.resume(ONE, found.contents)
    journal.add(Ended("", 1))
    journal.close()
    assert path.read_bytes().startswith(damaged[: found.contents.valid_bytes])
    assert b"damaged" not in path.read_bytes()
    spool.close()
