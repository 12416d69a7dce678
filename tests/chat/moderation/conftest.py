from collections.abc import AsyncIterator

import pytest

from tests.chat.moderation.house import House, house


@pytest.fixture
async def home(database_url: str, redis_url: str) -> AsyncIterator[House]:
    """A channel with its people; nothing went wrong there that the test did not look at."""
    async with house(database_url, redis_url) as found:
        yield found
        assert found.troubles == []
