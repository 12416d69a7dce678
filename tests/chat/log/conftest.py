"""A log in an empty Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from config.redis import connect
from tests.chat.log.material import Running, running


@pytest.fixture
async def chat(redis_url: str) -> AsyncIterator[Running]:
    """A log that runs, of channels without history."""
    async with running(redis_url) as found:
        yield found


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """The same Redis."""
    client = connect(redis_url)
    yield client
    await client.aclose()
