"""Programs that end with the one that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import processes

PARENT = """
import subprocess, sys, time
from config import processes
command = [sys.executable, "-I", "-S", "-c", "import time; print('up', flush=True); time.sleep(60)"]
child = subprocess.Popen(processes.command(command), start_new_session=True, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_the_program_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert processes.is_alive(child)
    parent.kill()
    parent.wait(10)
    parent.stdout.close()
    assert processes.wait_gone(child, 10)


def test_the_program_does_not_start_when_its_parent_is_already_gone() -> None:
    command = processes.command(["/bin/echo", "started"])
    command[command.index(str(os.getpid()))] = str(os.getpid() + 1)
    done = subprocess.run(command, capture_output=True, timeout=10, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_the_program_ignores_no_signal() -> None:
    done = subprocess.run(
        processes.command(["/bin/cat", "/proc/self/status"]), capture_output=True, text=True, timeout=10, check=True
    )
    ignored = int(next(line for line in done.stdout.splitlines() if line.startswith("SigIgn")).split()[1], 16)
    assert not ignored & 1 << (signal.SIGPIPE - 1)


def test_the_exit_code_is_the_programs() -> None:
    assert subprocess.run(processes.command(["/bin/sh", "-c", "exit 7"]), timeout=10, check=False).returncode == 7


def test_a_process_is_ended_with_all_of_its_group(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path / 'pid'}; trap '' TERM; echo up; wait; wait"
    process = subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    straggler = int((tmp_path / "pid").read_text())
    began = time.monotonic()
    processes.end(process.pid, signal.SIGTERM, 0.2)
    assert time.monotonic() - began < 5
    process.wait(10)
    process.stdout.close()
    assert processes.wait_gone(straggler, 10)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody takes real-time priority")
def test_the_program_cannot_put_itself_before_everything_else() -> None:
    asked = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"
    tried = subprocess.run(processes.command([sys.executable, "-c", asked]), capture_output=True, check=False)
    assert b"PermissionError" in tried.stderr, tried
