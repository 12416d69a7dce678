"""chat/log/say.lua in a real Redis: what is refused and why, what a key remembers, what is written."""

import time
from typing import Any

import pytest
from redis.asyncio import Redis

from chat.log import ActEvent, Held, Place, keys
from schemas.errors import ErrorCode
from schemas.ids import UserId
from tests.chat.log.material import ALICE, BOB, NEWS, Running, line

pytestmark = pytest.mark.services
HOUR_MS = 3_600_000
CAROL = UserId("u_carol")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def ban(chat: Running, until_ms: int, act_id: str = "act") -> None:
    await chat.act(act_id, ActEvent("user_banned", "{}", bans={ALICE: until_ms}))


async def test_places_follow_each_other(chat: Running) -> None:
    first, second = await chat.say(line("a")), await chat.say(line("b"))
    assert (first.id, first.seq, second.seq) == ("m a", 1, 2)
    assert first.epoch == second.epoch
    assert first.at_ms <= second.at_ms
    assert abs(second.at_ms - now_ms()) < 60_000


async def test_an_entry_is_what_was_said(chat: Running) -> None:
    place = await chat.say(line("a", head=b'{"with":"a \xc3\xa9 space', kind="announcement"))
    (entry,) = await chat.log.read(NEWS, 0, 10)
    assert (entry.seq, entry.prev, entry.epoch, entry.at_ms) == (place.seq, 0, place.epoch, place.at_ms)
    assert (entry.kind, entry.head) == ("announcement", b'{"with":"a \xc3\xa9 space')


async def test_the_same_key_is_answered_the_same_and_appended_once(chat: Running) -> None:
    first = await chat.say(line("a"))
    again = await chat.say(line("a", id="another id", digest="another text"))
    assert again == Place("m a", first.seq, first.epoch, first.at_ms, is_repeat=True)
    assert await chat.ids() == ["a"]


async def test_a_key_is_its_author_s(chat: Running) -> None:
    await chat.say(line("a", ALICE))
    place = await chat.say(line("a", BOB))
    assert (place.seq, place.is_repeat) == (2, False)


async def test_a_key_is_forgotten_after_five_minutes(chat: Running, redis: Redis) -> None:
    await chat.say(line("a"))
    assert 290_000 < await redis.pttl(keys.answered(NEWS, ALICE, "a")) <= 300_000


async def test_what_a_key_was_answered_can_be_asked(chat: Running) -> None:
    assert await chat.log.answered(NEWS, ALICE, "a") is None
    await chat.say(line("a"))
    assert await chat.log.answered(NEWS, ALICE, "a") == await chat.say(line("a"))
    assert await chat.log.answered(NEWS, BOB, "a") is None
    await chat.hold(line("b", held_id="h1"))
    assert await chat.log.answered(NEWS, ALICE, "b") == Held("h1", is_repeat=True)


async def test_the_banned_are_refused_and_their_answered_keys_are_not(chat: Running) -> None:
    first = await chat.say(line("a"))
    await ban(chat, 0)
    refusal = await chat.refusal(line("b"))
    assert (refusal.code, refusal.retry_after_ms) == (ErrorCode.BANNED, None)
    again = await chat.say(line("a"))
    assert (again.seq, again.is_repeat) == (first.seq, True)
    assert (await chat.refusal(line("c", is_privileged=True))).code is ErrorCode.BANNED


async def test_a_timeout_says_how_long_and_ends(chat: Running, redis: Redis) -> None:
    await ban(chat, now_ms() + HOUR_MS)
    refusal = await chat.refusal(line("a"))
    assert refusal.code is ErrorCode.TIMED_OUT
    assert refusal.retry_after_ms is not None
    assert HOUR_MS - 60_000 < refusal.retry_after_ms <= HOUR_MS
    await redis.zadd(keys.bans(NEWS), {ALICE: now_ms() - 1})
    await chat.say(line("a"))
    assert await chat.log.ban_of(NEWS, ALICE) is None


@pytest.mark.parametrize(
    ("settings", "who", "code", "retry_ms"),
    [
        ({"subscriber_only": True}, {}, ErrorCode.SUBSCRIBERS_ONLY, None),
        ({"follower_only": True}, {}, ErrorCode.FOLLOWERS_ONLY, None),
        ({"follower_only": True}, {"is_subscriber": True}, ErrorCode.FOLLOWERS_ONLY, None),
        ({"follower_only": True, "follower_minutes": 10}, {"follows_minutes": 8}, ErrorCode.FOLLOWERS_ONLY, 120_000),
        ({"account_age_minutes": 10}, {"account_minutes": 7}, ErrorCode.ACCOUNT_TOO_NEW, 180_000),
        ({"emote_only": True}, {}, ErrorCode.EMOTE_ONLY, None),
    ],
)
async def test_modes_refuse(
    chat: Running, settings: dict[str, int], who: dict[str, Any], code: ErrorCode, retry_ms: int | None
) -> None:
    await chat.set_modes(**settings)
    refusal = await chat.refusal(line("a", **who))
    assert (refusal.code, refusal.retry_after_ms) == (code, retry_ms)
    await chat.say(line("a", is_privileged=True, **who))


@pytest.mark.parametrize(
    ("settings", "who"),
    [
        ({"subscriber_only": True}, {"is_subscriber": True}),
        ({"follower_only": True}, {"follows_minutes": 0}),
        ({"follower_only": True, "follower_minutes": 10}, {"follows_minutes": 10}),
        ({"account_age_minutes": 10}, {"account_minutes": 10}),
        ({"emote_only": True}, {"only_emotes": True}),
        ({"follower_only": False, "follower_minutes": 10}, {}),
    ],
)
async def test_modes_let_pass_who_meets_them(chat: Running, settings: dict[str, int], who: dict[str, Any]) -> None:
    await chat.set_modes(**settings)
    await chat.say(line("a", **who))


async def test_the_rate_is_a_burst_and_then_one_each_interval(chat: Running) -> None:
    for key in "abc":
        await chat.say(line(key, interval_ms=HOUR_MS, burst=3))
    refusal = await chat.refusal(line("d", interval_ms=HOUR_MS, burst=3))
    assert refusal.code is ErrorCode.RATE_LIMITED
    assert refusal.retry_after_ms is not None
    assert HOUR_MS - 60_000 < refusal.retry_after_ms <= HOUR_MS
    await chat.say(line("d", BOB, interval_ms=HOUR_MS, burst=3))
    # the privileged have a rate too; a wider one lets pass at once
    assert (await chat.refusal(line("d", interval_ms=HOUR_MS, burst=3, is_privileged=True))).code is refusal.code
    await chat.say(line("d", interval_ms=HOUR_MS, burst=5))


async def test_a_refused_line_has_not_used_its_key(chat: Running) -> None:
    await chat.set_modes(emote_only=True)
    assert (await chat.refusal(line("a"))).code is ErrorCode.EMOTE_ONLY
    await chat.set_modes(3)
    assert not (await chat.say(line("a"))).is_repeat


async def test_a_line_over_the_rate_uses_nothing_of_it(chat: Running) -> None:
    await chat.say(line("a", interval_ms=HOUR_MS))
    waits = [(await chat.refusal(line("b", interval_ms=HOUR_MS))).retry_after_ms or 0 for _ in range(5)]
    assert max(waits) <= HOUR_MS


async def test_slow_mode_counts_from_the_last_line(chat: Running) -> None:
    await chat.set_modes(slow_mode=3600)
    await chat.say(line("a"))
    refusal = await chat.refusal(line("b"))
    assert refusal.code is ErrorCode.SLOW_MODE
    assert refusal.retry_after_ms is not None
    assert HOUR_MS - 60_000 < refusal.retry_after_ms <= HOUR_MS
    await chat.say(line("b", BOB))
    await chat.say(line("c", is_privileged=True))
    await chat.say(line("c", CAROL, is_privileged=True))
    await chat.say(line("d", CAROL))
    await chat.set_modes(3, slow_mode=1800)
    assert ((await chat.refusal(line("b"))).retry_after_ms or 0) <= HOUR_MS // 2
    await chat.set_modes(4)
    await chat.say(line("b"))


async def test_an_author_does_not_say_the_same_twice(chat: Running) -> None:
    await chat.say(line("a", digest="same"))
    await chat.say(line("b"))
    refusal = await chat.refusal(line("c", digest="same"))
    assert refusal.code is ErrorCode.DUPLICATE_MESSAGE
    assert refusal.retry_after_ms is not None
    assert 0 < refusal.retry_after_ms <= 30_000
    await chat.say(line("c", BOB, digest="same"))
    await chat.say(line("d", digest="same", is_privileged=True))
    await chat.say(line("e", digest=""))
    await chat.say(line("f", digest=""))


async def test_in_unique_chat_nobody_says_what_was_said(chat: Running) -> None:
    await chat.set_modes(unique_chat=True)
    await chat.say(line("a", digest="long", characters=9, is_privileged=True))
    refusal = await chat.refusal(line("b", BOB, digest="long", characters=9))
    assert refusal.code is ErrorCode.DUPLICATE_MESSAGE
    assert refusal.retry_after_ms is not None
    assert 590_000 < refusal.retry_after_ms <= 600_000
    await chat.say(line("c", ALICE, digest="short", characters=8))
    await chat.say(line("c", BOB, digest="short", characters=8))


async def test_a_refused_line_writes_only_the_rate_it_used(chat: Running, redis: Redis) -> None:
    await chat.set_modes(slow_mode=3600, unique_chat=True)
    await chat.say(line("a"))
    before = {name: await redis.dump(name) for name in await redis.keys()}
    await chat.refusal(line("bbbbbbbbbbbb", interval_ms=1000))
    after = {name: await redis.dump(name) for name in await redis.keys()}
    assert after.pop(keys.rate(NEWS, ALICE).encode())
    assert after == before


async def test_a_held_line_is_answered_and_not_appended(chat: Running, redis: Redis) -> None:
    assert await chat.hold(line("a", held_id="h1")) == Held("h1")
    assert await chat.hold(line("a", held_id="h2")) == Held("h1", is_repeat=True)
    assert await chat.log.say(line("a")) == Held("h1", is_repeat=True)
    assert 290_000 < await redis.pttl(keys.answered(NEWS, ALICE, "a")) <= 300_000
    assert await chat.ids() == []
    assert not await redis.exists(keys.DIRTY)
    # who is held has spoken: the same text over and over does not fill the moderators' queue
    assert (await chat.refusal(line("b", digest="a", held_id="h3"))).code is ErrorCode.DUPLICATE_MESSAGE


async def test_the_clock_of_a_log_does_not_go_back(chat: Running, redis: Redis) -> None:
    await chat.say(line("a"))
    ahead = now_ms() + HOUR_MS
    await redis.hset(keys.state(NEWS), "at", str(ahead))
    assert (await chat.say(line("b"))).at_ms == ahead


async def test_a_sender_that_knows_an_older_server_begins_no_epoch(chat: Running, redis: Redis) -> None:
    first = await chat.say(line("a"))
    mine = await redis.hget(keys.state(NEWS), "run")
    assert isinstance(mine, bytes)
    await redis.hset(keys.state(NEWS), mapping={"run": "a newer one", "runs": b"a newer one " + mine})
    second = await chat.say(line("b"))
    assert (second.seq, second.epoch) == (first.seq + 1, first.epoch)
    assert await redis.hget(keys.state(NEWS), "run") == b"a newer one"


async def test_numbers_stay_exact_near_the_largest(chat: Running, redis: Redis) -> None:
    await chat.say(line("a"))
    await redis.hset(keys.state(NEWS), "seq", str(2**53 - 10))
    assert (await chat.say(line("b"))).seq == 2**53 - 9
    assert (await chat.log.read(NEWS, 1, 10))[-1].seq == 2**53 - 9


async def test_a_log_is_bounded_though_nobody_writes_it_down(chat: Running, redis: Redis) -> None:
    await chat.log.where(NEWS)
    fill = "for n = 1, 201000 do redis.call('XADD', KEYS[1], n .. '-0', 'p', '0 e 0 message', 'h', '{') end"
    await redis.eval(fill, 1, keys.log(NEWS))
    await redis.hset(keys.state(NEWS), "seq", "201000")
    await chat.say(line("a"))
    assert 190_000 < await redis.xlen(keys.log(NEWS)) < 200_500


async def test_an_appended_line_makes_its_channel_dirty(chat: Running, redis: Redis) -> None:
    await chat.say(line("a"))
    assert await redis.smembers(keys.DIRTY) == {NEWS.encode()}


async def test_default_settings_have_no_mode_on(chat: Running, redis: Redis) -> None:
    await chat.say(line("a"))
    assert await redis.hget(keys.state(NEWS), "modes") == b"0"
