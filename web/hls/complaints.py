"""Troubles of delivery in the log: the first at once, then one line per period with the count of those kept back."""

from typing import Final

import structlog

from web.hls.clock import Clock

EVERY_S: Final = 10
log = structlog.get_logger()


class Complaints:
    """One per process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0
        self._said_tick = -EVERY_S

    def note(self, event: str, why: object) -> None:
        """Log a trouble, or count it for the next line."""
        self._count += 1
        if self._clock.tick_number - self._said_tick >= EVERY_S:
            log.warning(event, why=str(why), times=self._count)
            self._count = 0
            self._said_tick = self._clock.tick_number
