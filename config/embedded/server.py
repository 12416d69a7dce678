"""What the two embedded servers have in common: prepared, described as a command, asked whether ready, stopped.

`tally serve` gives `argv()` and `probe()` to its supervisor. `start()` and `stop()` run a server alone, for tests and
one-off jobs.
"""

import asyncio
import signal
import subprocess
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

from config import processes
from config.embedded.runtime import CannotStart
from config.probes import NotReady, Probe, wait_until

READY_S = 60.0
"""Recovery after a crash may read a lot of log."""
STOP_S = 30.0
SHOWN_LOG_BYTES = 2000


class EmbeddedServer(ABC):
    """A server with its own data directory `data` and its socket in `runtime`, a short path that is ours alone.

    Without `durable`, it does not wait for the disk: for tests.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    hushed: ClassVar[str]
    """A pattern of log lines that say only what always happens."""

    def __init__(self, data: Path, runtime: Path, *, durable: bool = True) -> None:
        self.data = data
        self.runtime = runtime
        self.durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def identity(self) -> processes.Identity:
        """Who the process shall believe to be."""
        return "self"

    @property
    @abstractmethod
    def url(self) -> str:
        """The address for clients."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the data directory, or check it. Blocks for a second the first time. Raises `CannotStart`."""

    @abstractmethod
    def argv(self) -> list[str]:
        """Return the command: to be run through `config.processes.command`."""

    @abstractmethod
    def environ(self) -> dict[str, str]:
        """Return the whole environment of the command."""

    @abstractmethod
    def probe(self) -> Probe:
        """Return the question whether it is ready."""

    def start(self) -> None:
        """Start it alone and wait until it is ready. Blocks. Raises `CannotStart`."""
        self.prepare()
        log = self.runtime / f"{self.name}.log"
        with log.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603
                processes.command(self.argv(), death_signal=self.stop_signal, identity=self.identity),
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            # In a thread of its own: the caller may have an event loop.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, wait_until(self._probe_alive(), READY_S)).result()
        except (NotReady, CannotStart) as error:
            said = log.read_bytes()[-SHOWN_LOG_BYTES:].decode(errors="replace")
            self.stop()
            raise CannotStart(f"{self.name} did not start: {error}: {said}") from error

    def stop(self) -> None:
        """Stop it when it was started by `start()`, and leave nothing of it. Blocks."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(self.stop_signal)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
        processes.kill_group(process.pid)

    def _probe_alive(self) -> Probe:
        probe, process = self.probe(), self._process
        assert process is not None

        async def alive() -> None:
            if process.poll() is not None:
                raise CannotStart(f"it ended with exit code {process.returncode}")
            await probe()

        return alive
