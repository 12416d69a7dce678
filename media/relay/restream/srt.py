"""A source sent to another SRT listener, as an MPEG transport stream."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from config.addresses import Reach
from media.links.messages import AUDIO, SOUND, VIDEO, Break, Configure, Ended, Media
from media.packets import CodecConfig
from media.relay.job import Setback
from media.relay.restream.backlog import Backlog
from media.relay.restream.target import Target
from media.srt.caller import Caller, CallFailed
from media.srt.lib import NoLibrary
from media.ts.mux import CARRIED, Muxer

GATHER_S = 0.02
"""Packets that come within this time go out in one call."""
SLOW_S = 5.0
"""How long libsrt may not take what is sent."""


class SrtWay:
    """One connection's worth of sending, like `RtmpWay`. libsrt blocks, so it has a thread of its own."""

    tracks = (VIDEO, SOUND, AUDIO)
    """The sound as it was published where a transport stream can hold it, else as AAC."""

    def __init__(self, target: Target, reach: Reach) -> None:
        self._target, self._reach = target, reach
        self._muxer = Muxer()
        self._sound = ""  # the track that is sent
        self._configs: dict[str, CodecConfig] = {}

    async def run(self, backlog: Backlog, works: Callable[[], None], count: Callable[[int], None]) -> None:
        """Send what comes out of the backlog. `works` is called when it is taken, `count` with bytes sent."""
        target = self._target
        found = await self._reach.resolve(target.host, target.port, kind=socket.SOCK_DGRAM)
        address = found[0][4][0]
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="srt caller") as thread:
            try:
                caller = await _surely(loop.run_in_executor(thread, self._call, address), _hang_up)
            except (CallFailed, ValueError) as error:
                raise Setback(f"The other server cannot be called: {target.hide(str(error)).rstrip('.')}.") from error
            except NoLibrary as error:
                raise Setback("SRT is not available here: libsrt is not installed.", is_lasting=True) from error
            try:
                await self._send(lambda data: loop.run_in_executor(thread, caller.send, data), backlog, works, count)
            except CallFailed as error:
                raise Setback(f"The other server ended it: {target.hide(str(error)).rstrip('.')}.") from error
            finally:
                caller.close()  # which also ends a send that blocks

    def _call(self, address: str) -> Caller:
        target = self._target
        return Caller.connect(
            address,
            target.port,
            streamid=target.streamid,
            passphrase=target.passphrase,
            latency_ms=target.latency_ms,
            wait_s=SLOW_S,
        )

    async def _send(
        self,
        send: Callable[[bytes], asyncio.Future[None]],
        backlog: Backlog,
        works: Callable[[], None],
        count: Callable[[int], None],
    ) -> None:
        is_over = False
        while not is_over:
            data = bytearray()
            is_over = self._mux(await backlog.get(), data)
            if not is_over and data:
                await asyncio.sleep(GATHER_S)
                while backlog.has_more and not is_over and len(data) < 1 << 18:
                    is_over = self._mux(await backlog.get(), data)
            if data:
                await send(bytes(data))
                works()
                count(len(data))

    def _mux(self, message: object, data: bytearray) -> bool:
        """Add what goes out for a message; return whether it was the last."""
        match message:
            case Configure(track, config):
                self._configure(track, config)
            case Media(track, packet) if track in {VIDEO, self._sound}:
                data += self._muxer.write(packet)
            case Break():
                self._muxer.break_()
            case Ended():
                return True
        return False

    def _configure(self, track: str, config: CodecConfig) -> None:
        self._configs[track] = config
        if track == VIDEO:
            if not self._muxer.configure(config):
                raise Setback(f"SRT cannot carry {config.fourcc} video.", is_lasting=True)
            return
        sound = self._configs.get(SOUND)
        self._sound = SOUND if sound is not None and sound.fourcc in CARRIED else AUDIO
        if track == self._sound:
            self._muxer.configure(config)


async def _surely(call: asyncio.Future[Caller], undo: Callable[[Caller], None]) -> Caller:
    """Wait for a call that cannot be cancelled; a connection that nobody waits for any more is closed."""
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        call.add_done_callback(lambda done: undo(done.result()) if not done.exception() else None)
        raise


def _hang_up(caller: Caller) -> None:
    caller.close()
