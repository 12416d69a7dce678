"""`DATA/run.json`: what a running `tally serve` tells other terminals, and the next `tally serve` after a crash."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from config import processes
from config.embedded.runtime import is_locked
from config.settings import Settings

RUN_FILE = "run.json"
LEFTOVER_S = 10.0
"""For all of them together."""


class Child(msgspec.Struct, frozen=True, rename="camel"):
    """A child process; `birth` tells it from a later process of the same number (None where that is unknown)."""

    pid: int
    birth: int | None
    stop_signal: int


class Running(msgspec.Struct, frozen=True, rename="camel"):
    """The file's content."""

    pid: int
    database_url: str
    redis_url: str
    children: dict[str, Child] = {}


class RunningUrls(msgspec.Struct, frozen=True):
    """Where the servers of a running `tally serve` are."""

    database_url: str
    redis_url: str


def write(data: Path, running: Running) -> None:
    """Replace the file at once; only its owner may read it."""
    draft = data / f".{RUN_FILE}.new"
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(running)) + b"\n")
    draft.rename(data / RUN_FILE)


def read(data: Path) -> Running | None:
    """Return the content, whoever wrote it and whether that still runs or not."""
    try:
        return msgspec.json.decode((data / RUN_FILE).read_bytes(), type=Running)
    except (OSError, msgspec.MsgspecError):
        return None


def remove(data: Path) -> None:
    """Remove the file at an ordered end."""
    (data / RUN_FILE).unlink(missing_ok=True)


def running_urls(settings: Settings) -> RunningUrls | None:
    """Return where the servers are of the `tally serve` that runs on this data directory; None when none does."""
    running = read(settings.data) if is_locked(settings.data) else None
    return RunningUrls(running.database_url, running.redis_url) if running else None


def end_leftovers(data: Path) -> list[str]:
    """End what a killed `tally serve` left alive, and return the names. Call it while holding the lock. Blocks."""
    running = read(data)
    if running is None:
        return []
    left = {
        name: child
        for name, child in running.children.items()
        if child.birth is not None and processes.birth(child.pid) == child.birth
    }
    for child in left.values():
        with suppress(ProcessLookupError):
            os.kill(child.pid, child.stop_signal)
    deadline = time.monotonic() + LEFTOVER_S
    for child in left.values():
        if not processes.wait_gone(child.pid, max(0.0, deadline - time.monotonic())):
            processes.end(child.pid, signal.SIGKILL, LEFTOVER_S)
        processes.kill_group(child.pid)
    return list(left)
