"""From a typed line to the channel's log: what is said, obeyed, held, refused, and answered twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chat.entry import event
from chat.moderation.actor import Actor
from chat.speech.composing import QUOTED_MAX
from chat.speech.rates import PAUSE_S, REFUSALS_MAX, VIEWER
from schemas.chat import Badge, EmotePosition, Mention
from schemas.errors import ErrorCode
from schemas.ids import ChannelId
from schemas.socket import Ack, Held, Message
from tests.chat.talking import GAMES, NEWS, Talk, identity, talking, user_of

pytestmark = pytest.mark.services
ALICE, BOB, CAROL, DAVE = (identity(name) for name in ("alice", "bob", "carol", "dave"))


@pytest.fixture
async def talk(database_url: str, redis_url: str) -> AsyncIterator[Talk]:
    async with talking(database_url, redis_url) as found:
        yield found
        assert found.troubles == []


async def test_a_message_has_all_that_is_meant_by_its_words(talk: Talk) -> None:
    await talk.add_emote("someWave9")
    await talk.subscribe("bob", days=65)
    message = await talk.say(BOB, "  😀 someWave9 hi @carol and @nobody someWave9x ")
    assert message.content == "😀 someWave9 hi @carol and @nobody someWave9x"
    assert message.emotes == [EmotePosition("e_somewave9", "someWave9", 2, 11)]
    assert message.mentions == [Mention(user_of("carol"), "carol", 15, 21)]
    assert message.badges == [Badge("subscriber", 3)]
    assert (message.username, message.display_name, message.is_first) == ("bob", "Bob", True)
    assert not (await talk.say(BOB, "again")).is_first
    assert (await talk.say(BOB, "/me waves")).is_action


async def test_an_answer_names_what_it_answers_and_its_thread(talk: Talk) -> None:
    first = await talk.say(ALICE, "x" * 200)
    second = await talk.say(BOB, "yes", reply_to=first.id)
    third = await talk.say(CAROL, "no", reply_to=second.id)
    assert second.reply_to is not None
    assert (second.reply_to.message_id, second.reply_to.thread_id) == (first.id, first.id)
    assert second.reply_to.content == "x" * (QUOTED_MAX - 1) + "…"
    assert third.reply_to is not None
    assert (third.reply_to.message_id, third.reply_to.thread_id) == (second.id, first.id)
    for gone in ("nothing", "no id\x00", "x" * 300):
        assert (await talk.refusal(DAVE, "what?", reply_to=gone)).code is ErrorCode.NOT_FOUND


async def test_the_same_key_gets_the_same_answer_whatever_has_changed_since(talk: Talk) -> None:
    first = await talk.ack(BOB, "bad words", key="k1")
    assert await talk.ack(BOB, "bad words", key="k1") == first
    await talk.answer(ALICE, "/block bad")
    talk.moderation.settings.forget(NEWS)
    assert (await talk.refusal(BOB, "bad words", key="k2")).code is ErrorCode.BLOCKED_TERM
    assert await talk.ack(BOB, "bad words", key="k1") == first
    await talk.answer(ALICE, "/ban bob")
    assert (await talk.refusal(BOB, "let me in", key="k3")).code is ErrorCode.BANNED
    assert await talk.ack(BOB, "bad words", key="k1") == first
    assert (await talk.ack(ALICE, "hello", key="k1")).message_id != first.message_id, "keys are the author's own"


async def test_a_refused_message_does_not_use_its_key(talk: Talk) -> None:
    await talk.answer(ALICE, "/followers 10m")
    refused = await talk.refusal(BOB, "hello", key="k1")
    assert refused.code is ErrorCode.FOLLOWERS_ONLY
    await talk.follow("bob", minutes=20)
    talk.clock.at += 2  # then the refusal is doubted: the follow of just now counts
    assert (await talk.ack(BOB, "hello", key="k1")).seq > 0


async def test_a_follow_that_is_seen_a_moment_ago_is_not_asked_for_again(talk: Talk) -> None:
    await talk.answer(ALICE, "/followers")
    assert (await talk.refusal(BOB, "hello")).code is ErrorCode.FOLLOWERS_ONLY
    await talk.follow("bob", minutes=1)
    assert (await talk.refusal(BOB, "hello")).code is ErrorCode.FOLLOWERS_ONLY
    talk.clock.at += 2
    await talk.ack(BOB, "hello")


async def test_modes_look_at_who_speaks(talk: Talk) -> None:
    await talk.add_emote("someWave9")
    for command in ("/subscribers", "/emoteonly", "/slow 60"):
        await talk.answer(ALICE, command)
    assert (await talk.refusal(BOB, "someWave9")).code is ErrorCode.SUBSCRIBERS_ONLY
    await talk.subscribe("carol")
    assert (await talk.refusal(CAROL, "someWave9 hello")).code is ErrorCode.EMOTE_ONLY
    await talk.ack(CAROL, "someWave9  someWave9")
    slow = await talk.refusal(CAROL, "someWave9 someWave9 someWave9")
    assert slow.code is ErrorCode.SLOW_MODE
    assert 50_000 < (slow.retry_after_ms or 0) <= 60_000
    await talk.ack(ALICE, "hello")
    await talk.ack(ALICE, "hello again")


async def test_viewers_may_say_so_much_at_once_and_bots_more(talk: Talk) -> None:
    robot = identity("robot", "chat:write", is_bot=True)
    for n in range(VIEWER.burst):
        await talk.ack(BOB, f"line {n}")
        await talk.ack(robot, f"robot {n}")
    limited = await talk.refusal(BOB, "one more", key="k1")
    assert limited.code is ErrorCode.RATE_LIMITED
    assert 0 < (limited.retry_after_ms or 0) <= VIEWER.interval_ms
    assert (await talk.say(robot, "one more")).badges == [Badge("bot")]


async def test_commands_are_obeyed_and_not_said(talk: Talk) -> None:
    head = await talk.log.where(NEWS)
    ack = await talk.ack(ALICE, "/slow 10")
    assert ack.notice
    assert not ack.message_id
    assert (await talk.refusal(BOB, "/slow 10")).code is ErrorCode.FORBIDDEN
    assert (await talk.refusal(ALICE, "/slow down")).code is ErrorCode.INVALID_REQUEST
    assert (await talk.refusal(ALICE, "/nonsense")).code is ErrorCode.INVALID_REQUEST
    assert (await talk.refusal(identity("alice", "chat:write"), "/slow 20")).code is ErrorCode.FORBIDDEN
    kinds = [entry.kind for entry in await talk.log.read(NEWS, head.seq, 10)]
    assert kinds == ["slow_mode", "settings_changed"]


async def test_what_waits_for_a_moderator_is_kept_once_and_said_when_it_is_approved(talk: Talk) -> None:
    await talk.pool.execute("INSERT INTO chat_settings (channel_id, held_terms) VALUES ($1, '{perhaps}')", NEWS)
    held = await talk.answer(BOB, "perhaps so", key="k1")
    assert isinstance(held, Held)
    assert await talk.answer(BOB, "perhaps so", key="k1") == held
    assert await talk.pool.fetchval("SELECT count(*) FROM chat_held") == 1
    assert (await talk.log.read(NEWS, 0, 10)) == []
    await talk.pool.execute("DELETE FROM chat_held")  # as if the process had died between the two
    assert await talk.answer(BOB, "perhaps so", key="k1") == held
    assert await talk.pool.fetchval("SELECT id FROM chat_held") == held.held_id
    await talk.moderation.held.approve(Actor.of(ALICE.person), NEWS, held.held_id)
    [entry] = await talk.log.read(NEWS, 0, 10)
    told = event(entry)
    assert isinstance(told, Message)
    assert (told.message.content, told.message.username) == ("perhaps so", "bob")
    assert await talk.answer(BOB, "perhaps so", key="k1") == held


async def test_who_may_not_speak_is_told_why(talk: Talk) -> None:
    assert (await talk.refusal(None, "hello")).code is ErrorCode.UNAUTHORIZED
    assert (await talk.refusal(identity("bob", "chat:read"), "hello")).code is ErrorCode.FORBIDDEN
    assert (await talk.refusal(BOB, "hello", key="a b")).code is ErrorCode.INVALID_REQUEST
    assert (await talk.refusal(BOB, "a\u202eb")).code is ErrorCode.INVALID_REQUEST
    assert (await talk.refusal(BOB, "x" * 501)).code is ErrorCode.PAYLOAD_TOO_LARGE
    assert (await talk.refusal(identity("zoe"), "hello")).code is ErrorCode.NOT_FOUND
    for nowhere in ("c_nowhere", "no\x00where", "", "x" * 5000):
        assert (await talk.refusal(BOB, "hello", channel=nowhere)).code is ErrorCode.NOT_FOUND
    for _ in range(REFUSALS_MAX):
        await talk.refusal(CAROL, "")
    paused = await talk.refusal(CAROL, "hello")
    assert paused.code is ErrorCode.RATE_LIMITED
    assert (paused.retry_after_ms or 0) <= PAUSE_S * 1000
    talk.clock.at += PAUSE_S
    await talk.ack(CAROL, "hello")


async def test_emotes_go_where_their_tiers_allow(talk: Talk) -> None:
    await talk.add_emote("newsHi", NEWS)
    await talk.add_emote("newsSub", NEWS, tier=1)
    await talk.add_emote("newsTop", NEWS, tier=3)
    await talk.add_emote("gamesSub", GAMES, tier=2)
    await talk.subscribe("carol", tier=1)
    await talk.subscribe("carol", GAMES, tier=2)
    text = "newsHi newsSub newsTop gamesSub"

    async def shown(name: str, channel: ChannelId) -> list[str]:
        message = await talk.say(identity(name), f"{text} {channel}{name}", channel=channel)
        return [position.name for position in message.emotes]

    assert await shown("bob", NEWS) == ["newsHi"]
    assert await shown("carol", NEWS) == ["newsHi", "newsSub", "gamesSub"]
    assert await shown("alice", NEWS) == ["newsHi", "newsSub", "newsTop"]
    assert await shown("bob", GAMES) == []
    assert await shown("carol", GAMES) == ["newsHi", "newsSub", "gamesSub"]
    assert await shown("alice", GAMES) == ["newsHi", "newsSub", "newsTop"]
    await talk.add_emote("newsNew", NEWS)
    assert (await talk.say(DAVE, "newsNew")).emotes == []
    talk.emotes.forget(NEWS)
    assert len((await talk.say(DAVE, "newsNew again")).emotes) == 1


async def test_a_crowd_is_answered_each_once_and_in_one_order(talk: Talk) -> None:
    names = ("alice", "bob", "carol", "dave", "gina", "robot")
    answers = await asyncio.gather(
        *(talk.answer(identity(name), f"{name} {n}", key=f"k{n}") for n in range(4) for name in names for _ in range(2))
    )
    assert all(isinstance(answer, Ack) for answer in answers)
    entries = await talk.log.read(NEWS, 0, 1000)
    assert len(entries) == 24
    assert {answer.seq for answer in answers if isinstance(answer, Ack)} == {entry.seq for entry in entries}
