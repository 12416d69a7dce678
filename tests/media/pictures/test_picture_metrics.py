from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from media.pictures.link import Pictures
from media.pictures.metrics import PicturesCollector
from media.spool import Spool


def test_each_outcome_is_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.close()
    pictures = Pictures(spool)
    pictures.stills, pictures.failed_stills, pictures.dropped_stills, pictures.restarts = 5, 4, 3, 2
    registry = CollectorRegistry()
    registry.register(PicturesCollector(pictures))
    text = generate_latest(registry).decode()
    for line in (
        'tally_pictures_total{outcome="made"} 5.0',
        'tally_pictures_total{outcome="undecodable"} 4.0',
        'tally_pictures_total{outcome="dropped"} 3.0',
        "tally_pictures_restarts_total 2.0",
    ):
        assert line in text
