"""Keepers and the supervisor, with real and small child processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from config import keeper, processes
from config.embedded.runtime import CannotStart
from config.keeper import Backoff, Spec, StartFailed
from config.probes import NotReady, Probe
from config.supervisor import Supervisor

# A child whose life is told by its arguments: `touch FILE`, `wait`, `exit N`, `deaf` (to SIGTERM), `say TEXT`,
# `fork` (a grandchild that waits, its pid goes to FILE).
CHILD = """
import os, signal, subprocess, sys, time
words = iter(sys.argv[1:])
for word in words:
    if word == "touch": open(next(words), "a").write(f"{os.getpid()}\\n")
    elif word == "wait": time.sleep(60)
    elif word == "exit": sys.exit(int(next(words)))
    elif word == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif word == "say": print(next(words), flush=True)
    elif word == "fork":
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])
        open(next(words), "a").write(f"{child.pid}\\n")
"""


class Shown(list[tuple[str, str]]):
    """What was shown, to be waited for."""

    def __call__(self, name: str, line: str) -> None:
        self.append((name, line))

    async def wait_for(self, words: str) -> None:
        async with asyncio.timeout(10):
            while not any(words in line for _, line in self):
                await asyncio.sleep(0.01)


def child(name: str, *words: str, **options: object) -> Spec:
    argv = (sys.executable, "-I", "-S", "-c", CHILD, *words)
    return Spec(**{"name": name, "argv": argv, "ready_s": 10.0, "stop_s": 5.0} | options)  # type: ignore[arg-type]  # test's shorthand


def exists(path: Path, times: int = 1) -> Probe:
    async def probe() -> None:
        if len(pids(path)) < times:
            raise NotReady("not touched")

    return probe


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
async def supervisor(shown: Shown) -> AsyncIterator[Supervisor]:
    made = Supervisor(shown, backoff=lambda: Backoff(first_s=0.05))
    yield made
    await made.stop()


def test_the_pause_doubles_to_its_limit_and_starts_again_after_a_long_life() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(6)] == [0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert backoff.after(10.0) == 0.4
    assert backoff.after(9.9) == 0.8


async def test_start_returns_when_all_are_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    await supervisor.start(
        child("a", "touch", str(a), "wait", ready=exists(a)), child("b", "touch", str(b), "wait", ready=exists(b))
    )
    assert pids(a) == [supervisor.keepers()[0].pid]
    assert pids(b) == [supervisor.keepers()[1].pid]


async def test_what_ends_is_started_again(supervisor: Supervisor, shown: Shown, tmp_path: Path) -> None:
    file = tmp_path / "a"
    await supervisor.start(child("a", "touch", str(file), "wait", ready=exists(file)))
    os.kill(pids(file)[0], signal.SIGKILL)
    await eventually(lambda: len(pids(file)) == 2)
    await shown.wait_for("a is ready again after")
    assert ("tally", "a was ended by SIGKILL, starts again in 0.05 s") in shown
    assert supervisor.keepers()[0].pid == pids(file)[1]


async def test_a_process_that_ends_before_it_is_ready_fails_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match="bad ended with exit code 3 before it was ready"):
        await supervisor.start(child("good", "wait"), child("bad", "exit", "3", ready=exists(Path("/nowhere"))))


async def test_a_process_that_is_never_ready_fails_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match=r"slow is not ready after 0\.1 s: not touched"):
        await supervisor.start(child("slow", "wait", ready=exists(Path("/nowhere")), ready_s=0.1))


async def test_a_program_that_does_not_exist_fails_the_start(supervisor: Supervisor, shown: Shown) -> None:
    with pytest.raises(StartFailed, match="ended with exit code 127"):
        await supervisor.start(Spec(name="none", argv=("/nowhere/program",), ready=exists(Path("/nowhere"))))
    assert ("none", "/nowhere/program cannot be run: No such file or directory") in shown


async def test_what_prevents_a_start_is_the_reason_that_is_given(supervisor: Supervisor) -> None:
    def refuse() -> None:
        raise CannotStart("the disk is made of cheese")

    with pytest.raises(StartFailed, match="x: the disk is made of cheese"):
        await supervisor.start(child("x", "wait", before=refuse))


async def test_a_job_is_ready_when_it_has_ended_well_and_runs_once(supervisor: Supervisor, tmp_path: Path) -> None:
    file = tmp_path / "job"
    await supervisor.start(child("job", "touch", str(file), once=True))
    async with asyncio.timeout(5):
        await supervisor.watch()
    assert len(pids(file)) == 1


async def test_a_job_that_fails_fails_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match="job ended with exit code 1"):
        await supervisor.start(child("job", "exit", "1", once=True))


async def test_output_is_shown_with_its_name_except_what_is_hushed(supervisor: Supervisor, shown: Shown) -> None:
    await supervisor.start(child("a", "say", "LOG: dull", "say", "news", "wait", hushed="^LOG"))
    await shown.wait_for("news")
    assert shown == [("a", "news")]


async def test_a_job_is_heard_only_when_it_fails(supervisor: Supervisor, shown: Shown) -> None:
    await supervisor.start(child("good", "say", "the password", once=True))
    with pytest.raises(StartFailed):
        await supervisor.start(child("bad", "say", "no luck", "exit", "1", once=True))
    assert shown == [("bad", "no luck")]


async def test_output_without_an_end_of_line_is_shown_too(supervisor: Supervisor, shown: Shown) -> None:
    argv = (sys.executable, "-I", "-S", "-c", "import sys; sys.stdout.write('half'); sys.exit(1)")
    with pytest.raises(StartFailed):
        await supervisor.start(Spec(name="a", argv=argv, ready=exists(Path("/nowhere"))))
    assert shown == [("a", "half")]


async def test_the_last_tier_is_stopped_first(supervisor: Supervisor, tmp_path: Path) -> None:
    base, top = tmp_path / "base", tmp_path / "top"
    await supervisor.start(child("base", "touch", str(base), "wait", ready=exists(base)))
    await supervisor.start(child("top", "deaf", "touch", str(top), "wait", ready=exists(top), stop_s=0.3))
    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0.1)
    assert processes.is_alive(pids(base)[0])
    await stopping
    assert not processes.is_alive(pids(base)[0])
    assert supervisor.keepers() == []


async def test_who_does_not_end_is_killed(supervisor: Supervisor, shown: Shown, tmp_path: Path) -> None:
    file = tmp_path / "a"
    await supervisor.start(child("a", "deaf", "touch", str(file), "wait", ready=exists(file), stop_s=0.1))
    await supervisor.stop()
    assert not processes.is_alive(pids(file)[0])
    assert ("tally", "a does not end within 0.1 s and is killed") in shown


async def test_a_grandchild_does_not_outlive_its_process(supervisor: Supervisor, tmp_path: Path) -> None:
    file, grandchild = tmp_path / "a", tmp_path / "grandchild"
    spec = child("a", "fork", str(grandchild), "touch", str(file), "wait", ready=exists(file))
    await supervisor.start(spec)
    os.kill(pids(file)[0], signal.SIGKILL)
    await eventually(lambda: not processes.is_alive(pids(grandchild)[0]))
    await eventually(lambda: len(pids(grandchild)) == 2)
    await supervisor.stop()
    await eventually(lambda: not processes.is_alive(pids(grandchild)[1]))


async def test_stopping_does_not_wait_for_a_pause(shown: Shown, tmp_path: Path) -> None:
    file = tmp_path / "a"
    supervisor = Supervisor(shown, backoff=lambda: Backoff(first_s=60))
    await supervisor.start(child("a", "touch", str(file), "wait", ready=exists(file)))
    os.kill(pids(file)[0], signal.SIGKILL)
    await shown.wait_for("starts again in 60 s")
    async with asyncio.timeout(2):
        await supervisor.stop()
    assert len(pids(file)) == 1


async def test_kill_ends_the_deaf_and_nothing_starts_again(shown: Shown, tmp_path: Path) -> None:
    file = tmp_path / "a"
    supervisor = Supervisor(shown, backoff=lambda: Backoff(first_s=0.0))
    await supervisor.start(child("a", "deaf", "touch", str(file), "wait", ready=exists(file), stop_s=30.0))
    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0.05)
    supervisor.kill()
    async with asyncio.timeout(5):
        await stopping
    assert len(pids(file)) == 1
    assert not processes.is_alive(pids(file)[0])


async def test_every_change_of_a_pid_is_told(shown: Shown, tmp_path: Path) -> None:
    file = tmp_path / "a"
    seen: list[list[int | None]] = []
    made = Supervisor(shown, changed=lambda: seen.append([keeper.pid for keeper in made.keepers()]), backoff=Backoff)
    await made.start(child("a", "touch", str(file), "wait", ready=exists(file)))
    await made.stop()
    assert seen == [[pids(file)[0]], [None]]


async def test_a_start_that_is_cancelled_can_be_stopped(shown: Shown) -> None:
    supervisor = Supervisor(shown)
    starting = asyncio.create_task(supervisor.start(child("slow", "wait", ready=exists(Path("/nowhere")))))
    await eventually(lambda: bool(supervisor.keepers()) and supervisor.keepers()[0].pid is not None)
    pid = supervisor.keepers()[0].pid
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await supervisor.stop()
    assert pid is not None
    assert not processes.is_alive(pid)


async def test_what_is_just_being_started_is_asked_to_end_too(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, may_return = asyncio.Event(), asyncio.Event()
    start = asyncio.create_subprocess_exec

    async def slow_start(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*command, **options)
        started.set()
        await may_return.wait()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow_start)
    monkeypatch.setattr(keeper, "KILL_S", 60.0)  # until then it would be waited for, were it not asked
    supervisor = Supervisor(shown)
    starting = asyncio.create_task(supervisor.start(child("a", "touch", str(tmp_path / "a"), "wait")))
    await started.wait()
    await eventually((tmp_path / "a").exists)
    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0)
    may_return.set()
    async with asyncio.timeout(20):
        await stopping
    await asyncio.gather(starting, return_exceptions=True)
    assert not processes.is_alive(pids(tmp_path / "a")[0])


def test_a_process_is_known_by_its_number_and_its_birth() -> None:
    birth = processes.birth(os.getpid())
    assert birth is not None
    assert processes.birth(os.getpid()) == birth
    assert processes.birth(2**22 + 1) is None
