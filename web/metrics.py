"""What this process counts, and the one place where a repeated trouble becomes a log line now and then."""

import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REPORT_EVERY_S = 10.0
log = structlog.get_logger()


class Metrics:
    """The counters of one web process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("tally_web_requests", "API requests", ("operation", "status"), registry=self.registry)
        self.seconds = Histogram("tally_web_request_seconds", "API request times", registry=self.registry)
        self.callbacks_refused = Counter(
            "tally_web_callbacks_refused",
            "Internal callbacks that failed verification",
            ("verdict",),
            registry=self.registry,
        )
        self.publishes = Counter(
            "tally_web_publishes", "Publish requests by outcome", ("outcome",), registry=self.registry
        )
        self.streams_ended = Counter("tally_web_streams_ended", "Streams ended here", ("by",), registry=self.registry)
        self.sockets = Gauge("tally_web_sockets", "Open event sockets", registry=self.registry)
        self.sockets_dropped = Counter(
            "tally_web_sockets_dropped", "Event sockets that we closed", ("why",), registry=self.registry
        )
        self.viewers_dropped = Counter(
            "tally_web_viewers_dropped", "Sightings of viewers that were not counted", registry=self.registry
        )
        self.troubles = Counter(
            "tally_web_troubles", "Failures of what this process depends on", ("subject",), registry=self.registry
        )

    def text(self) -> bytes:
        """Return the exposition that Prometheus scrapes."""
        return generate_latest(self.registry)


class Troubles:
    """Counts failures of PostgreSQL, Redis and the like; logs the first at once, then one line per period."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._since: dict[str, float] = {}
        self._unreported: dict[str, int] = {}

    def note(self, subject: str, error: BaseException) -> None:
        """Count one failure. The error's text stays out of the log: a server's message can quote values."""
        self._metrics.troubles.labels(subject).inc()
        count = self._unreported.get(subject, 0) + 1
        now = time.monotonic()
        if now - self._since.get(subject, -REPORT_EVERY_S) < REPORT_EVERY_S:
            self._unreported[subject] = count
            return
        self._since[subject], self._unreported[subject] = now, 0
        log.warning("trouble", subject=subject, error=type(error).__name__, times=count)
