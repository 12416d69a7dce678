"""What arrives on a track, measured over the last seconds: for the owner's health page."""

from collections import deque
from collections.abc import Sequence

import msgspec

from media.clocks import RTMP_STAMPS
from media.codecs import rfc6381
from media.hls.boxes import timescale
from media.packets import CodecConfig, Packet, TrackKind
from schemas.ingest import TrackHealth

PERIOD_S = 5
"""Whole seconds that a measurement looks back."""
REMEMBERED_S = 12
"""Whole seconds of a connection's bytes that are kept."""
BATCH_S = 0.005
"""What arrives within this time came in one read of the socket, and has one time of arrival."""
MAX_STEP_S = 10.0
"""A step of the publisher's clock beyond this, or backward, is a jump and says nothing of the network."""


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


class PublisherMeter:
    """What one connection sends: bytes by the second, and how irregularly its time stamps arrive.

    The interarrival jitter is RFC 3550's (6.4.1) with reads of the socket in place of packets: J += (|D| - J) / 16.
    Stamps count in `ticks_per_s`.
    """

    def __init__(self, ticks_per_s: int = RTMP_STAMPS.ticks_per_s) -> None:
        self._ticks_per_s = ticks_per_s
        self.total_bytes = 0
        self.jitter_s = 0.0
        self._seconds: deque[list[int]] = deque(maxlen=REMEMBERED_S)  # [number of the second, bytes]
        self._first_second: int | None = None
        self._stamp: int | None = None  # the newest, of the read that is going on
        self._arrival = 0.0
        self._last: tuple[int, float] | None = None  # newest stamp and arrival of the read before

    def count(self, size: int, stamp: int | None, now: float) -> None:
        """Take a packet that arrived at `now`; a stamp is given for one of the tracks only, the leading one."""
        self.total_bytes += size
        number = int(now)
        seconds = self._seconds
        if seconds and seconds[-1][0] == number:
            seconds[-1][1] += size
        else:
            seconds.append([number, size])
            if self._first_second is None:
                self._first_second = number
        if stamp is not None:
            if now - self._arrival > BATCH_S:
                self._finish_read()
                self._arrival = now
            self._stamp = stamp

    def _finish_read(self) -> None:
        if self._stamp is None:
            return
        if self._last is not None:
            step_s = (self._stamp - self._last[0]) / self._ticks_per_s
            if 0 <= step_s <= MAX_STEP_S:
                difference_s = abs((self._arrival - self._last[1]) - step_s)
                self.jitter_s += (difference_s - self.jitter_s) / 16
        self._last = (self._stamp, self._arrival)

    def bitrate_bps(self, now: float, period_s: int = PERIOD_S) -> int:
        """Return the mean of the last whole seconds, at most `period_s`; the first second only while it is alone."""
        if self._first_second is None:
            return 0
        number = int(now)
        since = max(number - period_s, self._first_second + 1)
        if since >= number:
            since = min(self._first_second, number)
            number = since + 1
        size = sum(bytes_ for second, bytes_ in self._seconds if since <= second < number)
        return size * 8 // (number - since)

    def whole_seconds(self, now: float) -> int:
        """Return for how many whole seconds this connection has been measured."""
        return 0 if self._first_second is None else max(int(now) - self._first_second - 1, 0)
