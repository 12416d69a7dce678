"""What arrives on a track, measured over the last seconds: for the owner's health page."""

from collections import deque
from collections.abc import Sequence

import msgspec

from media.codecs import rfc6381
from media.hls.boxes import timescale
from media.packets import CodecConfig, Packet, TrackKind
from schemas.ingest import TrackHealth

PERIOD_S = 5
"""Whole seconds that a measurement looks back."""


class _Second(msgspec.Struct):
    """What arrived within one second of wall clock."""

    number: int
    first_dts: int
    size: int = 0
    packets: int = 0


class TrackMeter:
    """Counts packets in buckets of one second of wall clock.

    The bit rate is what arrives in a second of ours; the frame rate is what plays in a second of media time, for
    publishers send in bursts.
    """

    def __init__(self, config: CodecConfig) -> None:
        self.total_bytes = 0
        self._config = config
        self._seconds: deque[_Second] = deque(maxlen=PERIOD_S + 1)
        self._last_dts = 0
        self._last_keyframe: int | None = None
        self._keyframe_interval_s: float | None = None

    def configure(self, config: CodecConfig) -> None:
        """Go on with another configuration."""
        self._config = config
        self._last_keyframe = None

    def count(self, packet: Packet, now: float) -> None:
        """Take a packet that arrived at `now`."""
        number = int(now)
        if not self._seconds or self._seconds[-1].number != number:
            self._seconds.append(_Second(number, packet.dts))
        second = self._seconds[-1]
        size = len(packet.data)
        self.total_bytes += size
        second.size += size
        second.packets += 1
        self._last_dts = packet.dts
        if packet.is_keyframe and packet.kind is TrackKind.VIDEO:
            if self._last_keyframe is not None:
                self._keyframe_interval_s = (packet.dts - self._last_keyframe) / timescale(self._config)
            self._last_keyframe = packet.dts

    def stats(self, now: float) -> TrackHealth:
        """Return the measurement of the last `PERIOD_S` whole seconds; a silent track falls to zero."""
        since = int(now) - PERIOD_S
        recent = [second for second in self._seconds if since <= second.number]
        rows = [second for second in recent if second.number < int(now)] or recent
        # The first second is never whole, so it counts only while there is no other.
        if len(self._seconds) <= PERIOD_S and len(rows) > 1:
            rows = rows[1:]
        seconds = max(int(now) - rows[0].number, 1) if rows else 1
        config = self._config
        is_video = config.kind is TrackKind.VIDEO
        return TrackHealth(
            codec=rfc6381(config),
            bitrate_bps=sum(row.size for row in rows) * 8 // seconds,
            width=config.width or None,
            height=config.height or None,
            frame_rate=round(self._frame_rate(recent), 2) if is_video else None,
            keyframe_interval_s=self._keyframe_interval_s,
            sample_rate=config.sample_rate or None,
            channels=config.channels or None,
        )

    def _frame_rate(self, recent: Sequence[_Second]) -> float:
        """Frames from the first to the last of these seconds, by their own time."""
        frames = sum(second.packets for second in recent) - 1
        ticks = self._last_dts - recent[0].first_dts if recent else 0
        return frames * timescale(self._config) / ticks if ticks > 0 else 0.0
