"""What the event sockets of a process count."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PASS_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1.0)


class ChatMetrics:
    """Made once per process. A flush pass of more than 40 ms says: more processes, or fewer sockets in each."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rooms = Gauge("tally_chat_rooms", "Channels that somebody here follows", registry=registry)
        self.joins = Counter(
            "tally_chat_joins", "Joins: anew, resumed, or told to load history", ("how",), registry=registry
        )
        self.pass_s = Histogram(
            "tally_chat_flush_seconds",
            "How long a pass over the sockets takes",
            buckets=PASS_BUCKETS_S,
            registry=registry,
        )
        self.deliveries = Counter("tally_chat_writes", "Writes to members of rooms", registry=registry)
        self.gaps = Counter("tally_chat_gaps", "Entries that were not published to us", ("seen_by",), registry=registry)
        self.resets = Counter("tally_chat_resets", "Rooms that could not be continued", registry=registry)
        self.said = Counter("tally_chat_said", "Messages of sockets by outcome", ("outcome",), registry=registry)

    def passed(self, took_s: float, written: int) -> None:
        """Count a pass of the flusher."""
        self.pass_s.observe(took_s)
        self.deliveries.inc(written)
