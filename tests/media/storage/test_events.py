"""Events on their way to web, before a real Redis that comes and goes."""

import asyncio

import msgspec
import pytest

from config.embedded import EmbeddedValkey
from config.redis import connect
from media.storage import events as module
from media.storage.events import BATCH, EventSink
from schemas.storage import EVENTS_FIELD, EVENTS_STREAM, MediaEvent, ObjectsDeleted

pytestmark = pytest.mark.services

DEADLINE_S = 30.0


async def read(url: str) -> list[list[MediaEvent]]:
    redis = connect(url)
    try:
        entries = await redis.xrange(EVENTS_STREAM)
    finally:
        await redis.aclose()
    fields = [fields for _, fields in entries or [] if fields]
    return [msgspec.json.decode(one[EVENTS_FIELD.encode()], type=list[MediaEvent]) for one in fields]


async def test_many_events_are_few_entries_in_their_order(redis_url: str) -> None:
    redis = connect(redis_url)
    events = [ObjectsDeleted([str(number)]) for number in range(BATCH + 3)]
    await EventSink(redis).publish(events)
    await redis.aclose()
    entries = await read(redis_url)
    assert [len(entry) for entry in entries] == [BATCH, 3]
    assert [event for entry in entries for event in entry] == events


async def test_it_waits_for_a_redis_that_is_away(redis_server: EmbeddedValkey, redis_url: str) -> None:
    redis = connect(redis_url)
    sink = EventSink(redis)
    await sink.publish([ObjectsDeleted(["before"])])
    redis_server.stop()
    try:
        publishing = asyncio.create_task(sink.publish([ObjectsDeleted(["after"])]))
        async with asyncio.timeout(DEADLINE_S):
            while sink.trouble is None:
                await asyncio.sleep(0.05)
        assert not publishing.done()
    finally:
        redis_server.start()
    async with asyncio.timeout(DEADLINE_S):
        await publishing
    assert not sink.trouble
    assert (await read(redis_url))[-1] == [ObjectsDeleted(["after"])]
    await redis.aclose()


async def test_it_waits_while_web_reads_nothing(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS_WAITING", 2)
    monkeypatch.setattr(module, "LOOK_EVERY", 1)
    monkeypatch.setattr(module, "FULL_PAUSE_S", 0.05)
    redis = connect(redis_url)
    sink = EventSink(redis)
    for number in range(3):
        await sink.publish([ObjectsDeleted([str(number)])])
    publishing = asyncio.create_task(sink.publish([ObjectsDeleted(["3"])]))
    async with asyncio.timeout(DEADLINE_S):
        while sink.trouble is None:
            await asyncio.sleep(0.02)
        assert await redis.xlen(EVENTS_STREAM) == 3
        await redis.delete(EVENTS_STREAM)
        await publishing
    assert await read(redis_url) == [[ObjectsDeleted(["3"])]]
    await redis.aclose()
