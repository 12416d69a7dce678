"""Who is in the chats, told by several processes to one Redis."""

from collections.abc import AsyncIterator, Mapping

import pytest
from redis.asyncio import Redis

from chat.rooms import presence
from chat.rooms.presence import BELIEVED_S, Count, Presence
from chat.rooms.room import Room
from config.redis import connect
from schemas.ids import ChannelId, UserId
from tests.chat.memory import A, Ear
from tests.chat.rooms.test_room import admit, make

pytestmark = pytest.mark.services
B = ChannelId("b")
NOW_MS = 1_800_000_000_000
LATER_MS = NOW_MS + round(BELIEVED_S * 1000)


class Process:
    """Rooms of a process."""

    def __init__(self, redis: Redis) -> None:
        self.open: dict[ChannelId, Room] = {}
        self.presence = Presence(redis, self, lambda *_: None)

    @property
    def rooms(self) -> Mapping[ChannelId, Room]:
        return self.open

    def enter(self, channel: ChannelId, user: str | None = None) -> None:
        room = self.open.setdefault(channel, make())
        ear = Ear(user=user)
        room.enter(ear)
        admit(room, ear)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


async def test_processes_add_up_and_an_account_in_two_of_them_counts_once(redis: Redis) -> None:
    left, right = Process(redis), Process(redis)
    for user in (None, None, "u", "u", "v"):
        left.enter(A, user)
    right.enter(A, "u")
    right.enter(B)
    await left.presence.say(NOW_MS)
    await right.presence.say(NOW_MS)
    assert await presence.counts(redis, [A, B, ChannelId("c")], NOW_MS + 1) == {
        A: Count(6, 2),
        B: Count(1, 0),
        ChannelId("c"): Count(),
    }
    assert sorted(await presence.chatters(redis, A, NOW_MS + 1)) == ["u", "v"]
    assert sorted(await presence.open_channels(redis, NOW_MS + 1)) == [A, B]


async def test_a_process_that_died_is_believed_for_a_while_only(redis: Redis) -> None:
    dead, living = Process(redis), Process(redis)
    dead.enter(A, "u")
    living.enter(A, "v")
    await dead.presence.say(NOW_MS)
    await living.presence.say(LATER_MS - 1)
    assert await presence.counts(redis, [A], LATER_MS - 1) == {A: Count(2, 2)}
    assert await presence.counts(redis, [A], LATER_MS) == {A: Count(1, 1)}
    await living.presence.say(NOW_MS + round(presence.FORGET_S * 1000) + LATER_MS - NOW_MS)
    assert await presence.chatters(redis, A, LATER_MS) == [UserId("v")]
    assert await redis.hlen(presence.counts_key(A)) == 1


async def test_a_room_that_was_left_counts_no_more(redis: Redis) -> None:
    process = Process(redis)
    process.enter(A, "u")
    await process.presence.say(NOW_MS)
    process.open.clear()
    await process.presence.say(NOW_MS + 1)
    assert (await presence.counts(redis, [A], NOW_MS + 1))[A].sockets == 0
    assert await presence.open_channels(redis, LATER_MS + 1) == []


async def test_so_many_are_known_by_name_and_all_are_counted(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "NAMED_MAX", 3)
    left, right = Process(redis), Process(redis)
    for number in range(5):
        left.enter(A, f"u{number}")
        right.enter(A, f"v{number}")
    await left.presence.say(NOW_MS)
    await right.presence.say(NOW_MS)
    assert await presence.counts(redis, [A], NOW_MS) == {A: Count(10, 10)}
    assert len(await presence.chatters(redis, A, NOW_MS)) == 3
    assert await redis.ttl(presence.chatters_key(A)) > 0
    assert await redis.ttl(presence.counts_key(A)) > 0
