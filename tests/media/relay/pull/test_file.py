"""Claims of media.relay.pull.file: nothing outside of the directory is a file."""

from pathlib import Path

import pytest

from media.relay.job import Setback
from media.relay.pull.file import find


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("s")
    directory = tmp_path / "files"
    (directory / "shows").mkdir(parents=True)
    (directory / "shows" / "a.mp4").write_bytes(b"a")
    (directory / "out").symlink_to(tmp_path / "secret")
    (directory / "in").symlink_to(directory / "shows" / "a.mp4")
    return directory


@pytest.mark.parametrize("name", ["shows/a.mp4", "in", "shows/../shows/a.mp4"])
def test_files_are_found_below_the_directory(files: Path, name: str) -> None:
    assert find(files, name) == files.resolve() / "shows" / "a.mp4"


@pytest.mark.parametrize(
    "name", ["../secret", "out", "/etc/passwd", "shows", "", ".", "shows/b.mp4", "a\0b", "shows/a.mp4/x", "x" * 5000]
)
def test_all_else_is_no_file(files: Path, name: str) -> None:
    with pytest.raises(Setback):
        find(files, name)


def test_without_the_directory_there_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(Setback):
        find(tmp_path / "none", "a.mp4")
