"""Pages of chat: half of a channel may be written down, and nobody can tell."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from redis.asyncio import Redis

from chat.keeping import history as module
from chat.keeping.history import History, Page, Question
from chat.log.log import ChatLog
from chat.store.history import KeptMessage
from config.postgres import Pool
from schemas.chat import ReplyTo
from schemas.chat_api import HistoryMessage
from schemas.errors import ApiError, ErrorCode
from tests.chat.keeping.logs import ALICE, BOB, CAROL, HOUR_MS, NEWS, Log, keeper_of, recall_nothing, until_kept
from web.api.history import shown

pytestmark = pytest.mark.services


@asynccontextmanager
async def reading(pool: Pool, url: str) -> AsyncIterator[History]:
    log = ChatLog(url, recall_nothing, lambda *_: None)
    running = asyncio.create_task(log.run())
    yield History(pool, log)
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
async def history(pool: Pool, redis_url: str) -> AsyncIterator[History]:
    async with reading(pool, redis_url) as opened:
        yield opened


def decoded(message: KeptMessage) -> HistoryMessage:
    return msgspec.json.decode(shown(message), type=HistoryMessage)


def said(page: Page) -> list[str]:
    return [decoded(message).content for message in page.messages]


async def newest(history: History, limit: int = 50, before: int | None = None, thread: str | None = None) -> Page:
    return await history.page(Question(NEWS, before, limit, thread))


async def scene_of_deletions(log: Log, pause: Callable[[], Awaitable[None]]) -> list[str]:
    first = await log.say(BOB, "one")
    await log.say(CAROL, "two")
    await pause()
    third = await log.say(BOB, "three")
    await log.delete(first, BOB)
    await log.delete(third, BOB)
    await log.say(CAROL, "four")
    return ["two", "four"]


async def scene_of_a_ban(log: Log, pause: Callable[[], Awaitable[None]]) -> list[str]:
    await log.say(BOB, "long ago", at_ms=log.at_ms - 7 * HOUR_MS)
    await log.say(BOB, "one")
    await log.say(CAROL, "two")
    await pause()
    await log.say(BOB, "three")
    await log.ban(BOB)
    await log.say(CAROL, "four")
    await log.time_out(CAROL)
    await log.say(BOB, "five")
    return ["long ago", "five"]


async def scene_of_a_clear(log: Log, pause: Callable[[], Awaitable[None]]) -> list[str]:
    await log.say(BOB, "one")
    await pause()
    await log.say(CAROL, "two")
    await log.clear()
    await log.announce(ALICE, "three", "blue")
    return ["three"]


Scene = Callable[[Log, Callable[[], Awaitable[None]]], Awaitable[list[str]]]


@pytest.mark.parametrize("scene", [scene_of_deletions, scene_of_a_ban, scene_of_a_clear])
async def test_a_page_is_the_same_before_and_after_it_is_written_down(
    redis: Redis, pool: Pool, log: Log, history: History, scene: Scene
) -> None:
    keeper, _ = keeper_of(redis, pool)

    async def keep() -> None:
        await until_kept(keeper, redis)

    expected = await scene(log, keep)
    half = await newest(history)
    assert said(half) == expected
    await keep()
    whole = await newest(history)
    assert [decoded(message) for message in whole.messages] == [decoded(message) for message in half.messages]
    assert [msgspec.structs.replace(message, json=b"") for message in whole.messages] == [
        msgspec.structs.replace(message, json=b"") for message in half.messages
    ]
    assert not half.is_more


async def test_pages_go_back_to_the_beginning(redis: Redis, pool: Pool, log: Log, history: History) -> None:
    keeper, _ = keeper_of(redis, pool)
    for number in range(1, 8):
        await log.say(BOB, str(number))
    await until_kept(keeper, redis)
    for number in range(8, 11):
        await log.say(BOB, str(number))
    pages = []
    before = None
    while True:
        page = await newest(history, 4, before)
        pages.append(said(page))
        if not page.is_more:
            break
        before = page.messages[0].seq
    assert pages == [["7", "8", "9", "10"], ["3", "4", "5", "6"], ["1", "2"]]
    assert said(await newest(history, 4, 1 << 52)) == pages[0]
    assert said(await newest(history, 4, 0)) == []


async def test_a_thread_is_its_first_message_and_the_answers(
    redis: Redis, pool: Pool, log: Log, history: History
) -> None:
    keeper, _ = keeper_of(redis, pool)
    first = await log.say(BOB, "question")
    await log.say(CAROL, "something else")
    to_first = ReplyTo(first, first, BOB, "bob", "Bob", "question")
    await log.say(CAROL, "answer", reply_to=to_first)
    await until_kept(keeper, redis)
    await log.say(BOB, "and so on", reply_to=to_first)
    await log.say(CAROL, "of another", reply_to=ReplyTo("m2", "m2", CAROL, "carol", "Carol", "x"))
    assert said(await newest(history, thread=first)) == ["question", "answer", "and so on"]
    assert said(await newest(history, 2, thread=first)) == ["answer", "and so on"]
    await until_kept(keeper, redis)
    assert said(await newest(history, thread=first)) == ["question", "answer", "and so on"]


async def test_a_long_tail_while_postgres_lags_is_read_from_its_end(
    log: Log, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TAIL_USUAL", 10)
    for number in range(30):
        await log.say(BOB, str(number))
    page = await newest(history, 3)
    assert (said(page), page.is_more) == (["27", "28", "29"], True)


async def test_an_empty_channel_has_an_empty_page(history: History) -> None:
    assert await newest(history) == Page([], False)


async def test_an_announcement_is_shown_as_one_and_poison_as_nothing(log: Log, history: History) -> None:
    await log.announce(ALICE, "listen", "purple")
    await log.append("message", b"{ no head")
    (message,) = map(decoded, (await newest(history)).messages)
    assert (message.content, message.announcement, message.seq, message.epoch) == ("listen", "purple", 1, "e1")


async def test_without_redis_there_is_no_page_rather_than_half_of_one(pool: Pool) -> None:
    async with reading(pool, "unix:///nonexistent/socket") as away:
        with pytest.raises(ApiError) as refused:
            await newest(away)
    assert refused.value.body.code is ErrorCode.UNAVAILABLE
