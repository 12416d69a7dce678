"""What delivery counts: plain integers on the way of a request, read by Prometheus when it asks."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from web.archive.counts import Counts
from web.hls.targets import Kind


class Counters(Collector):
    """Counts since the start of the process, and gauges read when asked. Register it with a `CollectorRegistry`."""

    def __init__(self) -> None:
        self.quick = [0] * len(Kind)
        """200s with a whole body written as they are, by kind."""
        self.others: dict[tuple[Kind, int], int] = {}
        """All other answers by kind and status class."""
        self.memory_hits = 0
        """Requests that were answered from memory."""
        self.joined = 0
        self.upstream: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.handed_over = 0
        self.archive: Counts | None = None
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def answered(self, kind: Kind, status: int) -> None:
        """Count an answer that did not go the quick way."""
        key = (kind, status // 100)
        self.others[key] = self.others.get(key, 0) + 1

    def asked_origin(self, outcome: str) -> None:
        """Count an upstream request by its outcome: a status, `unreachable` or `abandoned`."""
        self.upstream[outcome] = self.upstream.get(outcome, 0) + 1

    def connection_ended(self, reason: str) -> None:
        """Count a connection that this side ended, by its reason."""
        self.ended[reason] = self.ended.get(reason, 0) + 1

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Export a value that is read whenever Prometheus asks."""
        self.gauges[name] = (documentation, read)

    def describe(self) -> Iterable[Metric]:
        """Say nothing before the first scrape; the names are fixed."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        requests = CounterMetricFamily(
            "tally_hls_requests", "Answers by kind and status class", labels=["kind", "class"]
        )
        totals = dict(self.others)
        for kind in Kind:
            totals[kind, 2] = totals.get((kind, 2), 0) + self.quick[kind]
        for (kind, status_class), count in sorted(totals.items()):
            requests.add_metric([kind.name.lower(), f"{status_class}xx"], count)
        yield requests
        yield CounterMetricFamily("tally_hls_memory_hits", "Answers that came from memory", value=self.memory_hits)
        yield CounterMetricFamily(
            "tally_hls_joined", "Requests that waited for another one's flight", value=self.joined
        )
        yield CounterMetricFamily(
            "tally_hls_handed_over", "Connections handed to the web application", value=self.handed_over
        )
        yield _labelled("tally_hls_upstream", "Requests to origins by outcome", "outcome", self.upstream)
        if self.archive is not None:
            yield CounterMetricFamily(
                "tally_hls_archive_playlists", "Playlists written from rows", value=self.archive.playlists
            )
            yield _labelled("tally_hls_store", "Files wanted from the object store", "outcome", self.archive.store)
        yield _labelled("tally_hls_connections_ended", "Connections ended by reason", "reason", self.ended)
        for name, (documentation, read) in self.gauges.items():
            yield GaugeMetricFamily(name, documentation, value=read())


def _labelled(name: str, documentation: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family
