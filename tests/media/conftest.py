"""Ends what the material of these tests has started."""

from collections.abc import Iterator

import pytest

from tests.media import material


@pytest.fixture(autouse=True)
def ended_spools() -> Iterator[None]:
    """End the threads of the spools that `make_stream` made."""
    yield
    while material.spools:
        material.spools.pop().close()
