"""Locks of files against a second process; the kernel lets go when their holder ends in any way."""

import fcntl
import os
import time
from pathlib import Path

LOCK_S = 1.0
"""Somebody who only looks whether a lock is held holds it for an instant."""
POLL_S = 0.05


def hold(path: Path) -> int:
    """Hold the lock for as long as what is returned is open. Blocks for up to `LOCK_S`.

    Raises `BlockingIOError` when another process holds it, and `OSError` when the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_S
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(POLL_S)
    except BaseException:
        os.close(descriptor)
        raise


def is_held(path: Path) -> bool:
    """Tell whether another process holds the lock. Raises `OSError` when the file is there and cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
