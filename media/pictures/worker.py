"""`python -m media pictures`: decodes keyframes of strangers, so that ingest need not.

It reads a message, works, answers, and ends with its standard input. It has no network and no files but slates.
"""

import os
import resource
import sys
from typing import BinaryIO

import msgspec

from media.pictures import loops, stills
from media.pictures.keyframes import BadPicture
from media.pictures.messages import Failed, Forget, FromChild, MakeSlate, Ready, ToChild
from media.pictures.sheets import Sheets
from media.wire import LENGTH, MAX_MESSAGE_BYTES, pack

MEMORY_BYTES = 1536 << 20
"""Of data: an 8K keyframe of 10 bits takes 300 MB while it is scaled, and all sheets 256 MB."""
NICENESS = 10
"""Below everything that has a deadline."""


def main() -> None:
    """Serve until standard input ends."""
    # What libraries print must not come between messages.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, answers)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Say that we are ready and answer messages until there are no more. Raises `ValueError` for what is none."""
    decoder = msgspec.msgpack.Decoder(ToChild)
    sheets = Sheets()
    _write(answers, pack(Ready()))
    while True:
        head = questions.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return
        (size,) = LENGTH.unpack(head)
        if size > MAX_MESSAGE_BYTES:
            raise ValueError(f"a message of {size} bytes")
        body = questions.read(size)
        if len(body) < size:
            return
        message = decoder.decode(body)
        if isinstance(message, Forget):
            sheets.forget(message.session_id)
        else:
            _write(answers, pack(_answer(message, sheets)))


def _answer(message: ToChild, sheets: Sheets) -> FromChild:
    try:
        if isinstance(message, MakeSlate):
            return loops.make(message.profile, message.picture)
        assert not isinstance(message, Forget)
        return stills.take(message.config, message.data, sheets, message.session_id)
    except BadPicture as error:
        return Failed(str(error))
    except MemoryError:
        return Failed("out of memory")


def _write(answers: BinaryIO, data: bytes) -> None:
    """Write all of it; a pipe may take less at a time."""
    view = memoryview(data)
    while view:
        view = view[answers.write(view) :]
