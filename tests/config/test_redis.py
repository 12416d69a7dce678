"""The client against a real Valkey."""

import asyncio

import pytest
from redis.exceptions import RedisError

from config.redis import connect, messages

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


async def test_messages_begin_with_the_subscription_and_begin_again_after_a_loss(redis_url: str) -> None:
    client, troubles = connect(redis_url), list[Exception]()
    heard = messages(client, "stream_events", troubles.append)
    async with asyncio.timeout(10):
        assert await anext(heard) is None
        await client.publish("stream_events", b"one")
        assert await anext(heard) == b"one"
        waiting = asyncio.ensure_future(anext(heard))
        await client.client_kill_filter(_type="pubsub")
        assert await waiting is None
        await client.publish("stream_events", b"two")
        assert await anext(heard) == b"two"
    await heard.aclose()
    await client.aclose()


async def test_a_subscription_that_cannot_be_made_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.redis.RETRIES", 0)
    client, told = connect("unix:///nowhere/redis.sock"), asyncio.Event()
    troubles: list[Exception] = []

    def trouble(error: Exception) -> None:
        troubles.append(error)
        if len(troubles) == 2:
            told.set()

    async def listen() -> None:
        async for _ in messages(client, "stream_events", trouble):
            raise AssertionError("nobody is there")

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(10):
        await told.wait()
    listening.cancel()
    await asyncio.wait({listening})
    assert listening.cancelled()
    await client.aclose()
