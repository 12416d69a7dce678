import asyncio
from itertools import pairwise

import pytest

from chat.moderation.bans import in_words
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from schemas.socket import MessagePinned, RoleChanged, UserBanned, UserTimedOut, UserUnbanned
from tests.chat.moderation.house import HOME, House

VIEWER, VIP, MOD = UserId("viewer"), UserId("vip"), UserId("mod")


@pytest.mark.services
async def test_a_ban_holds_at_once_and_until_it_is_lifted(home: House) -> None:
    bans = home.moderation.bans
    done = await bans.ban(home.actor("mod"), HOME, VIEWER, "spam")
    assert done.notice == "viewer is banned."
    with pytest.raises(ApiError) as refused:
        await home.say("viewer", "hello?")
    assert refused.value.body.code is ErrorCode.BANNED
    shown = await bans.shown(HOME, VIEWER)
    assert (shown.username, shown.until, shown.reason, shown.moderator) == ("viewer", None, "spam", "mod")

    await bans.unban(home.actor("mod2"), HOME, VIEWER)
    await home.say("viewer", "thanks")
    banned, unbanned, _ = await home.events()
    assert isinstance(banned, UserBanned)
    assert isinstance(unbanned, UserUnbanned)
    assert (banned.user_id, banned.username, banned.moderator) == ("viewer", "viewer", "mod")
    assert unbanned.moderator == "mod2"
    assert await home.acts() == ["ban", "unban"]


@pytest.mark.services
async def test_what_is_so_already_is_not_done_again(home: House) -> None:
    bans, mod = home.moderation.bans, home.actor("mod")
    assert (await bans.unban(mod, HOME, VIEWER)).act_id is None
    assert (await bans.end_timeout(mod, HOME, VIEWER)).act_id is None
    await bans.ban(mod, HOME, VIEWER, "once")
    assert (await bans.ban(home.actor("owner"), HOME, VIEWER, "twice")).act_id is None
    assert (await bans.shown(HOME, VIEWER)).reason == "once"
    assert await home.kinds() == ["user_banned"]


@pytest.mark.services
async def test_a_timeout_ends_by_itself_and_can_be_changed(home: House) -> None:
    bans, mod = home.moderation.bans, home.actor("mod")
    await bans.time_out(mod, HOME, VIEWER, 600, "calm down")
    await bans.time_out(mod, HOME, VIEWER, 3_600, "")
    with pytest.raises(ApiError) as refused:
        await home.say("viewer", "hello?")
    assert refused.value.body.code is ErrorCode.TIMED_OUT
    assert 3_590_000 < (refused.value.body.retry_after_ms or 0) <= 3_601_000
    first, second = await home.events()
    assert isinstance(first, UserTimedOut)
    assert isinstance(second, UserTimedOut)
    assert (first.duration_s, second.duration_s) == (600, 3_600)
    assert abs(second.until - second.timestamp - 3_600_000) < 5_000
    await home.pool.execute("UPDATE chat_bans SET until = now() - interval '1 s'")
    with pytest.raises(ApiError) as refused:
        await bans.shown(HOME, VIEWER)
    assert refused.value.body.code is ErrorCode.NOT_FOUND
    assert await bans.page(HOME, after=None, limit=10) == []
    await bans.time_out(mod, HOME, VIP, 60, "")
    assert await home.pool.fetchval("SELECT count(*) FROM chat_bans") == 1  # what is over is forgotten


@pytest.mark.services
async def test_a_timeout_and_a_ban_are_two_things(home: House) -> None:
    bans, mod = home.moderation.bans, home.actor("mod")
    await bans.time_out(mod, HOME, VIEWER, 600, "")
    await bans.ban(mod, HOME, VIEWER, "")
    for attempt in (bans.time_out(mod, HOME, VIEWER, 60, ""), bans.end_timeout(mod, HOME, VIEWER)):
        with pytest.raises(ApiError) as refused:
            await attempt
        assert refused.value.body.code is ErrorCode.CONFLICT
    assert await home.is_silenced("viewer")


@pytest.mark.services
async def test_who_is_banned_loses_a_role_what_waits_and_the_place_at_the_top(home: House) -> None:
    moderation = home.moderation
    message = await home.say("vip", "look at me")
    await moderation.messages.pin(home.actor("mod"), HOME, message, None)
    held = home.message("vip", "and at this")
    await moderation.hold(held, "held1", "key", "has a link")
    await moderation.bans.ban(home.actor("mod"), HOME, VIP, "")
    banned, unpinned, role = (await home.events())[-3:]
    assert isinstance(banned, UserBanned)
    assert isinstance(unpinned, MessagePinned)
    assert isinstance(role, RoleChanged)
    assert (unpinned.pinned, role.user_id, role.role) == (None, "vip", "viewer")
    assert await moderation.held.page(HOME, after=None, limit=10) == []
    assert await moderation.roles.holders(HOME) != []
    assert "vip" not in [row.username for row in await moderation.roles.holders(HOME)]


@pytest.mark.services
async def test_a_moderator_who_is_timed_out_does_not_moderate(home: House) -> None:
    bans = home.moderation.bans
    await bans.time_out(home.actor("owner"), HOME, MOD, 600, "")
    for attempt in (bans.ban(home.actor("mod"), HOME, VIEWER, ""), bans.end_timeout(home.actor("mod"), HOME, MOD)):
        with pytest.raises(ApiError) as refused:
            await attempt
        assert refused.value.body.code is ErrorCode.TIMED_OUT
    await bans.end_timeout(home.actor("mod2"), HOME, MOD)
    await bans.ban(home.actor("mod"), HOME, VIEWER, "")


@pytest.mark.services
async def test_the_last_of_many_who_disagree_is_what_holds_in_both(home: House) -> None:
    bans = home.moderation.bans
    moderators = ["mod", "mod2", "owner", "admin"]
    await asyncio.gather(
        *(bans.ban(home.actor(moderators[n % 4]), HOME, VIEWER, "") for n in range(8)),
        *(bans.unban(home.actor(moderators[n % 4]), HOME, VIEWER) for n in range(8)),
    )
    acts, kinds = await home.acts(), await home.kinds()
    assert [{"ban": "user_banned", "unban": "user_unbanned"}[act] for act in acts] == kinds
    assert all(act != following for act, following in pairwise(acts))  # one sees what the one before has done
    assert await home.is_silenced("viewer") == (acts[-1] == "ban")
    assert await home.pool.fetchval("SELECT count(*) FROM chat_acts WHERE events IS NOT NULL") == 0


@pytest.mark.services
async def test_nobody_bans_who_is_not_there_or_may_not(home: House) -> None:
    bans = home.moderation.bans
    for actor, target, code in (
        ("mod", "nobody", ErrorCode.NOT_FOUND),
        ("viewer", "nobody", ErrorCode.FORBIDDEN),  # who may not ban does not learn who is there
        ("viewer", "viewer2", ErrorCode.FORBIDDEN),
        ("mod", "mod2", ErrorCode.FORBIDDEN),
        ("mod", "owner", ErrorCode.FORBIDDEN),
        ("mod", "mod", ErrorCode.FORBIDDEN),
        ("admin", "owner", ErrorCode.FORBIDDEN),
        ("rival", "viewer", ErrorCode.FORBIDDEN),
    ):
        with pytest.raises(ApiError) as refused:
            await bans.ban(home.actor(actor), HOME, UserId(target), "")
        assert refused.value.body.code is code, (actor, target)
    assert await home.kinds() == []
    assert await home.acts() == []


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [(1, "1 second"), (60, "1 minute"), (5_430, "1 hour 30 minutes"), (1_209_600, "14 days"), (90_061, "1 day 1 hour")],
)
def test_durations_are_said_in_words(duration_s: int, words: str) -> None:
    assert in_words(duration_s) == words
