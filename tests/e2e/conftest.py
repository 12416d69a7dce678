"""The product, started once for each file of end-to-end tests, and a clip to publish."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.encoder import make_clip
from tests.product import Product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("product"))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of 640x360 with B-frames, a keyframe every two seconds, and a tone."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.flv")
