"""The second that answers are stamped with: one `Date` line for all of them, renewed once per second."""

from email.utils import formatdate


class Clock:
    """Counts seconds for everything that needs no finer time: `Date`, `Age`, deadlines of connections.

    Its owner calls `tick` once per second; between two calls all readers see the same values.
    """

    __slots__ = ("date_line", "tick_number")

    def __init__(self, wall_s: float) -> None:
        self.tick_number = 0
        self.date_line = b""
        self.tick(wall_s)

    def tick(self, wall_s: float) -> None:
        """Begin the next second; `wall_s` is the time of day, seconds since the epoch."""
        self.tick_number += 1
        self.date_line = b"Date: " + formatdate(wall_s, usegmt=True).encode() + b"\r\n"
