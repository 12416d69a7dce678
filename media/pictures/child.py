"""The pictures process as ingest holds it: asked one thing at a time, within a deadline, and ended for good.

Errors: `ChildGone` (it died, hung or spoke nonsense; start another).
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import msgspec

from config import processes
from media.pictures.messages import Forget, FromChild, MakeSlate, TakeStill
from media.wire import LENGTH, MAX_MESSAGE_BYTES, pack

COMMAND = (sys.executable, "-m", "media", "pictures")
START_DEADLINE_S = 30.0
"""Half a second on a free machine."""
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
        """Start one from the main thread and wait until it is ready. Raises `ChildGone`.

        The kernel ends it when we end.
        """
        try:
            process = await processes.start_isolated(COMMAND, stdin=PIPE, stdout=PIPE)
        except OSError as error:
            raise ChildGone(f"cannot be started: {error.strerror}") from error
        child = cls(process)
        try:
            await child._hear(None, START_DEADLINE_S)
        except BaseException:
            await child.close()
            raise
        return child

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
        return await self._hear(message, ANSWER_DEADLINE_S)

    async def _hear(self, question: TakeStill | MakeSlate | None, deadline_s: float) -> FromChild:
        try:
            async with asyncio.timeout(deadline_s):
                if question is not None:
                    self._questions.write(pack(question))
                    await self._questions.drain()
                (size,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
                if size > MAX_MESSAGE_BYTES:
                    raise ChildGone(f"an answer of {size} bytes")
                return _decoder.decode(await self._answers.readexactly(size))
        except TimeoutError as error:
            raise ChildGone(f"no answer within {deadline_s:g} s") from error
        except asyncio.IncompleteReadError as error:
            raise ChildGone("ended instead of an answer") from error
        except (OSError, msgspec.MsgspecError) as error:
            raise ChildGone(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """End it and wait for its end. Raises `TimeoutError` when the kernel holds it."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._questions.close()
        async with asyncio.timeout(END_S):
            await self._process.wait()
