"""The places of the embedded servers: a lock on the data directory, and a short private directory for sockets.

Errors: `CannotStart` (the operator can act: one line that says how).
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from config.locks import hold, is_held

LOCK_FILE = "lock"
LONGEST_SOCKET_PATH = 107
"""Bytes: sizeof(sun_path) - 1 on Linux; PostgreSQL does not start when its socket's path is longer."""
LONGEST_SOCKET_NAME = len("/postgres/.s.PGSQL.5432.lock")


class CannotStart(Exception):
    """Something around us is in the way; the text is one line that says what to do."""


def prepare_data(data: Path) -> None:
    """Make the data directory and see that it can be written."""
    trial = data / f".writable-{os.getpid()}"
    try:
        data.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except (FileExistsError, NotADirectoryError):
        raise CannotStart(f"{data} (TALLY_DATA) is not a directory: move it away, or set TALLY_DATA") from None
    except OSError as error:
        raise CannotStart(f"{data} (TALLY_DATA) is not writable: {error.strerror}: fix it, or set TALLY_DATA") from None


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the data directory against a second `tally serve`; the kernel lets go when we end in any way."""
    try:
        descriptor = hold(data / LOCK_FILE)
    except BlockingIOError:
        raise CannotStart(f"`tally serve` already runs on {data}: stop it, or set TALLY_DATA") from None
    try:
        yield
    finally:
        os.close(descriptor)


def is_locked(data: Path) -> bool:
    """Tell whether a `tally serve` runs on this data directory."""
    try:
        return is_held(data / LOCK_FILE)
    except OSError:
        return False


def runtime_directory(data: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return a private directory whose path is short enough for sockets, always the same for one data directory."""
    name = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    candidates = [Path("/tmp", f"tally-{os.getuid()}-{name}")]  # noqa: S108  # checked below: ours alone, or refused
    if given := environ.get("XDG_RUNTIME_DIR"):
        candidates.insert(0, Path(given, f"tally-{name}"))
    reason = ""
    for path in candidates:
        if len(os.fsencode(path)) + LONGEST_SOCKET_NAME > LONGEST_SOCKET_PATH:
            reason = f"{path} is too long for a socket"
            continue
        try:
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                reason = f"{path} belongs to somebody else: remove it"
                continue
            path.chmod(0o700)
        except OSError as error:
            reason = f"{path} cannot be made: {error.strerror}"
            continue
        return path
    raise CannotStart(f"there is no private directory for sockets: {reason}")
