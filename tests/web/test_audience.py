"""Who watches and who chats."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from chat.rooms import presence
from schemas.ids import ChannelId, SessionId
from schemas.socket import STREAM_EVENTS, ViewerCount
from tests.web.site import Site
from web.audience import HOUR_S, REPEAT_S, WRITE_EVERY_S, Audience, hour_key, stream_key
from web.housekeeper import LOCK
from web.store import streams
from web.store.streams import Live
from web.viewers import BUCKET_S, Viewers

pytestmark = pytest.mark.services
NOON_S = 1_800_000_000 - 1_800_000_000 % HOUR_S
"""The beginning of an hour."""


@dataclass
class Watched:
    """`news` is on the air; the site's own housekeeper is kept from leading."""

    site: Site
    audience: Audience
    live: list[Live]
    told: list[ViewerCount] = field(default_factory=list)

    @property
    def channel(self) -> ChannelId:
        return self.live[0].channel_id

    @property
    def session(self) -> SessionId:
        return self.live[0].session_id

    async def see(self, names: list[str], at_s: float, channel: ChannelId | None = None) -> None:
        viewers = self.site.running.services.viewers
        for name in names:
            viewers.saw(channel or self.channel, name)
        await viewers.flush(at_s)

    async def chat(self, channel: ChannelId, sockets: int, users: list[str], at_s: float) -> None:
        """Say what another process's presence would."""
        redis, until = self.site.running.services.redis, round(at_s * 1000) + 15_000
        await redis.hset(presence.counts_key(channel), "another", f"{sockets} {len(users)} {until}")
        if users:
            await redis.zadd(presence.chatters_key(channel), dict.fromkeys(users, until))
        await redis.zadd(presence.OPEN, {channel: until})

    async def round(self, at_s: float) -> list[ViewerCount]:
        """Do a round; return what it told."""
        services = self.site.running.services
        pubsub = services.redis.pubsub()
        await pubsub.subscribe(STREAM_EVENTS)
        await pubsub.get_message(timeout=20)
        self.live = await streams.live(services.pool) if self.live else []
        await self.audience.round(self.live, now=at_s, wall_s=at_s)
        await services.redis.publish(STREAM_EVENTS, "end")
        told = []
        async with asyncio.timeout(20):
            while True:
                message = await pubsub.get_message(timeout=20)
                if message is not None and message["data"] == b"end":
                    break
                if message is not None and message["type"] == "message":
                    told.append(msgspec.json.decode(message["data"], type=ViewerCount))
        await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it without types
        return told


@pytest.fixture
async def watched(site: Site) -> Watched:
    alice = await site.person("alice")
    await site.channel("news", alice)
    await site.go_live(await site.key("news", alice))
    services = site.running.services
    await services.redis.set(LOCK, "a test")
    return Watched(site, Audience(services), await streams.live(services.pool))


async def test_viewers_and_chatters_are_told_when_they_change_and_now_and_then(watched: Watched) -> None:
    news = watched.channel
    await watched.see(["x", "y", "z"], NOON_S)
    await watched.chat(news, 7, ["u1", "u2"], NOON_S)
    assert await watched.round(NOON_S) == [ViewerCount(news, 3, 2)]
    assert await watched.round(NOON_S + 5) == []
    await watched.chat(news, 9, ["u1", "u2", "u3"], NOON_S + 10)
    assert await watched.round(NOON_S + 10) == [ViewerCount(news, 3, 3)]
    await watched.chat(news, 9, ["u1", "u2", "u3"], NOON_S + 10 + REPEAT_S)
    await watched.see(["x", "y", "z"], NOON_S + 10 + REPEAT_S)
    assert await watched.round(NOON_S + 10 + REPEAT_S) == [ViewerCount(news, 3, 3)]
    status = await watched.site.data("GET", "/channels/news/status")
    assert (status["viewerCount"], status["peakViewers"]) == (3, 3)
    assert await watched.round(NOON_S + 300) == [ViewerCount(news, 0, 0)]
    status = await watched.site.data("GET", "/channels/news/status")
    assert (status["viewerCount"], status["peakViewers"]) == (0, 3)


async def test_an_open_room_without_a_stream_is_told_until_all_have_left(watched: Watched) -> None:
    quiet = ChannelId("c_quiet")
    await watched.round(NOON_S)
    await watched.chat(quiet, 2, ["u1"], NOON_S)
    assert await watched.round(NOON_S + 1) == [ViewerCount(quiet, 0, 1)]
    assert await watched.round(NOON_S + 16) == [ViewerCount(quiet, 0, 0)]
    assert await watched.round(NOON_S + 60) == [ViewerCount(watched.channel, 0, 0)]


async def test_viewers_are_unique_in_each_hour_and_in_the_stream(watched: Watched) -> None:
    before_s = NOON_S - BUCKET_S
    for at_s, names in ((before_s, ["a", "b"]), (NOON_S, ["b", "c"]), (NOON_S + 100, ["b", "d"])):
        await watched.see(names, at_s)
        await watched.round(at_s)
    await watched.see(["e"], NOON_S + 119)
    await watched.round(NOON_S + 121)  # in the next bucket
    await watched.round(NOON_S + 121 + WRITE_EVERY_S)
    pool = watched.site.running.services.pool
    rows = await pool.fetch(
        "SELECT extract(epoch FROM hour)::bigint AS at, unique_viewers, peak_viewers FROM stream_hours ORDER BY hour"
    )
    assert [tuple(row) for row in rows] == [(NOON_S - HOUR_S, 2, 2), (NOON_S, 4, 3)]
    assert await pool.fetchval("SELECT unique_viewers FROM streams") == 5
    redis = watched.site.running.services.redis
    for key in (hour_key(watched.session, NOON_S), stream_key(watched.session)):
        assert await redis.ttl(key) > 0


async def test_a_stream_that_ends_is_written_at_once(watched: Watched) -> None:
    await watched.round(NOON_S)
    await watched.see(["a", "b"], NOON_S + 5)
    watched.live = []
    await watched.round(NOON_S + 6)
    pool = watched.site.running.services.pool
    assert await pool.fetchval("SELECT unique_viewers FROM streams") == 2
    assert await pool.fetchval("SELECT unique_viewers FROM stream_hours") == 2


async def test_a_new_leader_lowers_nothing(watched: Watched) -> None:
    await watched.see(["a", "b", "c"], NOON_S)
    await watched.chat(watched.channel, 3, ["u1", "u2"], NOON_S)
    await watched.round(NOON_S)
    redis = watched.site.running.services.redis
    await redis.delete(hour_key(watched.session, NOON_S), stream_key(watched.session))
    watched.audience = Audience(watched.site.running.services)
    await watched.see(["a"], NOON_S + 100)
    await watched.round(NOON_S + 100)
    (row,) = await watched.site.running.services.pool.fetch(
        "SELECT h.unique_viewers, h.peak_viewers, h.peak_chatters, s.unique_viewers"
        " FROM stream_hours h JOIN streams s ON s.id = h.session_id"
    )
    assert tuple(row) == (3, 3, 2, 3)


async def test_a_hundred_thousand_viewers_are_right_within_two_percent(watched: Watched) -> None:
    names = [Viewers.token(f"viewer={number}", "", None) for number in range(100_000)]
    await watched.see(names[:70_000], NOON_S)
    await watched.see(names[40_000:], NOON_S + 1)
    (told,) = await watched.round(NOON_S + 2)
    assert abs(told.count - 100_000) <= 2_000
    unique = await watched.site.running.services.pool.fetchval("SELECT unique_viewers FROM streams")
    assert abs(unique - 100_000) <= 2_000
