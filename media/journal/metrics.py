"""What the ingest process tells Prometheus of its disk."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.journal.disk import Disk


class DiskCollector(Collector):
    """Whether the disk takes what is published; an alarm belongs on the first two."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        disk = self._disk
        yield GaugeMetricFamily(
            "tally_spool_behind", "Sessions that go on from memory, for the disk does not keep up.", value=disk.behind
        )
        yield CounterMetricFamily(
            "tally_spool_lost_segments", "Segments that were live and will not be recorded.", value=disk.lost_segments
        )
        yield CounterMetricFamily("tally_spool_failures", "Attempts to write that failed.", value=disk.failures)
        yield CounterMetricFamily(
            "tally_spool_slow_writes", "Writes that took longer than 100 ms.", value=disk.slow_writes
        )
