import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop

from config.settings import Settings
from tests.web.site import Site, make_settings
from web.server import Running, running

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, LoopFactory]:
    """Run on the loop that the product runs on: its transports are none of asyncio's classes."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def more_settings() -> dict[str, object]:
    """What a test wants set otherwise: parametrize it."""
    return {}


@pytest.fixture
def settings(
    database_url: str,
    redis_url: str,
    free_port: Callable[[], int],
    tmp_path: Path,
    more_settings: dict[str, object],
) -> Settings:
    ports = {"http_port": free_port(), "internal_port": free_port(), "storage_port": free_port()}
    return make_settings(database_url, redis_url, tmp_path, **ports, **more_settings)


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    """A web process that serves everything, and a client without cookies."""
    started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    stopping = asyncio.Event()

    async def host() -> None:
        async with running(settings) as process:
            started.set_result(process)
            await stopping.wait()

    task = asyncio.create_task(host(), name="web process")
    either: list[asyncio.Future[Any]] = [task, started]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield Site(started.result(), client, settings)
    stopping.set()
    await task
