"""What the keeper of this process counts, for Prometheus and for the log line when it falls behind."""

import time
from collections.abc import Iterator
from typing import Final

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

BEHIND_S: Final = 30.0
"""From here on an operator is told: PostgreSQL is away or too slow. Redis holds what is not written meanwhile."""
log = structlog.get_logger()


class KeepingCounts:
    """A collector of `prometheus_client`."""

    def __init__(self) -> None:
        self.kept = 0
        """Messages that became rows."""
        self.given_up = 0
        """Entries that cannot be written down."""
        self.trimmed = 0
        """Entries that Redis dropped before they were written down."""
        self._oldest_ms: int | None = None
        self._is_behind = False

    @property
    def lag_s(self) -> float:
        """How old the oldest entry is that this process has read and could not write down yet, else 0."""
        return 0.0 if self._oldest_ms is None else max(0.0, time.time() - self._oldest_ms / 1000)

    def taken(self, oldest_ms: int) -> None:
        """Note entries that are about to be written; say so once when they have waited for long."""
        self._oldest_ms = oldest_ms if self._oldest_ms is None else min(self._oldest_ms, oldest_ms)
        self._look()

    def failed(self) -> None:
        """Note that they could not be."""
        self._look()

    def done(self, messages: int) -> None:
        """Note that what was taken is written; 0 also when there was nothing to write."""
        self.kept += messages
        if self._is_behind and self.lag_s < BEHIND_S:
            log.info("chat written down again")
            self._is_behind = False
        self._oldest_ms = None

    def _look(self) -> None:
        if not self._is_behind and self.lag_s >= BEHIND_S:
            self._is_behind = True
            log.warning("chat not written down", behind_s=round(self.lag_s))

    def collect(self) -> Iterator[Metric]:
        """Yield what is to be shown (`prometheus_client`'s Collector)."""
        yield CounterMetricFamily("tally_chat_kept", "Chat messages written to PostgreSQL", value=self.kept)
        yield CounterMetricFamily("tally_chat_given_up", "Log entries that cannot be written", value=self.given_up)
        yield CounterMetricFamily("tally_chat_trimmed", "Log entries lost before they were written", value=self.trimmed)
        yield GaugeMetricFamily("tally_chat_keep_lag_seconds", "Age of the oldest unwritten entry", value=self.lag_s)
