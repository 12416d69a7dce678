"""`python -m media demux`: reads containers of strangers for a pull, which does all that has to do with networks.

It knows no settings and no secrets and is limited in memory. It ends with its standard input.
"""

import os
import resource
import sys
from pathlib import Path
from typing import BinaryIO

import av.logging
import msgspec

from media.packets import Packet
from media.relay.pull import containers
from media.relay.pull.containers import Unreadable
from media.relay.pull.messages import Configured, Data, End, Finished, Open, Read, ToChild
from media.relay.pull.tracks import Unit
from media.wire import LENGTH, MAX_MESSAGE_BYTES, pack

MEMORY_BYTES = 768 << 20
"""Of data: FFmpeg's probing holds some MB, and a keyframe of 4K is one."""


class Ended(Exception):
    """The parent is gone, or done."""


class Input:
    """What the parent says, and the bytes of the container that is open: FFmpeg reads from here."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._decoder: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
        self._rest = b""
        self._has_ended = True

    def next_container(self) -> Open:
        """Wait for the next container; what is left of the one before is skipped. Raises `Ended`."""
        self._rest = b""
        while True:
            message = self._message()
            if isinstance(message, Open):
                self._has_ended = bool(message.url or message.path)
                return message

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes of the container; b"" behind its last."""
        while not self._rest and not self._has_ended:
            message = self._message()
            if isinstance(message, Data):
                self._rest = message.data
            elif isinstance(message, End):
                self._has_ended = True
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def skip(self) -> None:
        """Read what the parent still sends of a container that cannot be read."""
        self._rest = b""
        while self.read(1 << 20):
            pass

    def _message(self) -> ToChild:
        head = self._pipe.read(LENGTH.size)
        if len(head) < LENGTH.size:
            raise Ended
        (size,) = LENGTH.unpack(head)
        if size > MAX_MESSAGE_BYTES:
            raise ValueError(f"a message of {size} bytes")
        body = self._pipe.read(size)
        if len(body) < size:
            raise Ended
        return self._decoder.decode(body)


def main() -> None:
    """Read containers until standard input ends."""
    # What libraries print must not come between messages.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    av.logging.set_level(None)
    try:
        serve(Input(sys.stdin.buffer), answers)
    except (Ended, BrokenPipeError):
        return


def serve(source: Input, answers: BinaryIO) -> None:
    """Read one container after another. Raises `Ended` when there are no more."""

    taken = 0

    def take(unit: Unit) -> None:
        nonlocal taken
        taken += 1
        _write(answers, Read(unit) if isinstance(unit, Packet) else Configured(unit))

    while True:
        order, taken = source.next_container(), 0
        try:
            if order.url:
                containers.read_url(order.url, take)
            elif order.path:
                containers.read_file(Path(order.path), take)
            else:
                containers.read_bytes(source, take)
            reason = "" if taken else containers.NO_MEDIA
        except Unreadable as error:
            reason = str(error)
        except MemoryError:
            reason = "The stream needs too much memory."
        source.skip()
        _write(answers, Finished(reason))


def _write(answers: BinaryIO, message: msgspec.Struct) -> None:
    """Write all of it; a pipe may take less at a time."""
    view = memoryview(pack(message))
    while view:
        view = view[answers.write(view) :]
