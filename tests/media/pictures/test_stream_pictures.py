import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from media.pictures import stream
from media.pictures.messages import Sheet, Still
from media.pictures.stream import StreamPictures
from media.spool import Spool
from schemas.ids import SessionId
from schemas.journal import PictureStored

SESSION = SessionId("session")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool")
    (tmp_path / "spool" / SESSION).mkdir()
    yield made
    made.close()


class Nobody:
    """Takes note of what it is told."""

    def __init__(self) -> None:
        self.forgotten: list[SessionId] = []

    def offer(self, *_: object) -> None:
        raise AssertionError("nothing is offered in these tests")

    def forget(self, session_id: SessionId, /) -> None:
        self.forgotten.append(session_id)


def still(number: int, tiles: int | None = None) -> Still:
    sheet = None if tiles is None else Sheet(b"sheet %d" % number, tiles, 160, 90)
    return Still(b"thumbnail %d" % number, sheet)


async def settle(spool: Spool) -> None:
    async with asyncio.timeout(5):
        while spool.waiting_writes:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)


def files(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "spool" / SESSION).iterdir()}


async def test_before_the_first_keyframe_there_is_nothing(spool: Spool) -> None:
    pictures = StreamPictures(SESSION, spool, Nobody())
    for file in ("thumbnail.jpg", "storyboard.vtt", "storyboard-0-1.jpg", "thumbnail-1.jpg", "../x.jpg", ""):
        assert await pictures.get(file) is None


async def test_the_newest_thumbnail_is_served_and_only_it_is_on_disk(spool: Spool, tmp_path: Path) -> None:
    pictures = StreamPictures(SESSION, spool, Nobody())
    for number in range(3):
        pictures.add(still(number), 10.0 * number)
        assert await pictures.get("thumbnail.jpg") == b"thumbnail %d" % number, "at once"
        await settle(spool)
        assert await pictures.get("thumbnail.jpg") == b"thumbnail %d" % number, "from disk"
    await spool.read(SESSION, "thumbnail-3.jpg", 0, 11)
    await asyncio.to_thread(spool.close)
    assert files(tmp_path) == {"thumbnail-3.jpg"}
    assert await pictures.get("storyboard.vtt") is None, "there was no memory for a sheet"


async def test_a_growing_sheet_replaces_its_smaller_self(spool: Spool, tmp_path: Path) -> None:
    pictures = StreamPictures(SESSION, spool, Nobody())
    for number, tiles in enumerate((1, 2, 3, 1, 2)):
        pictures.add(still(number, tiles), 10.0 * number)
        await settle(spool)
    assert await pictures.get("storyboard-0-3.jpg") == b"sheet 2"
    assert await pictures.get("storyboard-0-2.jpg") == b"sheet 2", "for who has an older list"
    assert await pictures.get("storyboard-1-2.jpg") == b"sheet 4"
    for wrong in ("storyboard-0-4.jpg", "storyboard-0-0.jpg", "storyboard-2-1.jpg", "storyboard-0-2.png"):
        assert await pictures.get(wrong) is None
    assert b"storyboard-1-2.jpg#xywh=160,0,160,90" in (await pictures.get("storyboard.vtt") or b"")
    await asyncio.to_thread(spool.close)
    assert files(tmp_path) == {"thumbnail-5.jpg", "storyboard-0-3.jpg", "storyboard-1-2.jpg"}


async def test_a_disk_that_takes_nothing_costs_a_bounded_memory(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_session: SessionId, _name: str, _chunks: list[bytes], on_done: Callable[[bool], None]) -> bool:
        on_done(False)
        return True

    monkeypatch.setattr(spool, "store", refuse)
    pictures = StreamPictures(SESSION, spool, Nobody())
    for number in range(5):
        pictures.add(still(number, 1), 10.0 * number)
    assert await pictures.get("thumbnail.jpg") == b"thumbnail 4"
    there = [number for number in range(5) if await pictures.get(f"storyboard-{number}-1.jpg")]
    assert there == [3, 4]
    assert (await pictures.get("storyboard.vtt") or b"").count(b"-->") == 2


async def test_the_oldest_sheets_go_in_the_end(spool: Spool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stream, "MAX_SHEETS", 3)
    pictures = StreamPictures(SESSION, spool, Nobody())
    for number in range(5):
        pictures.add(still(number, 1), 10.0 * number)
        await settle(spool)
    assert [number for number in range(5) if await pictures.get(f"storyboard-{number}-1.jpg")] == [2, 3, 4]
    await asyncio.to_thread(spool.close)
    assert {name for name in files(tmp_path) if name.startswith("s")} == {f"storyboard-{n}-1.jpg" for n in (2, 3, 4)}


async def test_a_file_that_is_gone_is_no_picture(spool: Spool, tmp_path: Path) -> None:
    pictures = StreamPictures(SESSION, spool, Nobody())
    pictures.add(still(1), 0)
    await settle(spool)
    (tmp_path / "spool" / SESSION / "thumbnail-1.jpg").unlink()
    assert await pictures.get("thumbnail.jpg") is None


async def test_a_picture_replaced_while_it_is_read_is_read_again(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = StreamPictures(SESSION, spool, Nobody())
    pictures.add(still(1), 0)
    await settle(spool)
    read = spool.read

    async def slow(session: SessionId, name: str, offset: int, size: int) -> bytes:
        if name == "thumbnail-1.jpg":
            pictures.add(still(2), 10)
            await settle(spool)
            await read(session, "thumbnail-2.jpg", 0, 1)
            raise OSError("it is removed by now")
        return await read(session, name, offset, size)

    monkeypatch.setattr(spool, "read", slow)
    assert await pictures.get("thumbnail.jpg") == b"thumbnail 2"


async def test_after_the_end_no_more_are_made_and_what_exists_stays(spool: Spool) -> None:
    maker = Nobody()
    pictures = StreamPictures(SESSION, spool, maker)
    pictures.add(still(1), 0)
    pictures.end()
    assert maker.forgotten == [SESSION]
    assert await pictures.get("thumbnail.jpg") == b"thumbnail 1"


async def test_pictures_go_on_where_another_process_stopped(spool: Spool, tmp_path: Path) -> None:
    before = StreamPictures(SESSION, spool, Nobody())
    stored: list[PictureStored] = []
    before.on_stored = stored.append
    for number, tiles in enumerate((1, 2, 3, 1, 2)):
        before.add(still(number, tiles), 10.0 * number)
        await settle(spool)
    assert len(stored) == 10
    pictures = StreamPictures(SESSION, spool, Nobody())
    pictures.resume(stored)
    for file in ("thumbnail.jpg", "storyboard.vtt", "storyboard-0-3.jpg", "storyboard-1-1.jpg"):
        assert await pictures.get(file) == await before.get(file) is not None
    pictures.add(still(5, 1), 50.0)
    await settle(spool)
    assert await pictures.get("storyboard-2-1.jpg") == b"sheet 5"
    await asyncio.to_thread(spool.close)
    assert files(tmp_path) == {
        "thumbnail-6.jpg", "storyboard-0-3.jpg", "storyboard-1-2.jpg", "storyboard-2-1.jpg"
    }  # fmt: skip


async def test_versions_that_never_came_to_the_disk_leave_no_hole(spool: Spool) -> None:
    pictures = StreamPictures(SESSION, spool, Nobody())
    pictures.resume([PictureStored("sheet", "storyboard-0-3.jpg", 5, 20.0, 0, 3, 160, 90)])
    text = (await pictures.get("storyboard.vtt") or b"").decode()
    assert text.count("-->") == 3
    assert "00:00:20.000 --> 00:00:30.000\nstoryboard-0-3.jpg#xywh=320,0,160,90" in text


async def test_what_is_not_on_disk_is_not_told(spool: Spool, tmp_path: Path) -> None:
    pictures = StreamPictures(SESSION, spool, Nobody())
    stored: list[PictureStored] = []
    pictures.on_stored = stored.append
    (tmp_path / "spool" / SESSION).rmdir()
    pictures.add(still(1, 1), 10.0)
    await settle(spool)
    assert stored == []
    assert await pictures.get("thumbnail.jpg") == b"thumbnail 1"
