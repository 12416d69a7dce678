"""What the storage process tells Prometheus."""

import time
from collections.abc import Iterable, Mapping

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.storage.catalog import Piece, Span
from media.storage.stream import StoredStream
from schemas.ids import SessionId

PUT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DELAY_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)


class Figures(Collector):
    """Counters of one storage process; gauges are read from its sessions when asked."""

    def __init__(self, streams: Mapping[SessionId, StoredStream]) -> None:
        self.puts = 0
        self.failures = 0
        self.bytes = 0
        self.lost = 0
        """Files that were gone or short when their turn came."""
        self.dropped = 0
        """Segments that were given up because the spool was full."""
        self.spool_limit_bytes = 0
        self._streams = streams
        self._seconds = Histogram(
            "tally_storage_put_seconds",
            "From reading a file to the store's answer.",
            buckets=PUT_BUCKETS,
            registry=None,
        )
        self._delay = Histogram(
            "tally_storage_delay_seconds", "From a segment's line to storage.", buckets=DELAY_BUCKETS, registry=None
        )

    def stored(self, piece: Piece, seconds: float, now: float) -> None:
        """Count an object that is in storage; `now` is the loop's clock."""
        self.puts += 1
        self.bytes += piece.size
        self._seconds.observe(seconds)
        if isinstance(piece.fact, Span):
            self._delay.observe(now - piece.seen_at)

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        streams, now = list(self._streams.values()), time.monotonic()
        yield CounterMetricFamily("tally_storage_puts", "Objects stored.", value=self.puts)
        yield CounterMetricFamily("tally_storage_put_failures", "Objects refused or not taken.", value=self.failures)
        yield CounterMetricFamily("tally_storage_put_bytes", "Bytes stored.", value=self.bytes)
        yield CounterMetricFamily("tally_storage_lost", "Files that were gone from the spool.", value=self.lost)
        yield CounterMetricFamily("tally_storage_dropped", "Segments given up for want of room.", value=self.dropped)
        yield GaugeMetricFamily("tally_storage_sessions", "Sessions in the spool.", value=len(streams))
        waiting = sum(stream.waiting for stream in streams)
        yield GaugeMetricFamily("tally_storage_waiting", "Objects that are not in storage.", value=waiting)
        waiting_bytes = sum(stream.waiting_bytes for stream in streams)
        yield GaugeMetricFamily("tally_storage_waiting_bytes", "Their bytes.", value=waiting_bytes)
        oldest = min((at for stream in streams if (at := stream.oldest_waiting_at()) is not None), default=now)
        yield GaugeMetricFamily("tally_storage_oldest_seconds", "Age of the oldest of them.", value=now - oldest)
        spool = waiting_bytes + sum(stream.kept_bytes for stream in streams)
        yield GaugeMetricFamily("tally_spool_bytes", "Closed segments in the spool.", value=spool)
        yield GaugeMetricFamily("tally_spool_limit_bytes", "What may wait there.", value=self.spool_limit_bytes)
        untold = sum(len(stream.events) for stream in streams)
        yield GaugeMetricFamily("tally_storage_untold", "Events that web was not told yet.", value=untold)
        yield from self._seconds.collect()
        yield from self._delay.collect()
