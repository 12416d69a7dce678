"""chat/log/warming.py and warm.lua: a log that Redis does not have begins from what the database knows."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from chat.log import Recalled, keys, modes_of
from chat.log.scripts import WARM
from config.postgres import DatabaseUnavailable
from schemas.chat import ChatSettings
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId
from tests.chat.log.material import ALICE, BOB, NEWS, Database, line, running

pytestmark = pytest.mark.services
EMOTES = modes_of(ChatSettings(emote_only=True), 4)
MODES = modes_of(ChatSettings(), 1)


async def test_a_channel_without_history_begins_at_one(redis_url: str) -> None:
    async with running(redis_url) as chat:
        begin = await chat.log.where(NEWS)
        assert begin.seq == 0
        place = await chat.say(line("a"))
        assert (place.seq, place.epoch) == (1, begin.epoch)
        assert chat.database.asked == [NEWS]


async def test_a_log_goes_on_far_behind_what_was_written_down(redis_url: str) -> None:
    later = int(time.time() * 1000) + 3_600_000
    recalled = Recalled(41, {ALICE: 0, BOB: later}, EMOTES)
    async with running(redis_url, Database(recalled)) as chat:
        assert (await chat.refusal(line("a"))).code is ErrorCode.BANNED
        assert await chat.log.ban_of(NEWS, BOB) == later
        assert (await chat.refusal(line("a", UserId("u_carol")))).code is ErrorCode.EMOTE_ONLY
        assert (await chat.say(line("a", UserId("u_carol"), only_emotes=True))).seq == 1_000_042


async def test_one_number_that_was_written_down_is_enough(redis_url: str) -> None:
    async with running(redis_url, Database(Recalled(1, {}, MODES))) as chat:
        assert (await chat.log.where(NEWS)).seq == 1_000_001


async def test_everybody_waits_for_one_recall(redis_url: str) -> None:
    async with running(redis_url) as chat:
        places = await asyncio.gather(*(chat.say(line(str(n))) for n in range(50)))
        assert sorted(place.seq for place in places) == list(range(1, 51))
        assert chat.database.asked == [NEWS]


async def test_two_processes_begin_a_log_once(redis_url: str) -> None:
    async with running(redis_url) as one, running(redis_url) as two:
        assert await one.log.where(NEWS) == await two.log.where(NEWS)
        some = await asyncio.gather(*(chat.log.where(ChannelId("c_new")) for chat in (one, two)))
        assert some[0] == some[1]


async def test_more_bans_than_a_script_may_unpack(redis_url: str, redis: Redis) -> None:
    recalled = Recalled(0, {UserId(f"u{n}"): 0 for n in range(20_000)}, MODES)
    async with running(redis_url, Database(recalled)) as chat:
        await chat.log.where(NEWS)
        assert await redis.zcard(keys.bans(NEWS)) == 20_000
        assert await redis.ttl(keys.bans(NEWS)) > await redis.ttl(keys.state(NEWS)) > 600_000
        assert [name async for name in redis.scan_iter("*:b:*")] == []


async def test_a_log_does_not_begin_without_the_bans_that_were_staged(redis_url: str, redis: Redis) -> None:
    async with running(redis_url) as chat:
        await chat.log.where(ChannelId("c_other"))  # the server knows the scripts
        names = [name(NEWS) for name in (keys.state, keys.log, keys.bans)]
        arguments: list[str | int] = ["epoch", 0, 3, "slow_mode", 0, "run", "epoch"]
        assert await redis.evalsha(WARM.sha.decode(), 4, *names, "gone", *arguments) == [b"cold"]
        assert not await redis.exists(keys.state(NEWS))


async def test_without_the_database_a_cold_channel_is_unavailable_and_a_warm_one_goes_on(redis_url: str) -> None:
    async with running(redis_url) as chat:
        await chat.say(line("a"))
        chat.database.error = DatabaseUnavailable("away")
        await chat.say(line("b"))
        refusal = await chat.refusal(line("a", channel=ChannelId("c_cold")))
        assert refusal.code is ErrorCode.UNAVAILABLE
        assert [subject for subject, _ in chat.troubles] == ["postgres"]
        assert set(await chat.log.heads([NEWS, ChannelId("c_cold")])) == {NEWS}
        chat.database.error = None
        await chat.say(line("a", channel=ChannelId("c_cold")))


async def test_a_channel_that_does_not_exist_leaves_nothing_in_redis(redis_url: str, redis: Redis) -> None:
    database = Database(error=ApiError(ErrorCode.NOT_FOUND, "there is no such channel"))
    async with running(redis_url, database) as chat:
        assert (await chat.refusal(line("a"))).code is ErrorCode.NOT_FOUND
        with pytest.raises(ApiError):
            await chat.log.where(NEWS)
        assert await redis.keys() == []


async def test_when_redis_lost_everything_no_number_comes_again(redis_url: str, redis: Redis) -> None:
    async with running(redis_url, Database(Recalled(0, {}, MODES))) as chat:
        before = [await chat.say(line(key)) for key in "abc"]
        chat.database.recalled = Recalled(2, {ALICE: 0}, MODES)  # the third was not written down yet
        await redis.flushall()
        assert (await chat.log.heads([NEWS]))[NEWS].seq == 1_000_002
        after = await chat.say(line("d", BOB))
        assert after.seq == 1_000_003
        assert after.epoch != before[0].epoch
        assert (await chat.refusal(line("e", ALICE))).code is ErrorCode.BANNED


async def test_entries_outlive_the_loss_of_the_state(redis_url: str, redis: Redis) -> None:
    async with running(redis_url) as chat:
        last = [await chat.say(line(key)) for key in "abc"][-1]
        await redis.hset(keys.state(NEWS), "at", str(last.at_ms + 3_600_000))
        last = await chat.say(line("d"))
        await redis.delete(keys.state(NEWS))
        place = await chat.say(line("e"))
        assert place.seq == 1_000_005
        assert place.at_ms == last.at_ms
        assert await chat.ids() == list("abcde")


async def test_a_caller_who_gives_up_takes_nobody_along(redis_url: str) -> None:
    async with running(redis_url) as chat:
        chat.database.gate.clear()
        gone = asyncio.create_task(chat.log.where(NEWS))
        stays = asyncio.create_task(chat.log.where(NEWS))
        while not chat.database.asked:
            await asyncio.sleep(0)
        await asyncio.sleep(0.2)  # both wait for the same flight by now
        gone.cancel()
        await asyncio.sleep(0)
        chat.database.gate.set()
        assert (await stays).seq == 0
