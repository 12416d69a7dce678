"""What every object store does, shown on files and on a real S3 server."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.objects.address import read_address
from config.objects.files import FileStore
from config.objects.s3 import MULTIPART_BYTES, S3Store
from config.objects.store import NoSuchObject, ObjectInfo, ObjectStore
from tests.rclone import S3Server

pytestmark = pytest.mark.services


@pytest.fixture(params=["files", "s3", "a folder of s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    opened: ObjectStore
    if request.param == "files":
        opened = FileStore(tmp_path / "objects")
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        url = server.url + ("&prefix=some/folder" if "folder" in request.param else "")
        opened = await S3Store.open(read_address(url), "TALLY_S3_URL")
    yield opened
    await opened.close()


async def put(store: ObjectStore, key: str, body: bytes | Path) -> None:
    await store.put(key, body, content_type="video/mp4")


async def listed(store: ObjectStore, prefix: str) -> list[str]:
    return [info.key async for info in store.list(prefix)]


async def test_bytes_come_back(store: ObjectStore) -> None:
    await put(store, "live/c/s/source-0.m4s", b"0123456789")
    assert await store.get("live/c/s/source-0.m4s") == b"0123456789"


async def test_an_empty_object_is_one(store: ObjectStore) -> None:
    await put(store, "live/empty.m4s", b"")
    assert await store.get("live/empty.m4s") == b""
    assert await store.head("live/empty.m4s") == ObjectInfo("live/empty.m4s", 0, "video/mp4")


async def test_a_file_comes_back_and_stays_where_it_is(store: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.write_bytes(b"abc")
    await put(store, "live/a.m4s", path)
    await put(store, "live/a.m4s", path)  # again, as after a crash
    assert path.read_bytes() == b"abc"
    path.unlink()
    assert await store.get("live/a.m4s") == b"abc"


async def test_a_large_file_comes_back(store: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "large"
    block = bytes(range(256)) * 4096
    with path.open("wb") as file:
        for number in range(MULTIPART_BYTES // len(block) * 2 + 3):
            file.write(number.to_bytes(4) + block)
    await put(store, "clips/large.mp4", path)
    stored = await store.get("clips/large.mp4")
    assert hashlib.sha256(stored).digest() == hashlib.sha256(path.read_bytes()).digest()


async def test_ranges_include_both_ends(store: ObjectStore) -> None:
    await put(store, "a.m4s", b"0123456789")
    assert await store.get("a.m4s", 2, 4) == b"234"
    assert await store.get("a.m4s", 7) == b"789"
    assert await store.get("a.m4s", 0, 0) == b"0"
    assert await store.get("a.m4s", 8, 100) == b"89"


async def test_a_newer_object_replaces_the_older(store: ObjectStore) -> None:
    await put(store, "a.m3u8", b"a longer one")
    await put(store, "a.m3u8", b"new")
    assert await store.get("a.m3u8") == b"new"


async def test_head_says_size_and_type(store: ObjectStore) -> None:
    await store.put("a/playlist.m3u8", b"#EXTM3U", content_type="application/vnd.apple.mpegurl")
    assert await store.head("a/playlist.m3u8") == ObjectInfo("a/playlist.m3u8", 7, "application/vnd.apple.mpegurl")


async def test_what_is_not_there_is_none_or_an_error(store: ObjectStore) -> None:
    await put(store, "a/there.m4s", b"1")
    assert await store.head("a/nothing.m4s") is None
    for key in ("a/nothing.m4s", "a", "b/nothing.m4s"):
        with pytest.raises(NoSuchObject):
            await store.get(key)


async def test_deleted_objects_are_gone_and_others_are_not(store: ObjectStore) -> None:
    for key in ("live/c/1.m4s", "live/c/2.m4s", "live/d/3.m4s"):
        await put(store, key, b"1")
    await store.delete(["live/c/1.m4s", "live/c/nothing.m4s", "live/d/3.m4s"])
    await store.delete(["live/c/nothing.m4s"])
    await store.delete([])
    assert await listed(store, "live/") == ["live/c/2.m4s"]


async def test_lists_what_begins_with_a_prefix(store: ObjectStore) -> None:
    for key in ("live/a/1.m4s", "live/a/2.m4s", "live/ab/1.m4s", "recordings/a/1.m4s"):
        await put(store, key, b"1")
    assert await listed(store, "live/a/") == ["live/a/1.m4s", "live/a/2.m4s"]
    assert await listed(store, "live/a") == ["live/a/1.m4s", "live/a/2.m4s", "live/ab/1.m4s"]
    assert await listed(store, "nothing/") == []


async def test_many_at_once_are_all_stored(store: ObjectStore) -> None:
    await asyncio.gather(*(put(store, f"live/m/{n}.m4s", b"%d" % n) for n in range(40)))
    bodies = await asyncio.gather(*(store.get(f"live/m/{n}.m4s") for n in range(40)))
    assert bodies == [b"%d" % n for n in range(40)]


async def test_a_file_that_is_gone_is_said_so(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await put(store, "live/a.m4s", tmp_path / "nothing")
    assert await store.head("live/a.m4s") is None


@pytest.mark.parametrize("key", ["", "/a", "a/", "../a", "a/../b", "a//b", ".a", "a/.b", "a b", "ä", "a" * 1025])
async def test_other_keys_are_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        await put(store, key, b"")
    with pytest.raises(ValueError, match="is no key"):
        await store.get(key)


async def test_the_check_leaves_nothing(store: ObjectStore) -> None:
    assert (await store.check()).startswith(("files in", "bucket tally-"))
    assert await listed(store, "") == []
