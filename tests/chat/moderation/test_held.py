import asyncio

import msgspec
import pytest

from chat.log import keys
from chat.store.held import OF_ONE_MAX
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from schemas.socket import HeldDecided, Message, MessageHeld, ModeratorEvent
from tests.chat.moderation.house import HOME, House

pytestmark = pytest.mark.services


async def test_an_approved_message_gets_its_place_when_it_is_approved(home: House) -> None:
    held, viewer = home.moderation.held, await home.person("viewer")
    assert not (await home.moderation.standings.of(viewer, HOME)).has_chatted
    message = home.message("viewer", "first!")
    await home.moderation.hold(message, "held1", "key", "is the first message of its author")
    await home.say("viewer2", "said meanwhile")
    (waiting,) = await held.page(HOME, after=None, limit=10)
    assert (waiting.id, waiting.username, waiting.content) == ("held1", "viewer", "first!")
    assert waiting.reason == "is the first message of its author"

    assert (await held.approve(home.actor("mod"), HOME, "held1")).notice == "A message of viewer is approved."
    between, said = await home.events()
    assert isinstance(said, Message)
    assert (said.message.id, said.message.content, said.seq) == (message.id, "first!", between.seq + 1)
    assert await held.page(HOME, after=None, limit=10) == []
    assert (await home.moderation.standings.of(viewer, HOME)).has_chatted  # the next message does not wait


async def test_moderators_hear_of_what_waits_and_what_was_decided(home: House) -> None:
    async with home.redis.pubsub() as listening:
        await listening.subscribe(keys.moderators_channel(HOME))
        await home.moderation.hold(home.message("viewer", "one"), "held1", "key1", "has a link")
        await home.moderation.hold(home.message("viewer", "two"), "held2", "key2", "has a link")
        await home.moderation.held.approve(home.actor("mod"), HOME, "held1")
        await home.moderation.held.deny(home.actor("mod2"), HOME, "held2")
        heard: list[ModeratorEvent] = []
        async with asyncio.timeout(20):
            while len(heard) < 4:
                message = await listening.get_message(ignore_subscribe_messages=True, timeout=5)
                if message:
                    heard.append(msgspec.json.decode(message["data"], type=ModeratorEvent))
    one, two, approved, denied = heard
    assert isinstance(one, MessageHeld)
    assert isinstance(two, MessageHeld)
    assert (one.held_id, one.content, one.reason, two.held_id) == ("held1", "one", "has a link", "held2")
    assert approved == HeldDecided(HOME, "held1", UserId("viewer"), is_approved=True, moderator="mod")
    assert denied == HeldDecided(HOME, "held2", UserId("viewer"), is_approved=False, moderator="mod2")
    assert await home.kinds() == ["message"]


async def test_the_same_key_waits_once(home: House) -> None:
    message = home.message("viewer", "one")
    await asyncio.gather(*(home.moderation.hold(message, "held1", "key", "has a link") for _ in range(5)))
    await home.moderation.hold(home.message("viewer", "one"), "held2", "key", "has a link")
    assert [each.id for each in await home.moderation.held.page(HOME, after=None, limit=10)] == ["held1"]


async def test_one_decision_holds(home: House) -> None:
    held = home.moderation.held
    for held_id in ("held1", "held2"):
        await home.moderation.hold(home.message("viewer", held_id), held_id, held_id, "has a link")
    await held.approve(home.actor("mod"), HOME, "held1")
    await held.deny(home.actor("mod"), HOME, "held2")
    assert (await held.approve(home.actor("mod2"), HOME, "held1")).act_id is None
    assert (await held.deny(home.actor("mod2"), HOME, "held2")).act_id is None
    for attempt in (held.deny(home.actor("mod2"), HOME, "held1"), held.approve(home.actor("mod2"), HOME, "held2")):
        with pytest.raises(ApiError) as refused:
            await attempt
        assert refused.value.body.code is ErrorCode.CONFLICT
    with pytest.raises(ApiError) as refused:
        await held.approve(home.actor("mod"), HOME, "held9")
    assert refused.value.body.code is ErrorCode.NOT_FOUND
    with pytest.raises(ApiError) as refused:
        await held.approve(home.actor("viewer"), HOME, "held1")
    assert refused.value.body.code is ErrorCode.FORBIDDEN
    assert await home.kinds() == ["message"]


async def test_ten_moderators_at_once_approve_once(home: House) -> None:
    await home.moderation.hold(home.message("viewer", "hi"), "held1", "key", "has a link")
    moderators = [home.actor(name) for name in ("mod", "mod2", "owner", "admin")] * 2
    done = await asyncio.gather(*(home.moderation.held.approve(actor, HOME, "held1") for actor in moderators))
    assert len([each for each in done if each.act_id]) == 1
    assert await home.kinds() == ["message"]


async def test_nobody_speaks_through_the_queue_who_is_timed_out_meanwhile(home: House) -> None:
    await home.moderation.hold(home.message("viewer", "hi"), "held1", "key", "has a link")
    await home.pool.execute("INSERT INTO chat_bans (channel_id, user_id) VALUES ('home', 'viewer')")
    with pytest.raises(ApiError) as refused:
        await home.moderation.held.approve(home.actor("mod"), HOME, "held1")
    assert refused.value.body.code is ErrorCode.CONFLICT
    assert await home.kinds() == []


async def test_one_author_cannot_fill_the_queue(home: House) -> None:
    for number in range(OF_ONE_MAX):
        await home.moderation.hold(home.message("viewer", "hi"), f"held{number}", f"key{number}", "has a link")
    with pytest.raises(ApiError) as refused:
        await home.moderation.hold(home.message("viewer", "hi"), "more", "more", "has a link")
    assert refused.value.body.code is ErrorCode.RATE_LIMITED
    assert refused.value.body.retry_after_ms
    await home.moderation.hold(home.message("viewer", "hi"), "held0", "key0", "has a link")  # known: no trouble
    await home.moderation.hold(home.message("viewer2", "hi"), "other", "key", "has a link")
    first, *_, last = await home.moderation.held.page(HOME, after=None, limit=100)
    assert (first.id, last.id) == ("held0", "other")
    assert [each.id for each in await home.moderation.held.page(HOME, after="held8", limit=1)] == ["held9"]
