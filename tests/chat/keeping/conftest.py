from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from config.postgres import Pool, open_pool
from config.redis import connect
from tests.chat.keeping.logs import Log, people


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool on a database with alice, bob, carol and the channel `news`."""
    pool = await open_pool(database_url)
    await people(pool)
    yield pool
    await pool.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def log(redis: Redis) -> Log:
    return Log(redis)
