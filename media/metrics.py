"""What the ingest process tells Prometheus of its sessions; read when asked, so that packets cost nothing more."""

import time
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.links.server import Links
from media.node import Node
from media.transcode.admission import Admission
from schemas.ingest import SessionHealth

RUNG_STATES = ("starting", "running", "lost", "shed", "refused")


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
        kept = GaugeMetricFamily("tally_feed_kept_bytes", "Kept for those who come to a feed.", labels=["channel"])
        broken = CounterMetricFamily("tally_ingest_discontinuities", "Breaks of the timeline.", labels=["channel"])
        now = time.monotonic()
        healths = [(session.grant.channel_name, session.health(now)) for session in sessions]
        for channel, health in healths:
            labels = [channel]
            received.add_metric(labels, health.received_bytes)
            dropped.add_metric(labels, health.dropped_packets)
            broken.add_metric(labels, health.discontinuities)
        for session in sessions:
            kept.add_metric([session.grant.channel_name], session.feeds.kept_bytes)
        yield from (received, dropped, broken, kept)
        yield from ladder_metrics(healths)


class LinksCollector(Collector):
    """The processes beside this one, as far as they read and publish here."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        links = self._links
        yield GaugeMetricFamily("tally_feed_readers", "Feeds that other processes read now.", value=links.reading)
        yield GaugeMetricFamily(
            "tally_link_publishers", "Publishers connected through other processes now.", value=links.publishing
        )
        yield CounterMetricFamily(
            "tally_feed_dropped", "Feeds dropped because they were not read.", value=links.dropped_readers
        )


class CoresCollector(Collector):
    """What all ladders of the node may use and have taken."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        yield GaugeMetricFamily(
            "tally_transcode_cores_limit", "Cores that ladders may use.", value=self._admission.capacity
        )
        yield GaugeMetricFamily(
            "tally_transcode_cores_taken", "Cores that ladders use, measured or foreseen.", value=self._admission.used
        )


def ladder_metrics(healths: Iterable[tuple[str, SessionHealth]]) -> Iterable[Metric]:
    """Return what is to be known of rungs and of the children that make them, by channel."""
    rung = ["channel", "rung"]
    state = GaugeMetricFamily("tally_rung_state", "1 for the state that a rung is in.", labels=[*rung, "state"])
    bitrate = GaugeMetricFamily("tally_rung_bitrate_bps", "Bits per second of media, lately.", labels=rung)
    lag = GaugeMetricFamily("tally_rung_lag_seconds", "How far a rung is behind its source.", labels=rung)
    lost = CounterMetricFamily("tally_rung_dropped_frames", "Frames dropped before they were coded.", labels=rung)
    cores = GaugeMetricFamily("tally_transcoder_cores", "CPU seconds per second, lately.", labels=["channel"])
    memory = GaugeMetricFamily("tally_transcoder_memory_bytes", "Resident memory of a child.", labels=["channel"])
    restarts = CounterMetricFamily(
        "tally_transcoder_restarts", "Children that replaced a fallen one.", labels=["channel"]
    )
    late = CounterMetricFamily(
        "tally_transcoder_dropped_packets", "Packets that a child could not take in time.", labels=["channel"]
    )
    for channel, health in healths:
        for one in health.rungs:
            for name in RUNG_STATES:
                state.add_metric([channel, one.name, name], float(one.state == name))
            bitrate.add_metric([channel, one.name], one.bitrate_bps)
            lag.add_metric([channel, one.name], one.lag_ms / 1000)
            lost.add_metric([channel, one.name], one.dropped_frames)
        if health.transcoder is not None:
            cores.add_metric([channel], health.transcoder.cores)
            memory.add_metric([channel], health.transcoder.memory_bytes)
            restarts.add_metric([channel], health.transcoder.restarts)
            late.add_metric([channel], health.transcoder.dropped_packets)
    return [state, bitrate, lag, lost, cores, memory, restarts, late]
