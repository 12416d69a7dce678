"""A source sent to another SRT listener, as an MPEG transport stream."""

import asyncio
from collections.abc import Callable

from config.addresses import Reach
from media.links.messages import AUDIO, SOUND, VIDEO, Break, Configure, Ended, Media
from media.packets import CodecConfig
from media.relay.calling import Call, calling
from media.relay.job import Setback
from media.relay.restream.backlog import Backlog
from media.relay.restream.target import Target
from media.srt.caller import CallFailed
from media.srt.lib import NoLibrary
from media.ts.mux import CARRIED, Muxer

GATHER_S = 0.02
"""Packets that come within this time go out in one call."""
SLOW_S = 5.0
"""How long libsrt may not take what is sent."""


class SrtWay:
    """One connection's worth of sending, like `RtmpWay`."""

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
        assert target.call is not None, "a target of SRT says how it is called"
        try:
            async with calling(self._reach, target.call, wait_s=SLOW_S) as call:
                await self._send(call, backlog, works, count)
        except (CallFailed, ValueError) as error:
            raise Setback(f"SRT: {target.hide(str(error)).rstrip('.')}.") from error
        except NoLibrary as error:
            raise Setback("SRT is not available here: libsrt is not installed.", is_lasting=True) from error

    async def _send(
        self, call: Call, backlog: Backlog, works: Callable[[], None], count: Callable[[int], None]
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
                await call.send(bytes(data))
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
