"""When a packet is due: what is read faster than it plays (files, playlists) is sent as fast as it plays.

Nothing is sent before its time; what is a little late catches up, and after a stall time goes on from there. Sans-IO.
"""

from media.packets import VIDEO_TIMESCALE

MOST_AHEAD_S = 10.0
"""A stamp further ahead of the newest is a jump of the source's clock."""
MOST_BEHIND_S = 2.0
"""So is one further behind: sound and pictures of one place in a file are less apart."""
LATE_S = 1.0
"""What is later than this was not there in time: what follows is not hurried."""
_WRAP = 1 << 33


class Pacer:
    """The clock of one source. `slack_s`: how much earlier than due a packet may go, for live sources' bursts."""

    def __init__(self, slack_s: float) -> None:
        self._slack_s = slack_s
        self._newest: int | None = None
        self._newest_due = 0.0

    def wait_s(self, dts: int, now: float) -> float:
        """Return how long to wait before sending a packet with this stamp (90 kHz); 0 when it is due."""
        if self._newest is None:
            self._newest, self._newest_due = dts, now
            return 0.0
        ahead_s = ((dts - self._newest + _WRAP // 2) % _WRAP - _WRAP // 2) / VIDEO_TIMESCALE
        is_jump = not -MOST_BEHIND_S <= ahead_s <= MOST_AHEAD_S
        due = self._newest_due + (0.0 if is_jump else ahead_s)
        if is_jump or ahead_s > 0:
            self._newest, self._newest_due = dts, due if now - due <= LATE_S else now
        return max(0.0, due - now - self._slack_s)
