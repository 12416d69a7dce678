"""The demuxing child as a pull holds it: bytes of one container after another in, configurations and packets out.

Both ways push back: whoever does not read stops the child, and the child stops whoever writes.

Errors: `Setback` of the job (the child died; or the container cannot be read).
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from types import TracebackType
from typing import Self

import msgspec
import structlog

from config import processes
from media.packets import CodecConfig, Packet
from media.relay.job import Setback
from media.relay.pull.messages import Configured, Data, End, Finished, FromChild, Open, Read
from media.wire import LENGTH, MAX_MESSAGE_BYTES, pack

log = structlog.get_logger()

COMMAND = (sys.executable, "-m", "media", "demux")
MAX_DATA_BYTES = 256 * 1024
"""Of one message: larger pieces are cut."""
END_S = 5.0
"""After SIGKILL."""
CHILD_DIED = "The stream cannot be read: what reads it broke down."

_decoder: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


class Demuxing:
    """`async with Demuxing() as demuxing`: one task writes, one reads. Start it in the main thread."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._is_complete = False
        self._unfinished = 0

    async def __aenter__(self) -> Self:
        try:
            self._process = await processes.start_isolated(COMMAND, stdin=PIPE, stdout=PIPE)
        except OSError as error:
            log.error("demuxer cannot be started", error=error.strerror)
            raise Setback("The server is too busy.") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process is not None
        processes.kill_group(process.pid)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(END_S):
                while await process.stdout.read(1 << 16):
                    """Of what it had still said: asyncio waits for the end of a pipe, and stops reading a full one."""
                await process.wait()
        except TimeoutError:
            log.error("demuxer does not end", pid=process.pid)

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._process is not None
        return self._process.pid

    async def open(self, order: Open) -> None:
        """Begin a container; the one before must have been finished or given up by `end`."""
        self._unfinished += 1
        await self._say(order)

    async def write(self, data: bytes) -> None:
        """Give the container's next bytes; waits while the child does not take them."""
        for at in range(0, len(data), MAX_DATA_BYTES):
            await self._say(Data(data[at : at + MAX_DATA_BYTES]))

    async def end(self) -> None:
        """Say that the container is complete."""
        await self._say(End())

    async def complete(self) -> None:
        """Say that the container was the last: what is still in the child comes, then `read` returns None."""
        await self.end()
        self._is_complete = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def read(self) -> CodecConfig | Packet | Finished | None:
        """Wait for what comes next; None is the end. Raises `Setback` when the child is gone before."""
        assert self._process is not None
        assert self._process.stdout is not None
        pipe = self._process.stdout
        try:
            (size,) = LENGTH.unpack(await pipe.readexactly(LENGTH.size))
            if size > MAX_MESSAGE_BYTES:
                raise Setback(CHILD_DIED)
            message = _decoder.decode(await pipe.readexactly(size))
        except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError) as error:
            is_end = isinstance(error, asyncio.IncompleteReadError) and not error.partial
            if is_end and self._is_complete and not self._unfinished:
                return None
            log.warning("demuxer gone", pid=self.pid, error=f"{type(error).__name__}: {error}"[:200])
            raise Setback(CHILD_DIED) from error
        if isinstance(message, Read):
            return message.packet
        if isinstance(message, Configured):
            return message.config
        self._unfinished -= 1
        return message

    async def _say(self, message: Open | Data | End) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(pack(message))
            await self._process.stdin.drain()
        except OSError as error:
            raise Setback(CHILD_DIED) from error
