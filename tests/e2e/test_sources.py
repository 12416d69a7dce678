"""Kinds of streams that publishers send: each plays in every rendition (`tests/bench/sources.py` has them all)."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.e2e.streaming import streaming
from tests.product import Product
from tests.sources import source
from tests.viewing import decode, master, renditions

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("sources"), TALLY_ENCODER_PRESET="ultrafast", TALLY_LADDER="360p")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.mark.parametrize(
    "name",
    ["hevc 30 2s aac", "av1 30 2s opus", "h264 30 2s mp3", "h264 30 2s ac3-5.1", "h264 30 2s no sound", "opus only"],
)
def test_it_plays_in_every_rendition(product: Product, tmp_path: Path, name: str) -> None:
    with streaming(product, msgspec.structs.replace(source(name), size="854x480").make(tmp_path, seconds=16)):
        names = renditions(product)
        codecs = [playlist.stream_info.codecs for playlist in master(product).playlists]
        faults = {each: answer for each in names if (answer := decode(product, each)).startswith("FAULT")}
    assert not faults
    assert ("audio" in names) or name == "opus only"
    assert all("mp4a.40.2" in each for each in codecs)
    if "only" not in name:
        assert "360p" in names
