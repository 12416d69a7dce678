"""What a rung's packets come to, by their own time: for health."""

from collections import deque

from media.packets import VIDEO_TIMESCALE, Packet

PERIOD_S = 5


class Rate:
    """Bits per second of media over the last `PERIOD_S` whole seconds of it."""

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque(maxlen=PERIOD_S + 1)  # [number of the second, bytes]

    def count(self, packets: list[Packet]) -> None:
        """Take coded packets in their order; stamps are in 90 kHz."""
        for packet in packets:
            number = packet.pts // VIDEO_TIMESCALE
            if self._seconds and self._seconds[-1][0] == number:
                self._seconds[-1][1] += len(packet.data)
            else:
                self._seconds.append([number, len(packet.data)])

    @property
    def bitrate_bps(self) -> int:
        """Return the mean; the first and the last second are never whole and count only while there is no other."""
        if not self._seconds:
            return 0
        rows = list(self._seconds)
        whole = rows[1:-1] if len(rows) <= PERIOD_S else rows[:-1]
        rows = whole or rows[-1:]
        return sum(size for _, size in rows) * 8 // (rows[-1][0] - rows[0][0] + 1)


class Load:
    """CPU seconds per second, over the last `PERIOD_S`, from a process's count of CPU seconds."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, float]] = deque()

    def count(self, cpu_s: float, now: float) -> None:
        """Take a reading; the count of a process never falls."""
        self._readings.append((now, cpu_s))
        while now - self._readings[0][0] > PERIOD_S and len(self._readings) > 2:
            self._readings.popleft()

    @property
    def cores(self) -> float:
        """Return the mean, 0 until there are two readings."""
        if len(self._readings) < 2:
            return 0.0
        (began, first), (newest, last) = self._readings[0], self._readings[-1]
        return (last - first) / (newest - began) if newest > began else 0.0

    @property
    def seconds(self) -> float:
        """Return the time that the readings span."""
        return self._readings[-1][0] - self._readings[0][0] if self._readings else 0.0
