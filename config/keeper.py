"""Keeps one process running: starts it, says when it is ready, starts it again when it ends, stops it.

Errors: `StartFailed` (it ended, or was not ready in time, when it was first started).
"""

import asyncio
import os
import re
import signal
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec

from config import processes
from config.embedded.runtime import CannotStart
from config.probes import NotReady, Probe, wait_until
from config.terminal import LineSplitter

READ_BYTES = 1 << 16
KEPT_LINES = 50
"""Of the output of a job, until it is known whether it fails."""
LAST_OUTPUT_S = 1.0
"""What a process had still in its pipe when it ended; a grandchild may hold the pipe open."""
KILL_S = 5.0


class StartFailed(Exception):
    """One line: which process, and why."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """A process as data. `argv` is the bare command; it is run so that the kernel ends it when we end."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] | None = None
    """The whole environment; None: ours."""
    identity: processes.Identity = "self"
    before: Callable[[], None] | None = None
    """Called in a thread before each start; may raise `CannotStart`."""
    ready: Probe | None = None
    """None: ready as soon as it runs; with `once`: when it has ended well."""
    ready_s: float = 60.0
    stop_signal: int = signal.SIGTERM
    stop_s: float = 15.0
    once: bool = False
    """A job with an end: exit code 0 is its success, and it is not started again. Its output is shown if it fails."""
    hushed: str = ""
    """A pattern of lines that are not worth showing."""


class Backoff:
    """The pause before a restart: 0.4 s, doubled up to 5 s, from the start again after 10 s of life."""

    def __init__(self, first_s: float = 0.4, longest_s: float = 5.0, reset_s: float = 10.0) -> None:
        self._first_s, self._longest_s, self._reset_s = first_s, longest_s, reset_s
        self._next_s = first_s

    def after(self, life_s: float) -> float:
        """Return the pause after a life of that length."""
        if life_s >= self._reset_s:
            self._next_s = self._first_s
        pause, self._next_s = self._next_s, min(self._next_s * 2, self._longest_s)
        return pause


class Keeper:
    """One process. `show(name, line)` takes its output; `changed()` is called whenever its pid changes."""

    def __init__(
        self, spec: Spec, show: Callable[[str, str], None], changed: Callable[[], None], backoff: Backoff
    ) -> None:
        self.spec = spec
        self.pid: int | None = None
        self._show, self._changed, self._backoff = show, changed, backoff
        self._hushed = re.compile(spec.hushed) if spec.hushed else None
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self._stopping = asyncio.Event()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(), name=f"keep {spec.name}")

    async def wait_ready(self) -> None:
        """Wait until it is ready for the first time. Raises `StartFailed`."""
        await asyncio.shield(self._first)

    async def finished(self) -> None:
        """Wait until it is not kept any more: a job has ended, or it was stopped."""
        await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Ask it to end, kill it when it does not within its time, and leave nothing of it."""
        self._stopping.set()
        if self.pid is not None:
            self.send(self.spec.stop_signal)
            done, _ = await asyncio.wait({self._task}, timeout=self.spec.stop_s)
            if not done:
                self._say(f"does not end within {self.spec.stop_s:g} s and is killed")
                self.kill()
        await asyncio.wait({self._task}, timeout=KILL_S)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def send(self, number: int) -> None:
        """Send a signal."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, with all of its process group, and do not start it again."""
        self._stopping.set()
        if self.pid is not None:
            processes.kill_group(self.pid)

    # --- one life after the other --------------------------------------------------------------------------

    async def _keep(self) -> None:
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                ending = await self._live()
                if self._stopping.is_set():
                    break
                if not self._first.done():
                    self._first.set_exception(StartFailed(f"{self.spec.name} {ending} before it was ready"))
                    break
                if self.spec.once:
                    break
                pause_s = self._backoff.after(time.monotonic() - began)
                self._say(f"{ending}, starts again in {pause_s:g} s")
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._stopping.wait()
        finally:
            if not self._first.done():
                self._first.cancel()
            elif not self._first.cancelled():
                self._first.exception()  # nobody needs to ask any more

    async def _live(self) -> str:
        """Run it once; return how it ended."""
        try:
            if self.spec.before is not None:
                await asyncio.to_thread(self.spec.before)
            if self._stopping.is_set():
                return "was stopped"
            process, output = await self._spawn()
        except CannotStart as error:
            return self._failed(str(error))
        except OSError as error:
            return self._failed(f"cannot be started: {error.strerror}")
        self.pid = process.pid
        if self._stopping.is_set():  # while it was being started: nobody could ask it
            self.send(self.spec.stop_signal)
        self._changed()
        readiness = asyncio.create_task(self._watch_start(), name=f"readiness of {self.spec.name}")
        try:
            code = await process.wait()
        finally:
            processes.kill_group(process.pid)  # stragglers
            if process.returncode is None:  # we are cancelled; the end of what was just killed is still taken note of
                await asyncio.wait({asyncio.create_task(process.wait())}, timeout=KILL_S)
            self.pid = None
            readiness.cancel()
            await asyncio.wait({output}, timeout=LAST_OUTPUT_S)
            output.cancel()
            await asyncio.gather(output, readiness, return_exceptions=True)
        self._changed()
        if self.spec.once and code == 0 and not self._first.done():
            self._first.set_result(None)
        elif self.spec.once:
            for line in self._kept:
                self._show(self.spec.name, line)
        return _ending(code)

    async def _spawn(self) -> tuple[Process, asyncio.Task[None]]:
        spec = self.spec
        command = processes.command(spec.argv, death_signal=spec.stop_signal, identity=spec.identity)
        # A pipe of our own: with one of asyncio's, `wait()` would wait for each grandchild that holds it open.
        ours, theirs = os.pipe()
        try:
            output = asyncio.create_task(self._forward(ours), name=f"output of {spec.name}")
            process = await asyncio.create_subprocess_exec(
                *command, env=spec.env, stdin=DEVNULL, stdout=theirs, stderr=STDOUT, start_new_session=True
            )
        finally:
            os.close(theirs)
        return process, output

    async def _watch_start(self) -> None:
        if self.spec.once:
            return
        began = time.monotonic()
        try:
            if self.spec.ready is not None:
                await wait_until(self.spec.ready, self.spec.ready_s)
        except NotReady as error:
            if self._first.done():
                self._say(str(error))
            else:
                self._first.set_exception(StartFailed(f"{self.spec.name} is {error}"))
        else:
            if self._first.done():
                self._say(f"is ready again after {time.monotonic() - began:.1f} s")
            else:
                self._first.set_result(None)

    async def _forward(self, pipe: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", 0)
        )
        lines = LineSplitter()
        try:
            while data := await reader.read(READ_BYTES):
                self._show_lines(lines.feed(data))
        finally:
            self._show_lines(lines.close())
            transport.close()

    def _show_lines(self, lines: list[str]) -> None:
        for line in lines:
            if self.spec.once:
                self._kept.append(line)
            elif self._hushed is None or not self._hushed.search(line):
                self._show(self.spec.name, line)

    def _failed(self, reason: str) -> str:
        if not self._first.done():
            self._first.set_exception(StartFailed(f"{self.spec.name}: {reason}"))
        return reason

    def _say(self, text: str) -> None:
        self._show("tally", f"{self.spec.name} {text}")


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
