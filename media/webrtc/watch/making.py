"""A child that codes what browsers do not take: sound into Opus; where nothing else is left, pictures too."""

import asyncio
import sys
from collections.abc import Callable

from config.rungs import ConfiguredRung
from media.codecs.opus import SAMPLE_RATE
from media.links.messages import Track
from media.packets import CodecConfig, Packet, TrackKind
from media.transcode.ladder import choose, source_of
from media.transcode.messages import AUDIO, AudioJob, Begin
from media.transcode.rungs import Rung
from media.transcode.transcoder import Transcoder
from media.webrtc.watch.choice import MOST_LINES

OPUS = AudioJob(SAMPLE_RATE, 2, 128_000, "Opus")
ENCODER, PRESET = "libx264", "veryfast"
"""Browsers need H.264, whatever the ladder is made with."""
SOUND_MEMORY_MB = 500
"""Of a child that makes Opus alone: five times what it holds."""
KBPS_OF_720P, FRAME_RATE = 2_500, 30.0
RATE_EXPONENT = 1.5
"""Of the height: half the lines need a third of the bits."""


class Making:
    """Feed it what is to be coded; `take_config` and `take` are called with what comes back, in the loop.

    `lost(reason)` is called when its child has fallen too often.
    """

    def __init__(
        self,
        rung: Rung | None,
        *,
        with_sound: bool,
        take_config: Callable[[CodecConfig], None],
        take: Callable[[Packet], None],
        lost: Callable[[str], None],
        channel: str = "",
    ) -> None:
        self._take_config, self._take, self._lost = take_config, take, lost
        begin = Begin([rung] if rung is not None else [], OPUS if with_sound else None, ENCODER, PRESET)
        command = None if rung is not None else _sound_command()
        self._transcoder = Transcoder(begin, self, channel=channel, command=command)
        self._task = asyncio.create_task(self._transcoder.run(), name="viewers' transcoder")

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._transcoder.pid

    def feed_config(self, config: CodecConfig) -> None:
        """Take the configuration of what follows."""
        self._transcoder.feed_config(config)

    def feed(self, packet: Packet) -> None:
        """Take a packet in media time; keyframes stay keyframes."""
        is_boundary = packet.kind is TrackKind.VIDEO and packet.is_keyframe
        self._transcoder.feed(packet, is_boundary=is_boundary)

    def break_(self) -> None:
        """What follows does not join."""
        self._transcoder.break_()

    async def close(self) -> None:
        """End the child."""
        self._task.cancel()
        await asyncio.wait({self._task})

    # --- Outlet ----------------------------------------------------------------------------------------------

    def rung_config(self, name: str, config: CodecConfig) -> None:  # noqa: ARG002  # of Outlet
        """Pass it on."""
        self._take_config(config)

    def rung_packets(self, name: str, packets: list[Packet]) -> None:  # noqa: ARG002  # of Outlet
        """Pass them on."""
        for packet in packets:
            self._take(packet)

    def rung_lost(self, name: str, reason: str, *, for_ever: bool) -> None:  # noqa: ARG002  # of Outlet
        """Tell when nothing more will come."""
        if for_ever:
            self._lost("sound" if name == AUDIO else "pictures")


def _sound_command() -> list[str]:
    """Return the command of a child for sound: it takes little, and what it makes late all pictures wait for."""
    return [sys.executable, "-m", "media", "transcode", "--memory-mb", str(SOUND_MEMORY_MB)]


def own_rung(track: Track) -> Rung | None:
    """Return what a source is coded into when no rung of the ladder fits: 720 lines at most, 30 frames."""
    source = source_of(track.config, track.frame_rate, 0)
    lines = min(MOST_LINES, source.width, source.height)
    kbps = round(KBPS_OF_720P * (lines / MOST_LINES) ** RATE_EXPONENT)
    if lines <= 0:
        return None
    table = {"own": ConfiguredRung(height=lines, frame_rate=FRAME_RATE, bitrate_kbps=kbps)}
    return next(iter(choose(source, "own", table)), None)
