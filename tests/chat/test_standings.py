"""What people are to channels, from the real tables, and when it is read again."""

from collections.abc import AsyncIterator

import pytest

from chat.entry import Entry, head
from chat.standings import BELIEVED_S, NOBODY
from chat.store import roles
from schemas.chat import Badge, You
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from tests.chat.talking import GAMES, NEWS, Talk, identity, talking, user_of

pytestmark = pytest.mark.services
ALICE, BOB, CAROL = (identity(name).person for name in ("alice", "bob", "carol"))


@pytest.fixture
async def talk(database_url: str, redis_url: str) -> AsyncIterator[Talk]:
    async with talking(database_url, redis_url) as found:
        yield found


async def test_badges_show_what_somebody_is_the_weightiest_first(talk: Talk) -> None:
    await talk.pool.execute("UPDATE users SET is_admin = true WHERE username IN ('alice', 'robot')")
    await roles.grant(talk.pool, NEWS, user_of("bob"), "moderator")
    await roles.grant(talk.pool, NEWS, user_of("robot"), "vip")
    await talk.subscribe("bob", tier=2, days=40)
    await talk.subscribe("robot", days=1)

    async def badges(name: str) -> list[Badge]:
        return (await talk.standings.of(identity(name).person, NEWS)).badges

    assert await badges("alice") == [Badge("staff"), Badge("broadcaster")]
    assert await badges("bob") == [Badge("moderator"), Badge("subscriber", 2)]
    assert await badges("robot") == [Badge("staff"), Badge("vip"), Badge("subscriber", 1), Badge("bot")]
    assert await badges("carol") == []
    moderating = [
        (await talk.standings.of(identity(name).person, NEWS)).moderates for name in ("alice", "bob", "carol")
    ]
    assert moderating == [True, True, False]


async def test_months_are_counted_over_all_subscriptions_and_end_with_the_last(talk: Talk) -> None:
    await talk.subscribe("bob", days=5)
    await talk.pool.execute(
        "INSERT INTO subscriptions (id, user_id, channel_id, tier, started_at, expires_at) VALUES"
        " ('old', $1, $3, 3, now() - interval '100 days', now() - interval '40 days'),"
        " ('over', $2, $3, 1, now() - interval '100 days', now() - interval '1 second')",
        user_of("bob"),
        user_of("carol"),
        NEWS,
    )
    bob, carol = await talk.standings.of(BOB, NEWS), await talk.standings.of(CAROL, NEWS)
    assert (bob.subscription_tier, bob.subscribed_months) == (1, 3)
    assert (carol.subscription_tier, carol.subscribed_months, carol.badges) == (0, 0, [])


async def test_each_channel_has_its_own_standing(talk: Talk) -> None:
    await talk.follow("bob", minutes=3)
    here, there = await talk.standings.of(BOB, NEWS), await talk.standings.of(BOB, GAMES)
    assert here.followed_at_ms is not None
    assert there.followed_at_ms is None
    assert (await talk.standings.of(ALICE, GAMES)).role == "viewer"
    with pytest.raises(ApiError) as caught:
        await talk.standings.of(BOB, ChannelId("nowhere"))
    assert caught.value.body.code is ErrorCode.NOT_FOUND


async def test_what_the_log_says_is_read_again_at_once_and_the_rest_after_a_while(talk: Talk) -> None:
    assert (await talk.standings.of(BOB, NEWS)).role == "viewer"
    await roles.grant(talk.pool, NEWS, user_of("bob"), "vip")
    assert (await talk.standings.of(BOB, NEWS)).role == "viewer"
    told = head("role_changed", NEWS, userId=user_of("bob"), username="bob", role="vip")
    talk.standings.observe(NEWS, Entry(1, 0, "e", 1, "role_changed", told))
    assert (await talk.standings.of(BOB, NEWS)).role == "vip"
    await talk.follow("bob")
    assert (await talk.standings.of(BOB, NEWS)).followed_at_ms is None
    talk.clock.at += BELIEVED_S
    assert (await talk.standings.of(BOB, NEWS)).followed_at_ms is not None


async def test_who_joins_is_told_what_they_are(talk: Talk) -> None:
    assert await talk.standings.you(None, NEWS, None) == NOBODY
    await talk.subscribe("bob", tier=2)
    you = await talk.standings.you(BOB, NEWS, None)
    color = you.color
    expected = You(user_of("bob"), "bob", "viewer", [Badge("subscriber", 1)], color, False, None, 2, None, True)
    assert you == expected
    banned = await talk.standings.you(BOB, NEWS, 0)
    assert (banned.banned_until, banned.may_chat) == (0, False)
