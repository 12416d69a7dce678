"""What Prometheus is told of ladders."""

from typing import get_args, get_type_hints

from prometheus_client import CollectorRegistry, generate_latest

from media.metrics import RUNG_STATES, CoresCollector, ladder_metrics
from media.transcode.admission import Admission
from media.transcode.rungs import Rung, Source
from schemas.ids import ChannelId, SessionId
from schemas.ingest import RungHealth, SessionHealth, TranscoderHealth

RUNGS = [
    RungHealth(name="720p", state="refused", width=1280, height=720, frame_rate=30, target_bps=3_000_000),
    RungHealth(
        name="360p",
        state="running",
        width=640,
        height=360,
        frame_rate=30,
        target_bps=800_000,
        bitrate_bps=750_000,
        dropped_frames=4,
        lag_ms=250,
    ),
]


def health(rungs: list[RungHealth], transcoder: TranscoderHealth | None) -> SessionHealth:
    return SessionHealth(
        session_id=SessionId("s"),
        channel_id=ChannelId("c"),
        protocol="rtmp",
        encoder="",
        started_at_ms=0,
        is_playable=True,
        duration_ms=0,
        received_bytes=0,
        dropped_packets=0,
        discontinuities=0,
        rungs=rungs,
        transcoder=transcoder,
    )


def values(*healths: tuple[str, SessionHealth]) -> dict[tuple[str, ...], float]:
    """Return each sample under its name and its labels' values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in ladder_metrics(healths)
        for sample in metric.samples
    }


def test_each_rung_has_its_state_rate_lag_and_losses() -> None:
    told = values(("demo", health(RUNGS, None)))
    assert {key[2:]: value for key, value in told.items() if key[0] == "tally_rung_state" and value} == {
        ("720p", "refused"): 1,
        ("360p", "running"): 1,
    }
    assert told["tally_rung_bitrate_bps", "demo", "360p"] == 750_000
    assert told["tally_rung_lag_seconds", "demo", "360p"] == 0.25
    assert told["tally_rung_dropped_frames_total", "demo", "360p"] == 4
    assert not any(key[0].startswith("tally_transcoder") for key in told)


def test_each_child_has_its_cost_and_its_falls() -> None:
    child = TranscoderHealth(encoder="libx264", cores=0.9, memory_bytes=7, restarts=2, dropped_packets=5)
    told = values(("a", health([], child)), ("b", health([], None)))
    assert told == {
        ("tally_transcoder_cores", "a"): 0.9,
        ("tally_transcoder_memory_bytes", "a"): 7,
        ("tally_transcoder_restarts_total", "a"): 2,
        ("tally_transcoder_dropped_packets_total", "a"): 5,
    }


def test_every_state_of_a_rung_is_told() -> None:
    assert set(RUNG_STATES) == set(get_args(get_type_hints(RungHealth)["state"]))


def test_the_cores_of_the_node_are_told() -> None:
    admission = Admission(2.0)
    registry = CollectorRegistry()
    registry.register(CoresCollector(admission))
    assert b"tally_transcode_cores_limit 1.6" in generate_latest(registry)
    assert b"tally_transcode_cores_taken 0.0" in generate_latest(registry)
    rung = Rung("360p", 640, 360, 30.0, 800_000)
    admission.admit(Source("avc1", 1280, 720, 30.0, 0), [rung], "libx264", "veryfast").measured(0.5)
    assert b"tally_transcode_cores_taken 0.5" in generate_latest(registry)
