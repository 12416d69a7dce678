"""What the relay process tells Prometheus."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.relay.jobs import Jobs


class RelayCollector(Collector):
    """Read from the jobs when asked."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        jobs = list(self._jobs)
        gauge = GaugeMetricFamily("tally_relay_jobs", "Pulls and restreams, by state.", labels=("kind", "state"))
        for (kind, state), count in Counter((job.kind, job.state) for job in jobs).items():
            gauge.add_metric((kind, state), count)
        yield gauge
        moved = CounterMetricFamily("tally_relay_bytes", "Bytes received or sent, of all jobs.", labels=("kind",))
        failed = CounterMetricFamily("tally_relay_failures", "Tries that failed, of all jobs.", labels=("kind",))
        for kind, size in self._jobs.moved_bytes.items():
            moved.add_metric((kind,), size)
        for kind, count in self._jobs.failures.items():
            failed.add_metric((kind,), count)
        yield from (moved, failed)
