"""The lock of a data directory and the directory of sockets."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import locks
from config.embedded.runtime import (
    LONGEST_SOCKET_NAME,
    LONGEST_SOCKET_PATH,
    CannotStart,
    is_locked,
    locked,
    prepare_data,
    runtime_directory,
)


def test_a_data_directory_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match=r"file/data \(TALLY_DATA\) is not a directory"):
        prepare_data(tmp_path / "file" / "data")
    with pytest.raises(CannotStart, match="not a directory"):
        prepare_data(tmp_path / "file")


def test_a_writable_data_directory_is_left_empty(tmp_path: Path) -> None:
    prepare_data(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_the_lock_is_exclusive_and_ends_with_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_S", 0.0)
    assert not is_locked(tmp_path)
    with locked(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(CannotStart, match="already runs on"), locked(tmp_path):
            pass
    assert not is_locked(tmp_path)
    with locked(tmp_path):
        pass


@pytest.fixture
def short_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as name:
        yield Path(name)


def test_the_socket_directory_is_private_and_the_same_each_time(short_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(short_path)}
    path = runtime_directory(short_path / "data", environ)
    assert path.parent == short_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert runtime_directory(short_path / "x" / ".." / "data", environ) == path
    assert runtime_directory(short_path / "other", environ) != path


def test_a_too_long_place_for_sockets_is_not_used(short_path: Path) -> None:
    long = short_path / ("x" * 90)
    long.mkdir()
    path = runtime_directory(short_path / "data", {"XDG_RUNTIME_DIR": str(long)})
    path.rmdir()
    assert path.parent == Path("/tmp")
    assert len(os.fsencode(path)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH


def test_a_planted_link_is_not_followed(short_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(short_path)}
    path = runtime_directory(short_path / "data", environ)
    path.rmdir()
    (short_path / "elsewhere").mkdir(mode=0o755)
    path.symlink_to(short_path / "elsewhere")
    chosen = runtime_directory(short_path / "data", environ)
    chosen.rmdir()
    assert chosen.parent == Path("/tmp")
    assert stat.S_IMODE((short_path / "elsewhere").stat().st_mode) == 0o755
