"""What the ingest process tells Prometheus of its sessions; read when asked, so that packets cost nothing more."""

import time
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.node import Node


class NodeCollector(Collector):
    """The node's running sessions as metrics, one series for each channel."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        sessions = list(self._node.sessions.values())
        yield GaugeMetricFamily("tally_ingest_sessions", "Publishers that are connected now.", value=len(sessions))
        failures = CounterMetricFamily(
            "tally_ingest_failures", "Heartbeats, registry writes and ends that did not get through.", labels=["what"]
        )
        for what, count in self._node.failures.items():
            failures.add_metric([what], count)
        yield failures
        received = CounterMetricFamily("tally_ingest_received_bytes", "Coded bytes of a session.", labels=["channel"])
        dropped = CounterMetricFamily("tally_ingest_dropped_packets", "Packets without a place.", labels=["channel"])
        broken = CounterMetricFamily("tally_ingest_discontinuities", "Breaks of the timeline.", labels=["channel"])
        now = time.monotonic()
        for session in sessions:
            health, labels = session.health(now), [session.grant.channel_name]
            received.add_metric(labels, health.received_bytes)
            dropped.add_metric(labels, health.dropped_packets)
            broken.add_metric(labels, health.discontinuities)
        yield from (received, dropped, broken)
