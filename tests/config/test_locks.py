"""Locks that processes hold against each other."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from config.locks import LOCK_S, hold, is_held


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    first = hold(path)
    assert is_held(path)
    with pytest.raises(BlockingIOError):
        hold(path)
    os.close(first)
    assert not is_held(path)
    os.close(hold(path))


def test_somebody_who_only_looks_refuses_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    looking = os.open(path, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    timer = threading.Timer(LOCK_S / 5, os.close, [looking])
    timer.start()
    os.close(hold(path))
    timer.join()
