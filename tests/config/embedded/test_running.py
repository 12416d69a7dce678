"""What a running `tally serve` leaves in its data directory for others."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import processes
from config.embedded import running
from config.embedded.running import Child, Running, RunningUrls, end_leftovers, running_urls
from config.embedded.runtime import locked
from config.settings import load


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait(10)


def note(data: Path, pid: int, birth: int | None) -> None:
    children = {"ingest": Child(pid, birth, signal.SIGTERM)}
    running.write(data, Running(os.getpid(), "postgresql://h/d", "redis://h", children))


def test_addresses_are_told_only_while_it_runs(tmp_path: Path) -> None:
    settings = load({"TALLY_DATA": str(tmp_path)}, bare=True).settings
    with locked(tmp_path):
        assert running_urls(settings) is None
        note(tmp_path, os.getpid(), None)
        assert running_urls(settings) == RunningUrls("postgresql://h/d", "redis://h")
    assert running_urls(settings) is None


def test_the_note_is_private_also_when_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".run.json.new").write_text("left by a crash")
    (tmp_path / ".run.json.new").chmod(0o644)
    note(tmp_path, 1, None)
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    running.remove(tmp_path)
    running.remove(tmp_path)
    assert running.read(tmp_path) is None


def test_a_damaged_note_is_none(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"pid": "many"}')
    assert running.read(tmp_path) is None
    assert end_leftovers(tmp_path) == []


def test_a_leftover_is_asked_to_end(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    note(tmp_path, child.pid, processes.birth(child.pid))
    assert end_leftovers(tmp_path) == ["ingest"]
    assert child.wait(10) == -signal.SIGTERM


def test_a_leftover_that_does_not_end_is_killed(
    tmp_path: Path, child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LEFTOVER_S", 0.1)
    child.send_signal(signal.SIGSTOP)
    os.waitpid(child.pid, os.WUNTRACED)  # it has stopped: a SIGTERM before that would be obeyed
    note(tmp_path, child.pid, processes.birth(child.pid))
    assert end_leftovers(tmp_path) == ["ingest"]
    assert child.wait(10) == -signal.SIGKILL


def test_another_process_of_the_same_number_is_left_alone(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    birth = processes.birth(child.pid)
    assert birth is not None
    note(tmp_path, child.pid, birth + 1)
    assert end_leftovers(tmp_path) == []
    assert child.poll() is None
