"""Starting, recognising and ending child processes, so that none outlives its purpose."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import config

Identity = Literal["self", "mapped", "nobody"]
"""Who a child believes to be: see `config/launch.py`."""

POLL_S = 0.02
HARMLESS = frozenset({"TALLY_LOG_LEVEL", "TALLY_LOG_FORMAT"})
"""Our variables that a process may have which decodes what strangers send."""


def command(argv: Sequence[str], *, death_signal: int = signal.SIGTERM, identity: Identity = "self") -> list[str]:
    """Return the command that runs `argv` as a child which the kernel ends when the calling thread ends.

    Start it from the main thread, with `start_new_session=True` so that a Ctrl-C does not reach it out of order.
    """
    launcher = Path(config.__file__).with_name("launch.py")
    # -I -S: no site-packages, no environment: 10 ms instead of 60
    return [sys.executable, "-I", "-S", str(launcher), str(int(death_signal)), str(os.getpid()), identity, *argv]


def environment_without_secrets() -> dict[str, str]:
    """Return our environment without keys, passwords and addresses of servers: for whoever decodes strangers' media."""
    return {
        name: value for name, value in os.environ.items() if name in HARMLESS or not name.startswith(("TALLY_", "AWS_"))
    }


async def start_isolated(argv: Sequence[str], *, stdin: int, stdout: int, stderr: int | None = None) -> Process:
    """Start a child that decodes what strangers send: without secrets, and killed by the kernel when we end.

    Call it in the main thread. Raises `OSError`.
    """
    return await asyncio.create_subprocess_exec(
        *command(argv, death_signal=signal.SIGKILL),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=environment_without_secrets(),
        start_new_session=True,
    )


def birth(pid: int) -> int | None:
    """Return when a process began, in clock ticks since the machine did: with the pid, its identity.

    None: it does not exist, or it is a zombie, or this system has no /proc.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # the name before it may hold anything (proc(5))
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_alive(pid: int) -> bool:
    """Tell whether a process with this number exists and still runs."""
    if Path("/proc/self/stat").exists():
        return birth(pid) is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def wait_gone(pid: int, wait_s: float) -> bool:
    """Wait for the end of a process that need not be a child. Blocks; tells whether it is gone."""
    deadline = time.monotonic() + wait_s
    while is_alive(pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def kill_group(pid: int) -> None:
    """Kill what is left of the process group that `pid` led."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def end(pid: int, first: int, wait_s: float) -> None:
    """End a process that need not be a child: ask with the signal `first`, then kill it and its group. Blocks."""
    with suppress(ProcessLookupError):
        os.kill(pid, first)
    if not wait_gone(pid, wait_s):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_gone(pid, wait_s)
    kill_group(pid)
