"""Chat goes on while PostgreSQL is away, for those it knows."""

import asyncpg
import pytest

from schemas.errors import ErrorCode
from tests.chat.talking import NEWS, identity, talking

pytestmark = pytest.mark.services


async def test_people_who_are_known_go_on_talking_without_the_database(database_url: str, redis_url: str) -> None:
    async with talking(database_url, redis_url) as talk:
        bob = identity("bob")
        await talk.say(bob, "hello @carol")
        await talk.standings.of(identity("carol").person, NEWS)  # as at a join
        await talk.pool.close()
        talk.clock.at += 600  # nothing of what was read is fresh any more
        message = await talk.say(bob, "still here @carol")
        assert [mention.username for mention in message.mentions] == ["carol"]
        assert not message.is_first
        assert (await talk.say(identity("carol"), "me too @alice")).mentions == []
        unknown = await talk.refusal(identity("dave"), "hello")
        assert unknown.code is ErrorCode.UNAVAILABLE
        assert unknown.retry_after_ms
        assert any(asyncpg.InterfaceError.__name__ in trouble for trouble in talk.troubles)
