"""The client against a real Valkey."""

import asyncio

import pytest
from redis.exceptions import RedisError

from config.redis import connect

pytestmark = pytest.mark.services


async def test_answers_are_bytes(redis_url: str) -> None:
    client = connect(redis_url)
    await client.set("key", "value", px=15_000)
    assert await client.get("key") == b"value"
    await client.aclose()


async def test_each_test_begins_empty(redis_url: str) -> None:
    client = connect(redis_url)
    assert await client.dbsize() == 0
    await client.set("left", "over")
    await client.aclose()


async def test_a_subscriber_may_wait_longer_than_an_answer(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.redis.ANSWER_S", 0.2)
    client = connect(redis_url)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe("stream_events")
    publishing = asyncio.Event()
    asyncio.get_running_loop().call_later(0.6, publishing.set)

    async def publish() -> None:
        await publishing.wait()
        await client.publish("stream_events", b"{}")

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(publish())
        async for message in pubsub.listen():
            assert message["data"] == b"{}"
            break
    await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    await client.aclose()


async def test_a_server_that_is_not_there_is_an_error_after_the_retries() -> None:
    client = connect("unix:///nowhere/redis.sock")
    with pytest.raises(RedisError):
        await client.ping()
    await client.aclose()
