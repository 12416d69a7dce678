"""What the ingest process tells Prometheus of pictures."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from media.pictures.link import Pictures


class PicturesCollector(Collector):
    """The counters of the link to the pictures process."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        pictures = self._pictures
        keyframes = CounterMetricFamily(
            "tally_pictures", "Keyframes taken for pictures, by outcome.", labels=["outcome"]
        )
        keyframes.add_metric(["made"], pictures.stills)
        keyframes.add_metric(["undecodable"], pictures.failed_stills)
        keyframes.add_metric(["dropped"], pictures.dropped_stills)
        yield keyframes
        yield CounterMetricFamily(
            "tally_pictures_restarts", "How often the pictures process fell.", value=pictures.restarts
        )
