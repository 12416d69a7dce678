from collections.abc import AsyncIterator

import pytest

from config.postgres import Pool, open_pool
from schemas.ids import ChannelId, SessionId


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(database_url) as opened:
        yield opened


@pytest.fixture
async def session(pool: Pool) -> SessionId:
    """A session on the air of the channel `news` of `alice`."""
    await pool.execute(
        "INSERT INTO users (id, username, display_name, password_hash) VALUES ('u1', 'alice', 'Alice', '')"
    )
    await pool.execute("INSERT INTO channels (id, user_id, name, title) VALUES ('c1', 'u1', 'news', 'The news')")
    await pool.execute(
        "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, title, request_id, live_at)"
        " VALUES ('s1', 'c1', '', 'n1', 'rtmp', 'The news', 'r1', now())"
    )
    return SessionId("s1")


@pytest.fixture
def channel(session: SessionId) -> ChannelId:
    return ChannelId("c1")
