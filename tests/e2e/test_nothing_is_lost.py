"""Every server is killed during a stream, and the bucket is away: the recording has all that was announced."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ordeal import Blow, endure
from tests.product import Product
from tests.rclone import S3Server

pytestmark = [pytest.mark.services, pytest.mark.timeout(180)]

LENGTH_S = 20
BLOWS = [
    Blow(3, "store off"),
    Blow(5, "ingest"),
    Blow(8, "storage"),
    Blow(10, "store on"),
    Blow(11, "web"),
    Blow(14, "postgres"),
    Blow(16, "valkey"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[S3Server]:
    with S3Server(tmp_path / "s3") as server:
        yield server


def test_every_announced_segment_is_in_the_recording_with_the_same_bytes(
    tmp_path: Path, store: S3Server, clip: Path
) -> None:
    product = Product(tmp_path, TALLY_S3_URL=store.url, TALLY_LADDER="off").start()
    try:
        outcome = endure(product, clip, BLOWS, LENGTH_S, lambda on: store.start() if on else store.stop())
    finally:
        product.stop()
    assert outcome.missing == []
    assert outcome.different == []
    assert outcome.torn == []
    assert outcome.went_back == []
    assert outcome.sessions == 1
    assert outcome.announced == outcome.recorded
    assert sum(outcome.announced.values()) >= LENGTH_S / 2
    assert outcome.hashed > sum(outcome.announced.values()) / 2
    assert len(set(outcome.discontinuities.values())) == 1
