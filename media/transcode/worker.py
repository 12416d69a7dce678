"""The transcode child: reads what `messages.py` says from stdin, writes it to what was stdout, ends when told to.

One thread reads, one decodes video, one for each rung encodes, one has the sound, one writes; the main thread looks
after the others and says how far they are. Anything unexpected in any of them ends the process with a `Trouble`:
ingest starts another.
"""

import argparse
import os
import resource
import sys
import threading
from pathlib import Path
from typing import NoReturn

import av.logging
import msgspec
import structlog

from media.packets import TrackKind
from media.transcode.encoders import CANDIDATES, FALLBACK, CannotEncode, RungEncoder
from media.transcode.fitting import SHARED_PIXELS, shared_fitter
from media.transcode.messages import (
    Begin,
    Break,
    Coded,
    Configure,
    Finish,
    FromChild,
    Media,
    Progress,
    Ready,
    RungConfig,
    ToChild,
    Trouble,
)
from media.transcode.picture_thread import PictureThread
from media.transcode.queues import Batch
from media.transcode.rung_thread import RungThread
from media.transcode.sound_thread import SoundThread
from media.wire import MAX_MESSAGE_BYTES, pack

GATHER_S = 0.015
"""Packets of several rungs that become ready within this time are written together; Opus alone is for viewers who
wait for every millisecond."""
OUTBOX_PLACES = 512
PROGRESS_S = 0.5
LAST_WORDS_S = 2.0
"""How long what is written at the end may take to be read."""
LENGTH_BYTES = 4
STACK_BYTES = 2 << 20
"""Of a thread: codecs need less, and the default counts four times as much against the memory limit."""

log = structlog.get_logger()

_VIDEO = TrackKind.VIDEO


class BadMessage(Exception):
    """The bytes are not what ingest says."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the child's command line."""
    parser.add_argument("--nice", type=int, default=0, help="add this to the niceness")
    parser.add_argument("--memory-mb", type=int, default=0, help="the most memory to use, 0 for as much as there is")
    parser.add_argument("--out-fd", type=int, default=1, help="where to write messages")


def main(arguments: argparse.Namespace) -> NoReturn:
    """Run the child; never returns."""
    if arguments.nice:
        os.nice(arguments.nice)
    if arguments.memory_mb:
        limit_memory(arguments.memory_mb << 20)
    # Messages leave by a descriptor that no library knows; what one prints goes to the log.
    sink = os.dup(arguments.out_fd)
    os.dup2(2, 1)
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 prints at will
    av.logging.set_level(None)
    code = Worker(0, sink).run()
    sys.stderr.flush()
    os._exit(code)  # threads may still be inside codecs


def limit_memory(size: int) -> None:
    """Make allocations beyond this fail, in this process alone.

    Data, not address space, is limited (Linux counts private writable memory): libraries reserve addresses by the
    gigabyte, for each thread, that they never touch.
    """
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))


class Worker:
    """One run of the child between two descriptors."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = os.fdopen(source, "rb", closefd=False)
        self._sink = sink
        self._outbox: Batch[FromChild] = Batch(OUTBOX_PLACES)
        self._decoder = msgspec.msgpack.Decoder(ToChild)
        self._taken = 0
        self._pictures: PictureThread | None = None
        self._sound: SoundThread | None = None
        self._ended = threading.Event()  # nothing more will be made
        self._failed = threading.Lock()
        self._code = 0
        self._is_written = threading.Event()
        self._gather_s = GATHER_S

    def run(self) -> int:
        """Work until the end; return the exit code."""
        threading.stack_size(STACK_BYTES)
        for name, work in (("writer", self._write), ("reader", self._read)):
            threading.Thread(target=work, name=name, daemon=True).start()
        told: Progress | None = None
        while not self._ended.wait(PROGRESS_S):
            progress = self._progress()
            if told is None or _has_moved(told, progress):
                self._outbox.put(progress)
                told = progress
        if self._pictures is not None or self._sound is not None:
            self._outbox.put(self._progress())
        self._outbox.put_last()
        self._is_written.wait(LAST_WORDS_S)
        return self._code

    # --- in -----------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            begin = self._message()
            if not isinstance(begin, Begin):
                raise BadMessage(f"begins with {type(begin).__name__}")
            self._begin(begin)
            while not isinstance(message := self._message(), Finish):
                self._take(message)
            self._finish(message)
        except EOFError:
            log.warning("ingest is gone")
            self._code = 1
            self._ended.set()
        except Exception as error:  # the thread's end: the process ends with it
            self._fail("input", error)

    def _message(self) -> ToChild:
        head = self._source.read(LENGTH_BYTES)
        size = int.from_bytes(head, "big")
        if len(head) < LENGTH_BYTES:
            raise EOFError
        if size > MAX_MESSAGE_BYTES:
            raise BadMessage(f"message of {size} bytes")
        body = self._source.read(size)
        if len(body) < size:
            raise EOFError
        try:
            message: ToChild = self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise BadMessage(f"message of {size} bytes: {error}") from error
        return message

    def _begin(self, begin: Begin) -> None:
        if not begin.rungs and begin.audio is not None and begin.audio.fourcc == "Opus":
            self._gather_s = 0.0
        encoder = self._encoder_name(begin)
        shared = None
        if begin.rungs and CANDIDATES[encoder].pixels == SHARED_PIXELS:
            shared = shared_fitter([(rung.width, rung.height) for rung in begin.rungs])
        rungs = [
            RungThread(rung, RungEncoder(encoder, begin.preset, rung), self._outbox.put, self._fail, shared)
            for rung in begin.rungs
        ]
        if rungs:
            self._pictures = PictureThread(rungs, self._say, self._fail)
        if begin.audio is not None:
            self._sound = SoundThread(begin.audio, self._outbox.put, self._say, self._fail)
        self._outbox.put(Ready(encoder))
        if self._pictures is not None:
            self._pictures.start()
        if self._sound is not None:
            self._sound.start()

    def _encoder_name(self, begin: Begin) -> str:
        if not begin.rungs:
            return begin.encoder
        try:
            RungEncoder(begin.encoder, begin.preset, begin.rungs[0])
        except CannotEncode as error:
            self._say(Trouble(f"{error}; {FALLBACK} is used instead"))
            return FALLBACK
        return begin.encoder

    def _take(self, message: ToChild) -> None:
        match message:
            case Media(packet):
                self._taken += 1
                self._put(message, is_video=packet.kind is _VIDEO)
            case Configure(config):
                self._put(message, is_video=config.kind is _VIDEO)
            case Break():
                self._put(message, is_video=True)
                self._put(message, is_video=False)
            case _:
                raise BadMessage(f"{type(message).__name__} in the middle")

    def _put(self, item: Media | Configure | Break | Finish, *, is_video: bool) -> None:
        thread = self._pictures if is_video else self._sound
        if thread is not None:
            thread.intake.put(item)

    def _finish(self, finish: Finish) -> None:
        self._put(finish, is_video=True)
        self._put(finish, is_video=False)
        for thread in (self._pictures, self._sound):
            while thread is not None and not thread.done.wait(1) and not self._ended.is_set():
                pass  # the watchdog of ingest ends what never ends
        self._ended.set()

    # --- out ----------------------------------------------------------------------------------------------------

    def _say(self, trouble: Trouble) -> None:
        log.warning("transcoding trouble", reason=trouble.reason)
        self._outbox.put(trouble)

    def _fail(self, where: str, error: Exception) -> None:
        """End the process because of this; the first call counts."""
        if not self._failed.acquire(blocking=False):
            return
        log.error("transcoding failed", where=where, error=repr(error), exc_info=error)
        reason = "out of memory" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"
        self._code = 1
        self._outbox.put(Trouble(f"{where}: {reason}", "error", is_final=True))
        self._ended.set()

    def _progress(self) -> Progress:
        pictures, sound = self._pictures, self._sound
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Progress(
            taken=self._taken,
            newest=pictures.newest if pictures else 0,
            corrupt_packets=(pictures.corrupt_packets if pictures else 0) + (sound.corrupt_packets if sound else 0),
            rungs=pictures.progress() if pictures else [],
            cpu_s=used.ru_utime + used.ru_stime,
            memory_bytes=_resident_bytes(),
        )

    def _write(self) -> None:
        try:
            while True:
                batch = self._outbox.take_all(self._gather_s)
                self._write_all(b"".join(map(pack, merged(batch))))
                if self._outbox.is_over():
                    self._is_written.set()
                    return
        except OSError as error:
            log.warning("ingest does not listen", error=str(error))
            self._code = 1
            self._is_written.set()
            self._ended.set()

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._sink, view) :]


def merged(batch: list[FromChild]) -> list[FromChild]:
    """Return the messages with the packets of one rendition in one of them, in each rendition's order."""
    messages: list[FromChild] = []
    open_batches: dict[str, Coded] = {}
    for message in batch:
        match message:
            case Coded(rendition, packets):
                if rendition in open_batches:
                    open_batches[rendition].packets.extend(packets)
                else:
                    open_batches[rendition] = Coded(rendition, list(packets))
                    messages.append(open_batches[rendition])
            case RungConfig(rendition, _):
                open_batches.pop(rendition, None)
                messages.append(message)
            case _:
                messages.append(message)
    return messages


def _has_moved(before: Progress, now: Progress) -> bool:
    return (before.taken, before.newest, before.rungs) != (now.taken, now.newest, now.rungs)


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # no Linux: the peak is the nearest there is
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * os.sysconf("SC_PAGE_SIZE")
