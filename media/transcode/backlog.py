"""How far a child is behind what it was given, and what it is therefore not given: media time decides, not counts."""

from media.packets import VIDEO_TIMESCALE

LONGEST_S = 2.0
"""Media between the newest packet that was written and the newest that is known to be done."""
LONGEST_START_S = 5.0
"""The same while a child starts: it catches up faster than media comes."""
MOST_BYTES = 32 << 20
"""Written, but not yet taken by the pipe; a source of 100 Mb/s has 25 MB in 2 s."""
LONGEST_STEP_S = 0.25
"""Media that one packet counts for at most: a pause, or what was left out before it, is nothing that waits."""


class Backlog:
    """Of one child; asked for each packet. All stamps are in 90 kHz of media time.

    The lead is video, or sound where only that is made: its stamps are the measure. When it is too far behind, video
    is left out up to a keyframe that finds it in time again: what follows a lost frame is no use to a decoder.
    """

    def __init__(self) -> None:
        self._needs_keyframe = True
        self._has_begun = False
        self._is_starting = True
        self._newest = self._done = 0

    def interrupt(self) -> None:
        """What follows does not join: it begins with a keyframe."""
        self._needs_keyframe = True

    def admits_video(self, dts: int, waiting_bytes: int, *, is_keyframe: bool) -> bool:
        """Tell whether this packet, the next in decoding order, is given to the child."""
        if self._needs_keyframe and not is_keyframe:
            return False
        self._needs_keyframe = self.is_late(waiting_bytes)
        if self._needs_keyframe:
            return False
        self._lead(dts)
        return True

    def admits_audio(self, dts: int, waiting_bytes: int, *, is_lead: bool) -> bool:
        """Tell whether this packet is given to the child."""
        if self.is_late(waiting_bytes):
            return False
        if is_lead:
            self._lead(dts)
        return True

    def finished(self, pts: int) -> None:
        """The child has made something of the lead up to this time."""
        self._done = max(self._done, pts)
        if self.behind_s <= LONGEST_S:
            self._is_starting = False

    def emptied(self) -> None:
        """The child has read all that it was given and makes nothing more of it: it is not behind, it is at its end."""
        self._is_starting = False
        self._done = self._newest

    @property
    def behind_s(self) -> float:
        """Return how much media the child has still before it."""
        return max(self._newest - self._done, 0) / VIDEO_TIMESCALE

    def is_late(self, waiting_bytes: int) -> bool:
        """Tell whether the child has more before it than it may have."""
        longest_s = LONGEST_START_S if self._is_starting else LONGEST_S
        return waiting_bytes > MOST_BYTES or self._newest - self._done > longest_s * VIDEO_TIMESCALE

    def _lead(self, dts: int) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._newest = self._done = dts
        self._done += max(dts - self._newest - round(LONGEST_STEP_S * VIDEO_TIMESCALE), 0)
        self._newest = max(self._newest, dts)
