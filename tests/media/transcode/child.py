"""Drives a real transcode child over its pipes."""

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from resource import struct_rusage

import msgspec

from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from media.transcode.messages import (
    AudioJob,
    Begin,
    Coded,
    Configure,
    Finish,
    FromChild,
    Media,
    Progress,
    RungConfig,
    ToChild,
    Trouble,
)
from media.transcode.rungs import Rung
from media.wire import pack
from tests.media.material import Material

END_S = 40.0
AHEAD = 10
"""Pictures that the feeder goes before what comes out: less than what the child calls late."""
STALL_S = 0.1
"""What does not come out for so long is held by a decoder, or lost."""

_decoder: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


class Child:
    """One process. `messages` holds what it has said, with the time since its start."""

    def __init__(self, *arguments: str, log_level: str = "error", is_heard: bool = True) -> None:
        self.began = time.monotonic()
        self.messages: list[tuple[float, FromChild]] = []
        self.usage: struct_rusage | None = None
        self.code: int | None = None
        self._newest = -1
        self._sent: list[int] = []  # and not yet come out
        environ = os.environ | {"TALLY_LOG_LEVEL": log_level, "TALLY_LOG_FORMAT": "json"}
        listener, out = os.pipe()
        if not is_heard:
            os.close(listener)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "media", "transcode", *arguments],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.PIPE,
            env=environ,
        )
        os.close(out)
        self.pid = self._process.pid
        self._out = os.fdopen(listener, "rb") if is_heard else io.BytesIO()
        self.log = b""
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._read_log)]
        for thread in self._threads:
            thread.start()

    def send(self, *messages: ToChild) -> bool:
        """Write messages; False when the child has gone."""
        return self.send_bytes(b"".join(map(pack, messages)))

    def send_bytes(self, data: bytes) -> bool:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def feed(self, messages: Iterable[ToChild], *, real_time: bool = False) -> None:
        """Send media as fast as the child encodes it, or as it plays."""
        began = time.monotonic()
        for message in messages:
            if isinstance(message, Media) and message.packet.kind is TrackKind.VIDEO:
                if real_time:
                    time.sleep(max(0.0, began + message.packet.dts / VIDEO_TIMESCALE - time.monotonic()))
                else:
                    self._wait_for_room()
                    self._sent.append(message.packet.pts)
            if not self.send(message):
                return

    def finish(self, *, with_goodbye: bool = True) -> int:
        """Say Finish, wait for the end and return the exit code."""
        assert self._process.stdin is not None
        if with_goodbye:
            self.send(Finish())
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        return self.wait()

    def wait(self) -> int:
        killer = threading.Timer(END_S, self._process.kill)
        killer.start()
        _, status, self.usage = os.wait4(self.pid, 0)
        killer.cancel()
        self.code = self._process.returncode = os.waitstatus_to_exitcode(status)
        for thread in self._threads:
            thread.join(5)
        for pipe in (self._process.stdin, self._out, self._process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        return self.code

    # --- what it said -----------------------------------------------------------------------------------------

    def packets(self, rendition: str) -> list[Packet]:
        return [
            packet
            for _, message in self.messages
            if isinstance(message, Coded) and message.rendition == rendition
            for packet in message.packets
        ]

    def config(self, rendition: str) -> CodecConfig:
        [config] = [m.config for _, m in self.messages if isinstance(m, RungConfig) and m.rendition == rendition]
        return config

    def troubles(self) -> list[Trouble]:
        return [message for _, message in self.messages if isinstance(message, Trouble)]

    def progress(self) -> Progress:
        return [message for _, message in self.messages if isinstance(message, Progress)][-1]

    @property
    def cpu_s(self) -> float:
        assert self.usage is not None
        return self.usage.ru_utime + self.usage.ru_stime

    def _read(self) -> None:
        while len(head := self._out.read(4)) == 4:
            message = _decoder.decode(self._out.read(int.from_bytes(head, "big")))
            self.messages.append((time.monotonic() - self.began, message))
            if isinstance(message, Coded) and message.rendition != "audio":
                self._newest = max(self._newest, message.packets[-1].pts)

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        self.log = self._process.stderr.read()

    def _wait_for_room(self) -> None:
        deadline = time.monotonic() + (STALL_S if self._newest >= 0 else END_S)
        while self._process.poll() is None and time.monotonic() < deadline:
            self._sent = [pts for pts in self._sent if pts > self._newest]
            if len(self._sent) < AHEAD:
                return
            time.sleep(0.001)


def begin(rungs: Sequence[Rung], *, audio: AudioJob | None = None, encoder: str = "libx264", preset: str = "") -> Begin:
    return Begin(list(rungs), audio, encoder, preset)


def messages_of(material: Material, *, boundaries: Iterable[int] = (), start: int = 0) -> list[ToChild]:
    """Return a track as ingest sends it, from `start` (in its time base) on."""
    at = set(boundaries)
    return [
        Configure(material.config),
        *(
            Media(msgspec.structs.replace(packet, dts=packet.dts + start, pts=packet.pts + start), packet.pts in at)
            for packet in material.packets
        ),
    ]
