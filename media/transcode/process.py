"""One life of a child: a process, its three pipes, and what it says. Everything happens in the loop, nothing waits.

Errors: `Nonsense` (the child sent what no child sends; it is ended).
"""

import asyncio
import fcntl
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from config import processes
from media.transcode.childlog import ChildLog
from media.transcode.messages import FromChild
from media.wire import LENGTH, MAX_MESSAGE_BYTES

PIPE_BYTES = 1 << 20
"""Asked of the kernel for media, so that a keyframe does not take several turns of the loop."""
KILL_S = 5.0
"""After SIGKILL: the kernel may have to write out or unmap much."""
LAST_OUTPUT_S = 1.0
"""What an ended child had still in its pipe; a process of its own may hold the pipe open."""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_decoder: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


class Nonsense(Exception):
    """Bytes that are no message."""


class Unpacker:
    """Bytes in, messages out; see `messages` for the form. `fault` says why nothing more comes out."""

    def __init__(self) -> None:
        self.fault = ""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[FromChild]:
        """Return the messages that `data` completes; those before a fault are not lost."""
        messages: list[FromChild] = []
        if self.fault:
            return messages
        self._buffer += data
        at, size = 0, len(self._buffer)
        with memoryview(self._buffer) as view:
            while size - at >= LENGTH.size:
                (length,) = LENGTH.unpack_from(view, at)
                if length > MAX_MESSAGE_BYTES:
                    self.fault = f"a message of {length} bytes"
                    break
                end = at + LENGTH.size + length
                if end > size:
                    break
                try:
                    messages.append(_decoder.decode(view[at + LENGTH.size : end]))
                except msgspec.DecodeError as error:
                    self.fault = f"a message that cannot be read: {error}"
                    break
                at = end
        del self._buffer[:at]
        return messages


class ChildProcess:
    """A running child: `start`, `write`, ask for its end with `ended`, and `close` at last, whatever has happened.

    `take(message)` is called for what it says. If that raises `Nonsense`, the child is killed; any other exception
    comes out of `close`.
    """

    def __init__(self, command: Sequence[str], take: Callable[[FromChild], None]) -> None:
        self.fault = ""
        """Why we killed it."""
        self.pid = 0
        self._command = command
        self._take = take
        self._unpacker = Unpacker()
        self._process: Process | None = None
        self._input: asyncio.WriteTransport | None = None
        self._transports: list[asyncio.BaseTransport] = []
        self._output_ended = asyncio.Event()
        self._is_ending = asyncio.Event()
        self._exit: asyncio.Task[int] | None = None
        self._error: Exception | None = None

    async def start(self) -> None:
        """Start it. Raises `OSError`."""
        child_in, our_out = os.pipe()
        our_in, child_out = os.pipe()
        our_log, child_log = os.pipe()
        try:
            for pipe in (our_out, our_in):
                _widen(pipe)
            spawn = asyncio.create_task(self._spawn(child_in, child_out, child_log))
            try:
                self._process = await asyncio.shield(spawn)
            except asyncio.CancelledError:  # it may be running already, and nobody else knows of it
                self._process = await spawn
                raise
        except BaseException:
            for pipe in (our_out, our_in, our_log):
                os.close(pipe)
            raise
        finally:
            for pipe in (child_in, child_out, child_log):
                os.close(pipe)
        self.pid = self._process.pid
        self._exit = asyncio.create_task(self._process.wait(), name=f"end of transcoder {self.pid}")
        self._exit.add_done_callback(lambda _: self._is_ending.set())
        await self._connect(our_out, our_in, our_log)

    def write(self, data: bytes) -> None:
        """Give it a message; what the pipe does not take waits in memory, see `waiting_bytes`."""
        if self._input is not None:
            self._input.write(data)

    @property
    def waiting_bytes(self) -> int:
        """Return how much was written that the pipe has not taken."""
        return self._input.get_write_buffer_size() if self._input is not None else 0

    @property
    def memory_bytes(self) -> int:
        """Return what it holds in memory (RSS); 0 when that cannot be told."""
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_bytes().split()[1]) * PAGE_BYTES
        except (OSError, IndexError):
            return 0  # gone, or not Linux

    async def ended(self, wait_s: float) -> bool:
        """Wait up to `wait_s` for its end, or for the end of its output; tell whether it came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._is_ending.wait()
        return self._is_ending.is_set()

    def kill(self, fault: str) -> None:
        """End it at once, with whatever it has started."""
        if not self.fault:
            self.fault = fault
        if self.pid:
            processes.kill_group(self.pid)

    async def close(self) -> str:
        """Leave nothing of it behind; return how it ended, in words."""
        code: int | None = None
        try:
            if self._process is not None and self._exit is None:  # cancelled while it was being started
                self.pid = self._process.pid
                self._exit = asyncio.create_task(self._process.wait())
            if self._exit is not None:
                # Closed standard output and still there: it is on its way out, or mad.
                await asyncio.wait({self._exit}, timeout=0 if self.fault else LAST_OUTPUT_S)
                if not self._exit.done():
                    self.kill("closed its output")
                await asyncio.wait({self._exit}, timeout=KILL_S)
                code = self._exit.result() if self._exit.done() else None
            if self._transports and not self.fault:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LAST_OUTPUT_S):
                        await self._output_ended.wait()
        finally:
            if self.pid:
                processes.kill_group(self.pid)  # stragglers
            if self._exit is not None and not self._exit.done():
                # cancelled meanwhile: what was just killed is still waited for, or nobody takes note of its end
                await asyncio.wait({self._exit}, timeout=KILL_S)
                self._exit.cancel()
            if self._input is not None and not self._input.is_closing():
                self._input.abort()  # nobody reads what still waits
            for transport in self._transports:
                transport.close()
            self._input = None
        if self._error is not None:
            raise self._error
        return self.fault or _words(code)

    # --- starting --------------------------------------------------------------------------------------------

    async def _spawn(self, child_in: int, child_out: int, child_log: int) -> Process:
        # SIGKILL when we are gone: nothing that it makes is of use to anybody else.
        return await processes.start_isolated(self._command, stdin=child_in, stdout=child_out, stderr=child_log)

    async def _connect(self, our_out: int, our_in: int, our_log: int) -> None:
        loop = asyncio.get_running_loop()
        files = [os.fdopen(our_out, "wb", 0), os.fdopen(our_in, "rb", 0), os.fdopen(our_log, "rb", 0)]
        try:
            writer, _ = await loop.connect_write_pipe(lambda: _Input(self._input_lost), files[0])
            self._transports.append(writer)
            self._input = writer
            reader, _ = await loop.connect_read_pipe(lambda: _Output(self._received, self._output_lost), files[1])
            self._transports.append(reader)
            log, _ = await loop.connect_read_pipe(ChildLog, files[2])
            self._transports.append(log)
        finally:
            for file in files[len(self._transports) :]:
                file.close()

    # --- what comes ------------------------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        if self.fault:
            return
        try:
            for message in self._unpacker.feed(data):
                self._take(message)
            if self._unpacker.fault:
                raise Nonsense(self._unpacker.fault)
        except Nonsense as error:
            self.kill(f"sent {error}")
        except Exception as error:  # ours, not the child's: its owner raises it
            self._error = error
            self.kill("could not be listened to")

    def _input_lost(self) -> None:
        self._input = None

    def _output_lost(self) -> None:
        self._output_ended.set()
        self._is_ending.set()


class _Input(asyncio.BaseProtocol):
    """Our end of its standard input."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost

    def pause_writing(self) -> None:
        """Nothing: whoever writes asks `waiting_bytes`."""

    def resume_writing(self) -> None:
        """Nothing either."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's name
        """It does not read any more."""
        self._lost()


class _Output(asyncio.Protocol):
    """Our end of its standard output."""

    def __init__(self, received: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._received, self._ended = received, ended

    def data_received(self, data: bytes) -> None:
        """Some messages, or parts of one."""
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's name
        """It has closed it, or we have."""
        self._ended()


def _widen(pipe: int) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            return  # an unprivileged user has used up his share of pipe memory: 64 KB do as well


def _words(code: int | None) -> str:
    if code is None:
        return "does not end"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
