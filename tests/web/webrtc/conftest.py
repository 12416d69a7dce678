from collections.abc import AsyncIterator, Callable

import pytest

from tests.web.site import Site
from tests.web.webrtc.process import Process


@pytest.fixture
async def process(site: Site) -> AsyncIterator[Process]:
    """A webrtc process that web knows."""
    async with Process.started(site) as process:
        await process.beat()
        yield process


@pytest.fixture
def unused_url(free_port: Callable[[], int]) -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"
