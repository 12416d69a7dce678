"""The video encoders that rungs can be made with, their presets (FFmpeg's own names), and whether they work here."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

from config import processes

SOFTWARE = "libx264"
"""What every machine has, and what takes over when another is not able."""
PRESETS: dict[str, tuple[str, ...]] = {
    SOFTWARE: ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"),
    "h264_nvenc": ("p1", "p2", "p3", "p4", "p5", "p6", "p7"),
    "h264_qsv": ("veryfast", "faster", "fast", "medium", "slow"),
    "h264_videotoolbox": ("veryfast",),  # it has none; the word is not looked at
    "libsvtav1": tuple(map(str, range(6, 14))),  # slower ones are no matter of real time
}
USUAL_PRESETS = {
    SOFTWARE: "veryfast",
    "h264_nvenc": "p4",
    "h264_qsv": "veryfast",
    "h264_videotoolbox": "veryfast",
    "libsvtav1": "10",
}
TRIAL_S = 20.0
"""Loading a driver for the first time takes seconds."""
KILL_S = 5.0
MOST_WORDS = 200
"""Characters of what a failed trial says."""


async def trial(name: str, wait_s: float = TRIAL_S) -> str:
    """Let a process of its own encode a few pictures; return why that does not work here, or "".

    An encoder that FFmpeg lists may still lack its card or driver, and a broken driver may crash or hang.
    """
    command = processes.command([sys.executable, "-m", "media", "encoders", "--try", name], death_signal=signal.SIGKILL)
    environ = os.environ | {"SVT_LOG": "1"}  # errors only
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=environ, start_new_session=True
        )
    except OSError as error:
        return f"it cannot be tried: {error.strerror}"
    try:
        async with asyncio.timeout(wait_s):
            _, said = await process.communicate()
    except TimeoutError:
        return f"it hangs: no picture within {wait_s:g} s"
    finally:
        await _end(process)
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    match process.returncode:
        case 0:
            return ""
        case int(code) if code < 0:
            return f"it crashes (signal {-code})"
        case code:
            return lines[-1][:MOST_WORDS] if lines else f"exit code {code}"


async def _end(process: Process) -> None:
    processes.kill_group(process.pid)
    with suppress(TimeoutError):
        async with asyncio.timeout(KILL_S):
            await process.wait()
