"""One clock for sound and pictures: RTP time stamps of both tracks in 90 kHz, in step by the sender's reports. Sans-IO.

Each track's stamps begin at random (RFC 3550, section 5.1); a sender report says which time of the sender's clock one
of them stands for (section 6.4.1). Before there is one, a track goes by when its first packet came.
"""

from media.packets import VIDEO_TIMESCALE
from media.webrtc.whip.feedback import SenderReport
from media.webrtc.whip.rtp import unwrapped

STEP_TICKS = 90 * 80
"""A greater error (80 ms) is corrected at once, a smaller one so slowly that nobody hears it: sound cards drift."""
SLEW = 1 / 200
"""Of the media time that passes may be used for a correction."""
DEAD_TICKS = 90 * 3
"""Reports are exact to 1-2 ms; what is within is left alone."""


class TrackClock:
    """A track's stamps. `offset` leads from its own stamps in 90 kHz to the common clock."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.offset: int | None = None
        self.has_report = False
        self._target = 0
        self._last = 0

    def start(self, timestamp: int, at_ticks: int) -> None:
        """Begin where the first packet came."""
        self.offset = self._target = at_ticks - self.own(timestamp)
        self._last = self.own(timestamp)

    def own(self, timestamp: int) -> int:
        """Return a stamp in 90 kHz of its own."""
        return timestamp * VIDEO_TIMESCALE // self.rate

    def aim(self, offset: int) -> None:
        """Take what a report says; a great error is corrected at once."""
        self.has_report = True
        assert self.offset is not None
        self._target = offset
        if abs(offset - self.offset) > STEP_TICKS:
            self.offset = offset

    def ticks(self, timestamp: int) -> int:
        """Return a stamp (unwrapped) on the common clock."""
        assert self.offset is not None
        own = self.own(timestamp)
        error = self._target - self.offset
        if abs(error) > DEAD_TICKS:
            allowed = int(max(own - self._last, 0) * SLEW)
            self.offset += max(-allowed, min(allowed, error))
        self._last = max(self._last, own)
        return own + self.offset


class CommonClock:
    """The clocks of a publisher's tracks, by SSRC."""

    def __init__(self) -> None:
        self.tracks: dict[int, TrackClock] = {}
        self._stamps: dict[int, int] = {}
        self._ntp_offset: int | None = None
        """From the sender's time in 90 kHz to the common clock."""

    def begin(self, ssrc: int, rate: int, timestamp: int, at_s: float) -> None:
        """Start a track with its first packet (unwrapped stamp) at a time of our loop."""
        clock = self.tracks[ssrc] = TrackClock(rate)
        clock.start(timestamp, int(at_s * VIDEO_TIMESCALE))
        self._stamps[ssrc] = timestamp

    def forget(self, ssrc: int) -> None:
        """Leave a track out: another SSRC is in its place."""
        self.tracks.pop(ssrc, None)
        self._stamps.pop(ssrc, None)

    def ticks(self, ssrc: int, timestamp: int) -> int:
        """Return a stamp (unwrapped) on the common clock."""
        self._stamps[ssrc] = timestamp
        return self.tracks[ssrc].ticks(timestamp)

    def report(self, report: SenderReport) -> None:
        """Take a sender report; those of strangers are passed over."""
        clock = self.tracks.get(report.ssrc)
        if clock is None or clock.offset is None or not report.ntp_time:
            return
        own = clock.own(unwrapped(report.timestamp, self._stamps[report.ssrc], 32))
        sender = report.ntp_time * VIDEO_TIMESCALE >> 32
        if self._ntp_offset is None:  # the first to report leads: it stays where it is
            self._ntp_offset = own + clock.offset - sender
        clock.aim(sender + self._ntp_offset - own)

    def is_in_step(self) -> bool:
        """Return whether all tracks have reported."""
        return all(clock.has_report for clock in self.tracks.values())
