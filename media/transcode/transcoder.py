"""The ingest side of the ladder: keeps one child running for a stream, feeds it without ever waiting, and tells what
comes back, what is lost and why.

A child may crash, hang, talk nonsense or eat memory: it is ended, its rungs are reported lost, and another begins with
the next keyframe. The source rendition never passes through here.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol as Interface

import msgspec
import structlog

from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from media.transcode.admission import Lease
from media.transcode.backlog import Backlog
from media.transcode.messages import (
    AUDIO,
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
from media.transcode.process import ChildProcess, Nonsense
from media.transcode.rates import Load
from media.transcode.rung_state import RungState, refused
from media.wire import pack
from schemas.ingest import RungHealth, TranscoderHealth

log = structlog.get_logger()

NICE = 5
"""Below ingest, which carries every source rendition."""
MEMORY_MB = 1500
"""A child with 4K pictures and five rungs holds about 700 MB."""
SETTLED_S = 3.0
"""CPU time measured over less than this is of a start, and replaces no estimate."""
TROUBLE_KINDS = 20
"""Different troubles of one child that are logged, each once."""

_VIDEO = TrackKind.VIDEO


class Deadlines(msgspec.Struct, frozen=True):
    """How long a child may take, in seconds, and how often it may fall."""

    ready_s: float = 15.0
    """From its start to `Ready`, on a machine that is busy."""
    progress_s: float = 5.0
    """Without any progress while it is fed."""
    finish_s: float = 3.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 10.0
    """Before a restart: doubled each time, from the start again after a minute of life."""
    falls: int = 5
    period_s: float = 60.0
    """`falls` in a period are enough: the rungs are given up."""
    look_s: float = 1.0
    """Between two looks at its memory and its progress."""


class Outlet(Interface):
    """Who takes what a child makes. Names are of rungs, and `AUDIO`. Called in the loop."""

    def rung_config(self, name: str, config: CodecConfig) -> None:
        """What follows in this rendition needs this configuration."""

    def rung_packets(self, name: str, packets: list[Packet]) -> None:
        """Packets of one rendition in media time."""

    def rung_lost(self, name: str, reason: str, *, for_ever: bool) -> None:
        """Nothing comes until its next packets, which begin with a configuration and a keyframe; or never again."""


def child_command() -> list[str]:
    """Return the command of the real child."""
    return [sys.executable, "-m", "media", "transcode", "--nice", str(NICE), "--memory-mb", str(MEMORY_MB)]


class Transcoder:
    """One stream's ladder. Feed it from the first keyframe on; `run` must be running for anything to come of it.

    `lease` (of the rungs in `begin`) learns what they really cost, and is released when `run` ends.
    """

    def __init__(
        self,
        begin: Begin,
        outlet: Outlet,
        *,
        channel: str = "",
        lease: Lease | None = None,
        command: Sequence[str] | None = None,
        deadlines: Deadlines = Deadlines(),  # noqa: B008  # frozen
        memory_bytes: int = MEMORY_MB * 1_000_000,
    ) -> None:
        self.restarts = 0
        self.dropped_packets = 0
        """Packets of the source that no child got, because it was late or away."""
        self._begin, self._outlet, self._lease = begin, outlet, lease
        self._log = log.bind(channel=channel) if channel else log
        self._command = command or child_command()
        self._deadlines, self._memory_bytes = deadlines, memory_bytes
        self._rungs = {rung.name: RungState(rung) for rung in begin.rungs}
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._backlog = Backlog()
        self._newest_source = 0
        self._falls: deque[float] = deque(maxlen=deadlines.falls)
        self._finishing = asyncio.Event()
        self._finish_by: float | None = None
        self._encoder = begin.encoder
        # of one child:
        self._child: ChildProcess | None = None
        self._is_open = True
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._written = 0
        self._waits_since: float | None = None
        self._is_ready = False
        self._progress: Progress | None = None
        self._looked_at: Progress | None = None
        self._load = Load()
        self._configured: set[str] = set()
        self._troubles: list[str] = []
        self._open()

    # --- what the stream gives -------------------------------------------------------------------------------

    def feed_config(self, config: CodecConfig) -> None:
        """Take a track's configuration, before the packets that need it."""
        if not self._makes(config.kind):
            return
        self._configs[config.kind] = config
        if self._is_open:
            self._send(Configure(config))

    def feed(self, packet: Packet, *, is_boundary: bool = False) -> None:
        """Take the next packet in media time; with `is_boundary`, every rung begins a segment at it."""
        kind = packet.kind
        is_video = kind is _VIDEO
        if is_video:
            if not self._rungs:
                return
            self._newest_source = max(self._newest_source, packet.pts)
        elif self._begin.audio is None:
            return
        if not self._is_open:
            self.dropped_packets += 1
            return
        child = self._child
        waiting_bytes = self._pending_bytes if child is None else child.waiting_bytes
        if is_video:
            is_admitted = self._backlog.admits_video(packet.dts, waiting_bytes, is_keyframe=packet.is_keyframe)
        else:
            is_admitted = self._backlog.admits_audio(self._ticks(packet), waiting_bytes, is_lead=not self._rungs)
        if self._waits_since is None and (is_admitted or self._backlog.is_late(waiting_bytes)):
            self._waits_since = asyncio.get_running_loop().time()
        if not is_admitted:
            self.dropped_packets += 1
            return
        self._written += 1
        self._send(Media(packet, is_boundary))

    def break_(self) -> None:
        """What follows does not join what went before."""
        self._backlog.interrupt()
        if self._is_open:
            self._send(Break())

    def finish(self) -> None:
        """Let the child give out what it holds and end; `run` then returns, within `finish_s` and one look."""
        if not self._finishing.is_set():
            self._finishing.set()
            self._finish_by = asyncio.get_running_loop().time() + self._deadlines.finish_s
            if self._is_open:
                self._send(Finish())
            self._is_open = False

    # --- what others see -------------------------------------------------------------------------------------

    def health(self) -> tuple[list[RungHealth], TranscoderHealth]:
        """Return the rungs, best first, those that were refused among them, and the child."""
        rungs = [one.health(self._newest_source) for one in self._rungs.values()]
        if self._lease is not None:
            rungs += [refused(refusal.rung, refusal.reason) for refusal in self._lease.refused]
        rungs.sort(key=lambda one: (-one.width * one.height, -one.frame_rate))
        return rungs, TranscoderHealth(
            encoder=self._encoder,
            cores=round(self._load.cores, 2),
            memory_bytes=self._memory(),
            restarts=self.restarts,
            dropped_packets=self.dropped_packets,
        )

    def _memory(self) -> int:
        told = self._progress.memory_bytes if self._progress is not None else 0
        return (self._child.memory_bytes if self._child is not None else 0) or told

    @property
    def pid(self) -> int | None:
        """Return the process that runs now."""
        return self._child.pid if self._child is not None else None

    # --- one child after the other ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep a child running until cancelled, finished, or until it has fallen too often."""
        loop = asyncio.get_running_loop()
        pause_s = self._deadlines.first_pause_s
        try:
            while True:
                began = loop.time()
                reason = await self._live()
                if self._finishing.is_set():
                    break
                now = loop.time()
                self._falls.append(now)
                is_over = self._fell_too_often(now) or self._has_nothing_to_make()
                if now - began >= self._deadlines.period_s:
                    pause_s = self._deadlines.first_pause_s
                self._lose(reason, for_ever=is_over)
                if is_over:
                    self._log.error("transcoder given up", reason=reason, falls=len(self._falls))
                    return
                self._log.warning("transcoder fell", reason=reason, restart_in_s=pause_s)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._finishing.wait()
                pause_s = min(pause_s * 2, self._deadlines.longest_pause_s)
                if self._finishing.is_set():
                    break
                self.restarts += 1
                self._open()
        finally:
            self._is_open = False
            if self._lease is not None:
                self._lease.release()

    async def _live(self) -> str:
        """Run one child; return how it ended."""
        child = ChildProcess(self._command, self._take)
        try:
            await child.start()
            self._child = child
            for data in self._pending:
                child.write(data)
            self._pending.clear()
            await self._watch(child)
        except OSError as error:
            child.kill(f"cannot be started: {error.strerror}")
        except BaseException:
            child.kill("was stopped")
            raise
        finally:
            self._is_open = False
            try:
                reason = await child.close()
            finally:
                self._child = None
                self._pending.clear()
                if self._lease is not None:
                    self._lease.measured(None)
        return self._last_words(reason)

    async def _watch(self, child: ChildProcess) -> None:
        """Look at the child now and then until it ends; end it where it must not go on."""
        began = asyncio.get_running_loop().time()
        while not await child.ended(self._deadlines.look_s):
            fault = self._fault(child, began, asyncio.get_running_loop().time())
            if fault:
                child.kill(fault)
                return
            if self._lease is not None and self._load.seconds >= SETTLED_S:
                self._lease.measured(self._load.cores)

    def _fault(self, child: ChildProcess, began: float, now: float) -> str:
        """Return why the child must end, or ""."""
        deadlines, since = self._deadlines, self._waits_since
        if self._finish_by is not None and now >= self._finish_by:
            return f"did not finish within {deadlines.finish_s:g} s"
        if not self._is_ready:
            return f"was not ready after {deadlines.ready_s:g} s" if now - began > deadlines.ready_s else ""
        if since is not None and now - since > deadlines.progress_s:
            return f"made no progress for {deadlines.progress_s:g} s"
        memory_bytes = child.memory_bytes
        if memory_bytes > self._memory_bytes:
            return f"held {memory_bytes // 1_000_000} MB of memory, more than {self._memory_bytes // 1_000_000}"
        progress, before = self._progress, self._looked_at
        if progress is not None and progress is before and progress.taken >= self._written:
            self._backlog.emptied()
        self._looked_at = progress
        return ""

    def _open(self) -> None:
        """Take packets for a child that is about to start: from the next keyframe on."""
        self._is_open = True
        self._backlog = Backlog()
        self._pending_bytes = self._written = 0
        self._waits_since = self._progress = self._looked_at = None
        self._is_ready = False
        self._load = Load()
        self._configured.clear()
        self._troubles.clear()
        for one in self._rungs.values():
            if one.state == "lost":
                one.state = "starting"
        rungs = [one.rung for one in self._rungs.values() if one.state != "shed"]
        self._send(msgspec.structs.replace(self._begin, rungs=rungs))
        for config in self._configs.values():
            self._send(Configure(config))

    def _send(self, message: ToChild) -> None:
        data = pack(message)
        if self._child is not None:
            self._child.write(data)
        else:
            self._pending.append(data)
            self._pending_bytes += len(data)

    def _fell_too_often(self, now: float) -> bool:
        return len(self._falls) == self._deadlines.falls and now - self._falls[0] <= self._deadlines.period_s

    def _has_nothing_to_make(self) -> bool:
        return self._begin.audio is None and all(one.state == "shed" for one in self._rungs.values())

    def _lose(self, reason: str, *, for_ever: bool) -> None:
        for name, one in self._rungs.items():
            if one.state != "shed":
                one.lost("lost", reason)
                self._outlet.rung_lost(name, reason, for_ever=for_ever)
        if self._begin.audio is not None:
            self._outlet.rung_lost(AUDIO, reason, for_ever=for_ever)

    def _last_words(self, reason: str) -> str:
        return ": ".join([f"the transcoder {reason}", *self._troubles[-1:]])

    # --- what the child says ---------------------------------------------------------------------------------

    def _take(self, message: FromChild) -> None:
        match message:
            case Coded():
                self._take_coded(message)
            case Progress():
                self._take_progress(message)
            case RungConfig(rendition=name, config=config):
                self._known(name)
                self._configured.add(name)
                self._outlet.rung_config(name, config)
            case Ready(encoder=encoder):
                self._is_ready = True
                self._waits_since = asyncio.get_running_loop().time() if self._written else None
                self._encoder = encoder
                if encoder != self._begin.encoder:
                    self._log.warning("encoder not able", wanted=self._begin.encoder, used=encoder)
            case Trouble():
                self._take_trouble(message)

    def _take_coded(self, message: Coded) -> None:
        name, packets = message.rendition, message.packets
        self._known(name)
        if name not in self._configured:
            raise Nonsense(f"packets of {name} before their configuration")
        if not packets:
            return
        one = self._rungs.get(name)
        if one is not None:
            if one.state == "shed":
                return
            one.made(packets)
            self._backlog.finished(packets[-1].pts)
        elif not self._rungs and self._begin.audio is not None:
            self._backlog.finished(packets[-1].pts * VIDEO_TIMESCALE // self._begin.audio.sample_rate)
        self._outlet.rung_packets(name, packets)

    def _take_progress(self, progress: Progress) -> None:
        before, self._progress = self._progress, progress
        now = asyncio.get_running_loop().time()
        self._load.count(progress.cpu_s, now)
        self._backlog.finished(progress.newest)
        if before is None or (progress.taken, progress.newest) != (before.taken, before.newest):
            self._waits_since = now if progress.taken < self._written else None
        for rung in progress.rungs:
            one = self._rungs.get(rung.name)
            if one is None:
                raise Nonsense(f"progress of {rung.name!r}, which it does not make")
            one.dropped = rung.dropped_frames
            if rung.is_shed and one.state != "shed":
                reason = "the machine was too slow for all rungs"
                one.lost("shed", reason)
                self._log.warning("rung shed", rung=rung.name)
                self._outlet.rung_lost(rung.name, reason, for_ever=True)

    def _take_trouble(self, trouble: Trouble) -> None:
        if trouble.reason not in self._troubles and len(self._troubles) < TROUBLE_KINDS:
            self._log.warning("transcoder in trouble", reason=trouble.reason, severity=trouble.severity)
            self._troubles.append(trouble.reason)

    def _known(self, name: str) -> None:
        if name not in self._rungs and not (name == AUDIO and self._begin.audio is not None):
            raise Nonsense(f"something of {name!r}, which it does not make")

    def _makes(self, kind: TrackKind) -> bool:
        return bool(self._rungs) if kind is _VIDEO else self._begin.audio is not None

    def _ticks(self, packet: Packet) -> int:
        config = self._configs.get(packet.kind)
        return packet.dts * VIDEO_TIMESCALE // config.sample_rate if config is not None and config.sample_rate else 0
