"""chat/log/listener.py on a real Redis: what is heard, and that deafness is noticed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from chat.entry import Entry
from chat.log import Listener, keys
from chat.log import listener as listener_module
from config.redis import connect
from schemas.ids import ChannelId
from tests.chat.log.material import NEWS, Running, line
from tests.chat.log.servers import valkeys

pytestmark = pytest.mark.services
PATIENCE_S = 30.0
OTHER = ChannelId("c_other")


@dataclass
class Heard:
    entries: list[tuple[ChannelId, Entry]] = field(default_factory=list)
    moderators: list[tuple[ChannelId, bytes]] = field(default_factory=list)
    fresh: list[ChannelId] = field(default_factory=list)
    troubles: list[BaseException] = field(default_factory=list)

    def heads(self, channel: ChannelId = NEWS) -> list[bytes]:
        return [entry.head for of, entry in self.entries if of == channel]

    def listener(self, url: str) -> Listener:
        return Listener(
            url,
            lambda channel, entry: self.entries.append((channel, entry)),
            lambda channel, data: self.moderators.append((channel, data)),
            self.fresh.append,
            lambda _, error: self.troubles.append(error),
        )


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[Listener]:
    task = asyncio.create_task(listener.run())
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_what_is_appended_is_heard_as_it_lies_in_the_log(redis_url: str, chat: Running) -> None:
    heard = Heard()
    async with listening(heard.listener(redis_url)) as listener:
        await listener.subscribe(NEWS)
        assert heard.fresh == [NEWS]
        for key in "abc":
            await chat.say(line(key))
        await until(lambda: len(heard.entries) == 3)
        assert heard.entries == [(NEWS, entry) for entry in await chat.log.read(NEWS, 0, 10)]


async def test_moderators_events_come_apart(redis_url: str, redis: Redis) -> None:
    heard = Heard()
    async with listening(heard.listener(redis_url)) as listener:
        await listener.subscribe(NEWS)
        await redis.publish(keys.moderators_channel(NEWS), b'{"type":"message_held"}')
        await until(lambda: heard.moderators == [(NEWS, b'{"type":"message_held"}')])
        assert heard.entries == []


async def test_only_the_rooms_of_the_process_are_asked_for(redis_url: str, chat: Running, redis: Redis) -> None:
    heard = Heard()
    async with listening(heard.listener(redis_url)) as listener:
        await asyncio.gather(listener.subscribe(NEWS), listener.subscribe(OTHER))
        listener.unsubscribe(NEWS)
        listener.unsubscribe(NEWS)  # twice is once
        await listener.subscribe(ChannelId("c_third"))  # is confirmed behind
        names = set(await redis.pubsub_channels())
        rooms = (OTHER, ChannelId("c_third"))
        both = (keys.events_channel, keys.moderators_channel)
        assert names == {name(room).encode() for room in rooms for name in both}
        await chat.say(line("a"))
        await chat.say(line("b", channel=OTHER))
        await until(lambda: heard.heads(OTHER) == [b"b"])
        assert heard.heads(NEWS) == []


async def test_a_room_that_is_left_and_joined_in_one_breath_is_heard(redis_url: str, chat: Running) -> None:
    heard = Heard()
    async with listening(heard.listener(redis_url)) as listener:
        await listener.subscribe(NEWS)
        listener.unsubscribe(NEWS)
        await listener.subscribe(NEWS)
        assert heard.fresh == [NEWS, NEWS]
        await listener.subscribe(NEWS)  # is there
        await chat.say(line("a"))
        await until(lambda: heard.heads() == [b"a"])


async def test_many_rooms_at_once(redis_url: str, redis: Redis) -> None:
    heard = Heard()
    rooms = [ChannelId(f"c{n}") for n in range(1200)]
    async with listening(heard.listener(redis_url)) as listener:
        await asyncio.gather(*(listener.subscribe(room) for room in rooms))
        assert len(await redis.pubsub_channels()) == 2400
        assert sorted(heard.fresh) == sorted(rooms)


async def test_a_lost_connection_is_made_again_and_said(redis_url: str, chat: Running, redis: Redis) -> None:
    heard = Heard()
    async with listening(heard.listener(redis_url)) as listener:
        await asyncio.gather(listener.subscribe(NEWS), listener.subscribe(OTHER))
        await redis.client_kill_filter(_type="pubsub")
        await until(lambda: sorted(heard.fresh) == [NEWS, NEWS, OTHER, OTHER])
        assert len(heard.troubles) == 1
        await chat.say(line("a"))
        await until(lambda: heard.heads() == [b"a"])


async def test_a_server_that_stands_still_is_noticed(free_port: Callable[[], int]) -> None:
    heard = Heard()
    with valkeys(free_port()) as (server,):
        async with listening(heard.listener(server.url)) as listener:
            await listener.subscribe(NEWS)
            pid = server.pid()
            os.kill(pid, signal.SIGSTOP)
            try:
                await until(lambda: len(heard.troubles) >= 1)
            finally:
                os.kill(pid, signal.SIGCONT)
            await until(lambda: heard.fresh == [NEWS, NEWS])


async def test_a_quiet_connection_that_answers_stays(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "PING_S", 0.05)
    monkeypatch.setattr(listener_module, "SILENT_PINGS", 20)
    heard = Heard()
    async with listening(heard.listener(redis_url)) as listener:
        await listener.subscribe(NEWS)
        await asyncio.sleep(1.5)
        assert (heard.troubles, heard.fresh) == ([], [NEWS])


async def test_rooms_wanted_while_redis_is_away_are_heard_when_it_is_there(
    free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "CONFIRM_S", PATIENCE_S)
    heard = Heard()
    with valkeys(free_port()) as (server,):
        async with listening(heard.listener(server.url)) as listener:
            await listener.subscribe(OTHER)
            server.stop()
            waiting = asyncio.gather(listener.subscribe(NEWS), _subscribe_again(listener, heard))
            await until(lambda: len(heard.troubles) >= 2)
            assert not waiting.done()
            await asyncio.to_thread(server.start)
            await waiting
            client = connect(server.url)
            await client.publish(keys.events_channel(NEWS), b"1 0 e 5 message {")
            await client.aclose()
            await until(lambda: heard.heads() == [b"{"])


async def _subscribe_again(listener: Listener, heard: Heard) -> None:
    """To a room that was heard before the server went away: that is no confirmation any more."""
    await until(lambda: len(heard.troubles) >= 1)
    await listener.subscribe(OTHER)
    assert heard.fresh.count(OTHER) == 2


async def test_what_is_no_entry_deafens_nobody(redis_url: str, chat: Running, redis: Redis) -> None:
    heard = Heard()
    async with listening(heard.listener(redis_url)) as listener:
        await listener.subscribe(NEWS)
        await redis.publish(keys.events_channel(NEWS), b"\xff nonsense")
        await chat.say(line("a"))
        await until(lambda: heard.heads() == [b"a"])
        assert heard.troubles == []
