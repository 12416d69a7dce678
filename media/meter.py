"""What arrives on a track, measured over the last seconds: for the owner's health page."""

from collections import deque

import msgspec

from media.codecs import rfc6381
from media.hls.boxes import timescale
from media.packets import CodecConfig, Packet, TrackKind

PERIOD_S = 5
"""Whole seconds that a measurement looks back."""


class TrackStats(msgspec.Struct, frozen=True, kw_only=True):
    """One track as it arrives; the fields of `schemas.ingest.TrackHealth`."""

    codec: str
    bitrate_bps: int
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    keyframe_interval_s: float | None = None
    sample_rate: int | None = None
    channels: int | None = None


class TrackMeter:
    """Counts packets in buckets of one second of wall clock."""

    def __init__(self, config: CodecConfig) -> None:
        self.total_bytes = 0
        self._config = config
        self._seconds: deque[tuple[int, int, int]] = deque(maxlen=PERIOD_S)  # second, bytes, packets
        self._second = -1
        self._bytes = 0
        self._packets = 0
        self._last_keyframe: int | None = None
        self._keyframe_interval_s: float | None = None

    def configure(self, config: CodecConfig) -> None:
        """Go on with another configuration."""
        self._config = config
        self._last_keyframe = None

    def count(self, packet: Packet, now: float) -> None:
        """Take a packet that arrived at `now`."""
        second = int(now)
        if second != self._second:
            if self._second >= 0:
                self._seconds.append((self._second, self._bytes, self._packets))
            self._second, self._bytes, self._packets = second, 0, 0
        size = len(packet.data)
        self.total_bytes += size
        self._bytes += size
        self._packets += 1
        if packet.is_keyframe and packet.kind is TrackKind.VIDEO:
            if self._last_keyframe is not None:
                self._keyframe_interval_s = (packet.dts - self._last_keyframe) / timescale(self._config)
            self._last_keyframe = packet.dts

    def stats(self, now: float) -> TrackStats:
        """Return the measurement of the last `PERIOD_S` whole seconds; a silent track falls to zero."""
        since = int(now) - PERIOD_S
        rows = [row for row in (*self._seconds, (self._second, self._bytes, self._packets)) if since <= row[0]]
        rows = [row for row in rows if row[0] < int(now)] or rows
        # The first second is never whole, so it counts only while there is no other.
        if len(self._seconds) < PERIOD_S and len(rows) > 1:
            rows = rows[1:]
        seconds = max(int(now) - rows[0][0], 1) if rows else 1
        config = self._config
        is_video = config.kind is TrackKind.VIDEO
        return TrackStats(
            codec=rfc6381(config),
            bitrate_bps=sum(row[1] for row in rows) * 8 // seconds,
            width=config.width or None,
            height=config.height or None,
            frame_rate=round(sum(row[2] for row in rows) / seconds, 2) if is_video else None,
            keyframe_interval_s=self._keyframe_interval_s,
            sample_rate=config.sample_rate or None,
            channels=config.channels or None,
        )
