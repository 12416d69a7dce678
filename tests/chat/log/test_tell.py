"""chat/log/tell.lua in a real Redis: effects and events of an act, in one step and once."""

import pytest
from redis.asyncio import Redis

from chat.log import Act, ActEvent, keys, modes_of
from schemas.chat import ChatSettings
from schemas.errors import ErrorCode
from schemas.ids import UserId
from tests.chat.log.material import ALICE, BOB, NEWS, Running, line

pytestmark = pytest.mark.services


async def test_events_of_an_act_have_places_one_after_the_other(chat: Running) -> None:
    await chat.say(line("a"))
    places = await chat.act("x", ActEvent("slow_mode", "first"), ActEvent("settings_changed", "second é"))
    assert [(place.id, place.seq, place.is_repeat) for place in places] == [("x", 2, False), ("x", 3, False)]
    entries = await chat.log.read(NEWS, 1, 10)
    assert [(entry.seq, entry.prev, entry.kind, entry.head.decode()) for entry in entries] == [
        (2, 1, "slow_mode", "first"),
        (3, 2, "settings_changed", "second é"),
    ]
    assert {entry.at_ms for entry in entries} == {places[0].at_ms}


async def test_an_act_takes_effect_once(chat: Running) -> None:
    ban = ActEvent("user_banned", "{}", bans={ALICE: 0})
    first = await chat.act("x", ban)
    await chat.act("y", ActEvent("user_unbanned", "{}", unbans=[ALICE]))
    again = await chat.act("x", ban)
    assert [(place.seq, place.is_repeat) for place in (*first, *again)] == [(1, False), (1, True)]
    await chat.say(line("a"))
    assert len(await chat.ids()) == 3


async def test_effects_hold_from_their_place_on(chat: Running) -> None:
    await chat.act("x", ActEvent("user_banned", "{}", bans={ALICE: 0, BOB: 0}))
    assert (await chat.refusal(line("a", BOB))).code is ErrorCode.BANNED
    await chat.act("y", ActEvent("user_unbanned", "{}", unbans=[BOB]))
    await chat.say(line("a", BOB))
    assert await chat.log.ban_of(NEWS, ALICE) == 0
    assert await chat.log.ban_of(NEWS, BOB) is None


async def test_effects_without_a_kind_append_nothing(chat: Running, redis: Redis) -> None:
    many = {UserId(f"u{n}"): 0 for n in range(9_000)}
    assert await chat.act("x", ActEvent("", bans=many)) == []
    assert await redis.zcard(keys.bans(NEWS)) == 9_000
    assert await chat.ids() == []
    assert not await redis.exists(keys.DIRTY)
    assert await chat.act("x", ActEvent("", bans={ALICE: 0})) == []
    assert await chat.log.ban_of(NEWS, ALICE) is None


async def test_bans_outlive_the_state_and_do_not_stay_for_ever(chat: Running, redis: Redis) -> None:
    await chat.act("x", ActEvent("", bans={ALICE: 0}))
    assert await redis.ttl(keys.bans(NEWS)) > await redis.ttl(keys.state(NEWS)) > 600_000


async def test_timeouts_that_are_over_are_swept(chat: Running, redis: Redis) -> None:
    await chat.act("x", ActEvent("", bans={BOB: 1}))
    await chat.act("y", ActEvent("", bans={ALICE: 0}))
    assert await redis.zrange(keys.bans(NEWS), 0, -1) == [ALICE.encode()]


async def test_older_settings_are_passed_over(chat: Running) -> None:
    await chat.set_modes(7, emote_only=True)
    await chat.set_modes(6)
    assert (await chat.refusal(line("a"))).code is ErrorCode.EMOTE_ONLY
    both = ((9, ChatSettings()), (8, ChatSettings(emote_only=True)))
    newer = [ActEvent("", settings=modes_of(settings, version)) for version, settings in both]
    await chat.log.tell(Act("both", NEWS, newer))
    await chat.say(line("a"))
