"""From the log into PostgreSQL and back into a log that was lost: with the real log, and several keepers."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from redis.asyncio import Redis

from chat.entry import head, head_of_message
from chat.keeping.history import History, Question
from chat.log import keys
from chat.log.acts import Act, ActEvent
from chat.log.lines import Line
from chat.log.log import ChatLog
from chat.log.places import Place
from chat.store import rooms
from config.postgres import Pool
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId
from tests.chat.keeping.logs import BOB, CAROL, NEWS, Log, authored, keeper_of, until_kept

pytestmark = pytest.mark.services


@pytest.fixture
async def chat_log(pool: Pool, redis_url: str) -> AsyncIterator[ChatLog]:
    log = ChatLog(redis_url, partial(rooms.recall, pool), lambda *_: None)
    running = asyncio.create_task(log.run())
    yield log
    running.cancel()
    await asyncio.wait([running])


async def say(log: ChatLog, text: str, user: UserId = BOB) -> Place:
    said = head_of_message(authored(f"m-{text}", user, text))
    place = await log.say(
        Line(
            channel=NEWS,
            user=user,
            key=text,
            id=f"m-{text}",
            head=said,
            digest=text,
            characters=len(text),
            is_privileged=False,
            interval_ms=0,
            burst=1,
        )
    )
    assert isinstance(place, Place)
    return place


async def test_a_log_that_redis_lost_goes_on_with_its_bans_and_higher_numbers(
    chat_log: ChatLog, redis: Redis, pool: Pool
) -> None:
    keeper, _ = keeper_of(redis, pool)
    history = History(pool, chat_log)
    first = [await say(chat_log, text) for text in ("one", "two")]
    await pool.execute("INSERT INTO chat_bans (channel_id, user_id) VALUES ($1, $2)", NEWS, CAROL)
    banned = head("user_banned", NEWS, userId=CAROL, username="carol").decode()
    await chat_log.tell(Act("a1", NEWS, [ActEvent("user_banned", banned, bans={CAROL: 0})]))
    await until_kept(keeper, redis)
    await say(chat_log, "never written down")
    await redis.flushall()
    with pytest.raises(ApiError) as refused:
        await say(chat_log, "it is me again", CAROL)
    assert refused.value.body.code is ErrorCode.BANNED
    after = await say(chat_log, "after")
    assert after.seq > first[-1].seq + 1_000_000
    assert after.epoch != first[-1].epoch
    await until_kept(keeper, redis)
    page = await history.page(Question(NEWS, None, 50))
    assert [message.seq for message in page.messages] == [place.seq for place in (*first, after)]
    assert keeper.counts.given_up == 0


async def test_keepers_of_many_processes_write_each_message_once(redis: Redis, pool: Pool) -> None:
    channels = [ChannelId(f"c{number}") for number in range(12)]
    for channel in channels:
        log = Log(redis, channel)
        for number in range(40):
            await log.say(BOB, str(number))
    keepers = [keeper_of(redis, pool)[0] for _ in range(4)]
    async with asyncio.timeout(30):
        while await redis.exists(keys.DIRTY):
            await asyncio.gather(*(keeper.round() for keeper in keepers))
    assert sum(keeper.counts.kept for keeper in keepers) == 12 * 40
    assert await pool.fetchval("SELECT count(DISTINCT (channel_id, seq)) FROM chat_messages") == 12 * 40
