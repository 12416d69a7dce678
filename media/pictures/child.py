"""The pictures process as ingest holds it: asked one thing at a time, within a deadline, and ended for good.

Errors: `ChildGone` (it died, hung or spoke nonsense; start another).
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import msgspec

from config import processes
from media.pictures.messages import LENGTH, MAX_MESSAGE_BYTES, Forget, FromChild, MakeSlate, TakeStill, pack

COMMAND = (sys.executable, "-m", "media", "pictures")
ANSWER_DEADLINE_S = 9.0
"""An 8K keyframe takes a second of CPU and a 4K slate three, and everything else goes first."""
END_S = 2.0

_decoder: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


class ChildGone(Exception):
    """The text says how it went."""


class Child:
    """A running pictures process. `ask` is for one task at a time."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._questions, self._answers = process.stdin, process.stdout

    @classmethod
    async def start(cls) -> "Child":
        """Start one, from the main thread. The kernel ends it with us. Raises `ChildGone`."""
        try:
            process = await asyncio.create_subprocess_exec(
                *processes.command(COMMAND, death_signal=signal.SIGKILL),
                stdin=PIPE,
                stdout=PIPE,
                env=_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise ChildGone(f"cannot be started: {error.strerror}") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.returncode is None

    def tell(self, message: Forget) -> None:
        """Say something small that has no answer."""
        if self.is_running:
            self._questions.write(pack(message))

    async def ask(self, message: TakeStill | MakeSlate) -> FromChild:
        """Return its answer. Raises `ChildGone`."""
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                self._questions.write(pack(message))
                await self._questions.drain()
                (size,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
                if size > MAX_MESSAGE_BYTES:
                    raise ChildGone(f"an answer of {size} bytes")
                return _decoder.decode(await self._answers.readexactly(size))
        except TimeoutError as error:
            raise ChildGone(f"no answer within {ANSWER_DEADLINE_S:.0f} s") from error
        except asyncio.IncompleteReadError as error:
            raise ChildGone("ended in the middle of an answer") from error
        except (OSError, msgspec.MsgspecError) as error:
            raise ChildGone(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """End it and wait for its end. Raises `TimeoutError` when the kernel holds it."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._questions.close()
        async with asyncio.timeout(END_S):
            await self._process.wait()


def _environment() -> dict[str, str]:
    """Return ours without our secrets: what decodes the pictures of strangers needs none."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
