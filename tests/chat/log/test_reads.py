"""chat/log/reads.py on a real Redis: ends, stretches and anchors of logs."""

import pytest
from redis.asyncio import Redis

from chat.log import keys
from schemas.ids import ChannelId
from tests.chat.log.material import NEWS, Running, line

pytestmark = pytest.mark.services
OTHER = ChannelId("c_other")


async def test_reading_goes_forward_from_a_place_and_back_from_another(chat: Running) -> None:
    for key in "abcde":
        await chat.say(line(key))
    seqs = [
        [entry.seq for entry in found]
        for found in (
            await chat.log.read(NEWS, 2, 2),
            await chat.log.read(NEWS, 5, 2),
            await chat.log.before(NEWS, None, 2),
            await chat.log.before(NEWS, 4, 2),
            await chat.log.before(NEWS, 1, 2),
        )
    ]
    assert seqs == [[3, 4], [], [4, 5], [2, 3], []]


async def test_heads_of_many_logs_in_one_question(chat: Running) -> None:
    place = await chat.say(line("a"))
    many = [ChannelId(f"c{n}") for n in range(700)]
    heads = await chat.log.heads([NEWS, OTHER, *many])
    assert (heads[NEWS].seq, heads[NEWS].epoch, heads[OTHER].seq) == (1, place.epoch, 0)
    assert len(heads) == 702
    assert await chat.log.where(OTHER) == heads[OTHER]


async def test_a_log_can_be_continued_from_its_entries_and_its_beginning(chat: Running) -> None:
    begin = await chat.log.where(NEWS)
    assert await chat.log.has(NEWS, 0, begin.epoch)
    places = [await chat.say(line(key)) for key in "ab"]
    assert all([await chat.log.has(NEWS, place.seq, place.epoch) for place in places])
    assert await chat.log.has(NEWS, 0, begin.epoch)
    assert not await chat.log.has(NEWS, 0, "another")
    assert not await chat.log.has(NEWS, 1, "another")
    assert not await chat.log.has(NEWS, 3, begin.epoch)


async def test_a_log_cannot_be_continued_from_before_what_was_trimmed(chat: Running, redis: Redis) -> None:
    begin = await chat.log.where(NEWS)
    for key in "abc":
        await chat.say(line(key))
    await redis.xtrim(keys.log(NEWS), maxlen=2, approximate=False)
    assert not await chat.log.has(NEWS, 0, begin.epoch)
    assert not await chat.log.has(NEWS, 1, begin.epoch)
    assert await chat.log.has(NEWS, 2, begin.epoch)
    await redis.delete(keys.log(NEWS))
    assert not await chat.log.has(NEWS, 0, begin.epoch)
